"""Sentences of the update, the letter and the page that state numbers, with their counts from the log. Pure.

The wording is repeated here on purpose: a changed sentence is checked again by a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Sentences = dict[str, dict[str, int]]
_HELD_BY = {"pipeline_alone": "our systems alone", "people_alone": "people or orders alone", "both": "both"}
_PLACES = {"IN": "India", "*": "all countries"}
_SPEAKERS = {
    "news_media": "news media", "journalist": "journalists", "activist": "activists", "politician": "politicians",
}  # fmt: skip
_OUTCOMES = {
    "suspended": "suspended everywhere", "withheld": "withheld in one country", "reduced": "reduced visibility",
    "ended": "held back until the order ended", "released": "released by appeal or ruling", "declined": "declined",
}  # fmt: skip
_GOT = {**_OUTCOMES, "withheld": "withheld in its country"}
_GROUNDS = {"protected_speech": "protected speech", "not_unlawful": "breaks no law"}
_LETTER_GROUNDS = {
    "protected_speech": "protected speech", "other": "other grounds",
    "not_unlawful": "the content does not break the law that the order names",
}  # fmt: skip
_DURATIONS = {"hour": "under an hour", "six_hours": "1 to 6 hours"}
_STATES = {"suspended": "suspended in all countries", "here": "{} in India only", "visible": "not {} in India"}


def of_update(facts: Mapping[str, Any]) -> Sentences:
    """List the sentences of the public update on India."""
    sentences: Sentences = {
        "We received {orders} legal orders, naming {accounts} accounts and {hashtags} hashtags.": {
            "orders": facts["orders"],
            "accounts": facts["targets"]["account"],
            "hashtags": facts["targets"]["hashtag"],
        },
        "In this period {total} hashtags were held back from trends or search suggestions in India, each counted once:":
        {"total": facts["hashtags_held_back"]["total"]},
    }  # fmt: skip
    sentences |= _held_back(facts["hashtags_held_back"])
    accounts, hashtags = facts["states"]["account"], facts["states"]["hashtag"]
    grounds = facts["declined_by_ground"]
    for sentence, count in {
        "{n} accounts are suspended in all countries because they broke our own rules.": accounts.get("suspended", 0),
        "{n} accounts are withheld in India only. They remain visible everywhere else.": accounts.get("withheld", 0),
        "{n} accounts were withheld until the order on them or our interim decision ended.": accounts.get("ended", 0),
        "{n} accounts were restricted until an appeal or a new ruling reversed our decision. They are visible now.":
        accounts.get("released", 0),
        "On {n} accounts we took no action:": accounts.get("declined", 0),
        "The visibility of {n} hashtags is reduced in India: they do not appear in trends": hashtags.get("reduced", 0),
        "The visibility of {n} hashtags was reduced until the order on them or our interim decision ended.":
        hashtags.get("ended", 0),
        "On {n} hashtags we took no action:": hashtags.get("declined", 0),
        "we took no action: {n} break no law that was named.": grounds["hashtag"].get("not_unlawful", 0),
    }.items():  # fmt: skip
        sentences[sentence] = {"n": count}
    sentences["we took no action: {n} break no law that was named, {m} are protected speech."] = {
        "n": grounds["account"].get("not_unlawful", 0),
        "m": grounds["account"].get("protected_speech", 0),
    }
    speakers = facts["protected_speakers_declined"]
    names = ", ".join(
        f"{{{speaker}}} {_SPEAKERS[speaker]}" for speaker in sorted(speakers, key=lambda speaker: -speakers[speaker])
    )
    sentences[f"Among them: {names}."] = dict(speakers)
    for order in facts["by_order"]:
        sentences |= _order_line(order)
    return sentences


def _order_line(order: Mapping[str, Any]) -> Sentences:
    """Return the line of one order, with every count of what it asked for and got."""
    counts: dict[str, int] = {}
    named, got = [], []
    for kind in ("account", "hashtag"):
        if kind not in order["targets"]:
            continue
        counts[kind] = order["targets"][kind]
        named.append(f"{{{kind}}} {kind}s")
        cells = order["outcomes"][kind]
        counts |= {f"{kind}_{name}": count for name, count in cells.items()}
        got.append(f"of the {kind}s, " + ", ".join(
            f"{{{kind}_{name}}} {words}" for name, words in _GOT.items() if name in cells
        ))  # fmt: skip
    return {f"now {order['state'].replace('_', ' ')}: {' and '.join(named)}; {'; '.join(got)}.": counts}


def _held_back(held: Mapping[str, Any]) -> Sentences:
    """Return the lists of the hashtags held back, the greatest count first."""

    def listed(counts: Mapping[str, int], phrase: str, names: Mapping[str, str]) -> tuple[str, dict[str, int]]:
        keys = sorted(counts, key=lambda name: (-counts[name], name))
        places = {name: f"c{number}" for number, name in enumerate(keys)}
        parts = ", ".join(f"{{{places[name]}}} {phrase} {names[name]}" for name in keys)
        return parts, {places[name]: counts[name] for name in keys}

    categories = {category: category.replace("_", " ") for category in held["by_category"]}
    return dict([
        listed(held["by"], "by", _HELD_BY),
        listed(held["by_country"], "by a decision for", _PLACES),
        listed(held["by_category"], "for", categories),
    ])  # fmt: skip


def of_letter(counts: Mapping[str, Any]) -> Sentences:
    """List the sentences of a letter to the authority; the annex is counted apart."""
    named = counts["named"]
    kinds = [kind for kind in ("account", "hashtag") if kind in named]
    sentences: Sentences = {
        "names " + " and ".join(f"{{{kind}}} {kind}s" for kind in kinds) + ".": {kind: named[kind] for kind in kinds},
    }
    acted = counts["acted"]
    for sentence, kind, outcome in (
        ("{n} hashtags no longer shown in trends and search suggestions to viewers in India", "hashtag", "reduced"),
        ("{n} accounts withheld from viewers in India", "account", "withheld"),
        ("{n} accounts suspended for breaking our own rules", "account", "suspended"),
    ):
        sentences[sentence] = {"n": acted.get(kind, {}).get(outcome, 0)}
    for kind in kinds:
        held = "reduced" if kind == "hashtag" else "withheld"
        for state, words in _STATES.items():
            sentences[f"{{n}} {kind}s {words.format(held)}"] = {"n": counts["states"].get(kind, {}).get(state, 0)}
        ended = counts["ended"].get(kind, 0)
        sentences[f"{{n}} {kind}s held back in India until the order on them or our interim decision ended"] = {
            "n": ended
        }
    for (kind, ground, reason), count in counts["declined"].items():
        plural = "" if count == 1 else "s"
        sentences[f"{{n}} {kind}{plural}: {_LETTER_GROUNDS[ground]}; {reason}"] = {"n": count}
    return sentences


def of_page(facts: Mapping[str, Any]) -> Sentences:
    """List the cells and sentences of the report's page."""
    held = facts["hashtags_held_back"]
    sentences: Sentences = {
        "Hashtags held back from trends or search suggestions | {n} ": {"n": held["total"]},
        "Orders received | {n} ": {"n": facts["orders"]},
        "Accounts named | {n} ": {"n": facts["targets"]["account"]},
        "Hashtags named | {n} ": {"n": facts["targets"]["hashtag"]},
        "{n} of {m} were decided, {k} before the deadline": {
            "n": facts["orders_acted_on"],
            "m": facts["orders"],
            "k": facts["orders_acted_on_before_the_deadline"],
        },
        "India | {n} | States are as of": {"n": facts["orders"]},
    }
    sentences |= _held_back(held)
    rows: list[tuple[str, Mapping[str, int], Mapping[str, str]]] = [
        ("By whom", held["by"], _HELD_BY),
        ("By country of the decision", held["by_country"], _PLACES),
        ("By category that our systems found", held["by_category"], {}),
        ("Accounts declined, by ground", facts["declined_by_ground"]["account"], _GROUNDS),
        ("Hashtags declined, by ground", facts["declined_by_ground"]["hashtag"], _GROUNDS),
        ("Protected speakers on whom we took no action", facts["protected_speakers_declined"], _SPEAKERS),
    ]
    for title, counts, names in rows:
        keys = sorted(counts, key=lambda name: (-counts[name], name))
        cells = " | ".join(f"{names.get(name, name.replace('_', ' '))} | | {{c{n}}}" for n, name in enumerate(keys))
        sentences[f"{title} {cells}"] = {f"c{n}": counts[name] for n, name in enumerate(keys)}
    for kind in ("account", "hashtag"):
        states = facts["states"][kind]
        for name, words in _OUTCOMES.items():
            if name in states:
                part = states[name] / sum(states.values())
                share = f"{part:.0%}" if part >= 0.005 else "under 1%"
                sentences[f"{words} | | {{n}} ({share})"] = sentences.get(
                    f"{words} | | {{n}} ({share})", {"n": states[name]}
                )
    for order in facts["by_order"]:
        sentences |= _page_order(order)
    sentences |= _page_tables(facts)
    if facts["log"] is not None:
        sentences["counts the {n} entries of our public log"] = {"n": facts["log"]["size"]}
    return sentences


