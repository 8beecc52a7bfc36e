"""The public update: the report in sentences, as a platform would post it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from moderation.domain.rounding import Count
from moderation.outward.report.published_report import PublishedReport
from moderation.outward.report.words import (
    HELD_BY,
    KINDS,
    ORDER_OUTCOMES,
    OUTCOMES,
    SPEAKERS,
    category_words,
    count_text,
    in_sentence,
    language_words,
    place_words,
    share_words,
)
from moderation.wording import day_words, listed, time_words
from streams.countries import country_name
from streams.naming import format_duration

MOST_ORDERS = 10
"""Number of orders above which only the report lists them one by one."""
_WIDTH = 100
_BECAUSE = {
    "protected_speech": "are protected speech",
    "not_unlawful": "break no law that was named",
    "overbroad": "were asked for without particulars, or too widely",
    "no_legal_basis": "were named without a legal basis",
    "not_found": "could not be found",
    "other": "were declined for other reasons",
}
_STATES: Mapping[str, str] = {
    "suspended": "{many} are suspended in all countries because they broke our own rules.",
    "withheld": "{many} are withheld {only}. They remain visible everywhere else.",
    "withheld_in_several_countries": "{many} are withheld in several countries{among}, and visible elsewhere.",
    "withheld_elsewhere": "{many} are visible{where} and withheld in another country.",
    "reduced": "The visibility of {many} is reduced{where}: they do not appear in trends or as recommended search "
    "terms there. People can still type them.",
    "reduced_elsewhere": "The visibility of {many} is not reduced{where}, but it is in another country.",
    "undecided": "{many} are visible and still under review.",
    "ended": "{many} were withheld until the order on them or our interim decision ended. No order withholds them now.",
    "released": "{many} were restricted until an appeal or a new ruling reversed our decision. They are visible now.",
    "declined": "On {many} we took no action: {because}.",
    "dropped": "On {many} no action had been taken when the order on them ended.",
}
_HASHTAGS: Mapping[str, str] = {
    "undecided": "{many} are still under review, and no order reduces their visibility.",
    "ended": "The visibility of {many} was reduced until the order on them or our interim decision ended. No order "
    "reduces it now.",
    "released": "The visibility of {many} was reduced until an appeal or a new ruling reversed our decision.",
}
"""Sentences for hashtags that differ from those for accounts and tweets."""


def update(report: PublishedReport, *, name: str = "hushtag") -> str:
    """Write the public update as plain text, in lines of at most 100 characters."""
    facts = report.facts
    where = "" if facts["country"] == "*" else f" in {country_name(facts['country'])}"
    first, last = day_words(facts["from_ms"]), day_words(facts["to_ms"] - 1)
    parts = [f"Update{where}, {first} to {last}", "", *_held_back(facts, where), ""]
    parts += _orders(facts, where)
    parts += _languages(facts)
    parts += ["", f"Counts from 1 to {report.threshold - 1} are not given exactly. Published by {name}."]
    return "\n".join(line for part in parts for line in _wrapped(part)) + "\n"


def _held_back(facts: Mapping[str, Any], where: str) -> Iterator[str]:
    held = facts["hashtags_held_back"]
    if facts["automated_decisions_lacking"]:
        yield "No log has all decisions of our systems in this period: more hashtags were held back than we count here."
    if not held["total"]:
        yield f"In this period no hashtag was held back from trends or search suggestions{where}."
        return
    yield (
        f"In this period {in_sentence(held['total'], 'hashtags')} were held back from trends or search suggestions"
        f"{where}, each counted once:"
    )
    yield "- " + _counts(held["by"], HELD_BY, "by {}") + "."
    yield (
        "- "
        + _counts(held["by_country"], {code: place_words(code) for code in held["by_country"]}, "by a decision for {}")
        + "."
    )
    if held["by_category"]:
        categories = _counts(held["by_category"], {key: category_words(key) for key in held["by_category"]}, "for {}")
        yield f"- By our systems: {categories}."


def _orders(facts: Mapping[str, Any], where: str) -> Iterator[str]:
    orders = "one legal order" if facts["orders"] == 1 else f"{facts['orders']:,} legal orders"
    named = _named(facts["targets"])
    yield f"We received {orders}{', naming ' + named if named else ''}."
    if not facts["orders"]:
        return
    yield f"As of {time_words(facts['as_of_ms'])}, over all orders, each counted once:"
    yield ""
    for kind in KINDS:
        for state, count in _ordered(facts["states"].get(kind, {})):
            grounds = facts["declined_by_ground"].get(kind, {})
            because = ", ".join(f"{count_text(n, KINDS[kind])} {_BECAUSE[ground]}" for ground, n in grounds.items())
            sentence = _HASHTAGS.get(state, _STATES[state]) if kind == "hashtag" else _STATES[state]
            yield "- " + sentence.format(
                many=in_sentence(count, KINDS[kind]),
                only=f"{where} only".strip() if where else "in one country only, that of the order",
                where=where or " in the country of the order",
                among=f", {place_words(facts['country'])} among them" if where else "",
                because=because,
            )
            if kind == "account" and state == "declined":
                yield from _speakers(facts)
    yield from _acted_against(facts)
    if facts["median_time_to_act_ms"] is not None:
        yield f"- Median time from an order to our decision: {format_duration(facts['median_time_to_act_ms'])}."
    yield from _by_order(facts)


def _speakers(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["declined_by_ground"]["account"].get("protected_speech"):
        yield "  We do not believe that acting on protected speech would be consistent with free expression."
    if speakers := facts["protected_speakers_declined"]:
        names = ", ".join(in_sentence(count, SPEAKERS[category]) for category, count in speakers.items())
        yield f"- Among them: {names}."


def _acted_against(facts: Mapping[str, Any]) -> Iterator[str]:
    acted = facts["protected_speakers_acted_against"]
    later = facts["protected_speakers_registered_afterwards"]
    released = facts["protected_speakers_released"]
    if acted:
        yield f"- We acted against {in_sentence(acted, 'protected speakers')}. Two people decided on each."
    if later:
        yield (
            f"- {in_sentence(later, 'accounts')} that we acted against were registered as protected speakers only "
            "after the decision, which one person took."
        )
    if released:
        yield f"- We acted against {in_sentence(released, 'protected speakers')} and reversed that decision."
    if facts["protected_speakers_declined"] and not acted and not later and not released:
        yield "- We acted against no protected speaker."


def _by_order(facts: Mapping[str, Any]) -> Iterator[str]:
    orders = facts["by_order"]
    listed_orders = [order for order in orders if order["targets"]]
    if len(orders) < 2 or len(orders) > MOST_ORDERS or not listed_orders:
        return
    yield ""
    yield "What each order asked for, and what it got; an account of two orders counts in both:"
    yield ""
    for order in listed_orders:
        if order["country"]:
            what = f"{country_name(order['country'])}, received {day_words(order['received_ms'])}"
            what += f", now {order['state'].replace('_', ' ')}"
        else:
            what = f"{order['orders']:,} orders, among them those that may not be published one by one"
        got = "; ".join(
            f"of the {KINDS[kind]}, "
            + ", ".join(f"{count:,} {ORDER_OUTCOMES[outcome]}" for outcome, count in _ordered(order["outcomes"][kind]))
            for kind in KINDS
            if kind in order["outcomes"]
        )
        yield f"- {what}: {_named(order['targets'])}; {got}."
    if len(listed_orders) < len(orders):
        yield "- The counts of the other orders are too small to give."


def _languages(facts: Mapping[str, Any]) -> Iterator[str]:
    texts = facts["texts_by_language"]
    if texts is None or not texts["total"]:
        return
    yield ""
    part = "" if texts["read_share"] is None else f" ({share_words(texts['read_share'])})"
    yield (
        f"Our systems looked at {in_sentence(texts['total'], 'texts')} of some authors of each busy hashtag, and read "
        f"{count_text(texts['read'], 'texts')} of them{part}:"
    )
    for verb, counts in (("read", texts["read_by_language"]), ("not read", texts["unread_by_language"])):
        if counts:
            named = [f"{count_text(count, 'texts')} in {language_words(code)}" for code, count in counts.items()]
            yield f"- {verb}: {listed(named)}."


def _named(targets: Mapping[str, Count]) -> str:
    return listed([in_sentence(targets[kind], KINDS[kind]) for kind in KINDS if kind in targets])


def _counts(counts: Mapping[str, Count], names: Mapping[str, str], phrase: str) -> str:
    return ", ".join(f"{count_text(count, 'hashtags')} {phrase.format(names[name])}" for name, count in counts.items())


def _ordered(counts: Mapping[str, Count]) -> list[tuple[str, Count]]:
    return [(name, counts[name]) for name in OUTCOMES if name in counts]


def _wrapped(part: str) -> list[str]:
    indent = "  " if part.startswith(("- ", "  ")) else ""
    return wrap(part, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]