def _page_order(order: Mapping[str, Any]) -> Sentences:
    asked, got, counts = [], [], {}
    for kind in ("account", "hashtag"):
        if kind not in order["targets"]:
            continue
        counts[kind] = order["targets"][kind]
        asked.append(f"{{{kind}}} {kind}s")
        for name, words in _GOT.items():
            if name in order["outcomes"][kind]:
                counts[f"{kind}_{name}"] = order["outcomes"][kind][name]
                got.append(f"{{{kind}_{name}}} {kind}s {words}")
    return {f"{order['state'].replace('_', ' ')} | {' '.join(asked)} | {' '.join(got)} |": counts}


def _page_tables(facts: Mapping[str, Any]) -> Sentences:
    """Return the tables of the pipeline and of people's decisions; medians are compared in the JSON."""
    sentences: Sentences = {}
    tables = {"hashtags_suppressed_by_category": "Suppressions", "hashtags_discounted_by_category": "Hashtags"}
    for title, noun in tables.items():
        counts = facts[title]
        keys = sorted(counts, key=lambda name: (-counts[name], name))
        names = [name.replace("_", " ") for name in keys]
        rows = " ".join(f"{name} | {{c{number}}} | {{*}} |" for number, name in enumerate(names))
        sentences[f"{noun} | Median duration | {rows}"] = {
            f"c{number}": counts[name] for number, name in enumerate(keys)
        }
    contested = facts["hashtags_discounted_by_category"]
    for name, count in contested.items():
        words = name.replace("_", " ")
        sentences[f"tweets of their established accounts alone. {words} | | {{n}} |"] = {"n": count}
    lasted = {name: count for name in _DURATIONS if (count := facts["suppressions_by_duration"].get(name))}
    cells = " ".join(f"{_DURATIONS[name]} | | {{{name}}} |" for name in lasted)
    sentences[f"For how long {cells}"] = lasted
    overruled, suppressions = facts["suppressions_overruled_by_people"], sum(facts["suppressions_by_duration"].values())
    sentences[f"People overruled {{n}} suppressions ({overruled / suppressions:.1%})."] = {"n": overruled}
    for verb, count in facts["decisions_by_people"].items():
        sentences[f"{verb} | {{n}} "] = {"n": count}
    return sentences
