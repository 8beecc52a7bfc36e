"""Text of cases for terminals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moderation.view import place_words
from moderation.wording import time_words
from streams.naming import format_duration

CASE_HEADERS = ("hashtag", "case", "why", "where", "hides on", "ends", "reach", "claimed by")


def case_cells(plain: Mapping[str, Any], now_ms: int) -> tuple[str, ...]:
    """Build the cells of a case in a list; those of a blinded case are empty."""
    lapses_ms = plain.get("lapses_ms")
    return (
        f"#{plain['display']}",
        plain["id"],
        ", ".join(why.replace("_", " ") for why in plain["why"]) + _languages(plain, " ({})"),
        ", ".join(map(place_words, plain["countries"])),
        ", ".join(plain.get("surfaces", ())),
        "" if lapses_ms is None else f"in {format_duration(lapses_ms - now_ms)}",
        f"{plain['reach']:,}" if plain.get("reach") else "",
        plain["claimed_by"] or "",
    )


def case_lines(plain: Mapping[str, Any], now_ms: int) -> Iterator[str]:
    """Describe a case: its items, tweets and history."""
    by = f", claimed by {plain['claimed_by']}" if plain["claimed_by"] else ""
    if plain["blinded"]:
        yield f"#{plain['display']}  {plain['id']}  second look{by}"
        yield f"  {', '.join(map(place_words, plain['countries']))}; numbers and other verdicts stay hidden until yours"
        yield _tweets(plain["tweets"])
        yield f"  answer it: hushtag cases decide {plain['id']} hide|show -r REASON; or skip it"
        return
    state = "open" if plain["open"] else "closed"
    labels = f", labels {', '.join(plain['labels'])}" if plain["labels"] else ""
    yield f"#{plain['display']}  {plain['id']}  {state}, began {time_words(plain['began_ms'])}{by}"
    reach = (f", reach {plain['reach']:,}" if plain["reach"] else "") + _languages(plain, ", not read: {}")
    yield f"  team {plain['team']}{labels}{reach}, version {plain['version'] or 'none'}"
    for item in plain["items"]:
        yield _item_line(item, now_ms)
        evidence = item["evidence"]
        if evidence is not None:
            share = "harm not assessed"
            if "share" in evidence:
                share = f"harmful share {evidence['share']:.2f} ({evidence['lower']:.2f} to {evidence['upper']:.2f})"
            yield f"      {evidence['tweets']:,} tweets by {evidence['authors']:,} authors, {share}"
    yield _tweets(plain["tweets"])
    for record in plain["history"]:
        yield f"  {time_words(record['at_ms'])}  {record['actor']} {_history_words(record)}: {record['reason']}"


def cover_words(covers: Sequence[Mapping[str, Any]]) -> str:
    """Say which countries and surfaces a decision covers.

    >>> cover_words([{"country": "IN", "surfaces": ["trends"]}, {"country": "US", "surfaces": ["search", "trends"]}])
    'IN on trends; US on search, trends'
    """
    places: dict[str, set[str]] = {}
    for one in covers:
        places.setdefault(one["country"], set()).update(one["surfaces"])
    return "; ".join(f"{place_words(country)} on {', '.join(sorted(found))}" for country, found in places.items())


def _languages(plain: Mapping[str, Any], form: str) -> str:
    found = plain.get("languages", ())
    return form.format(", ".join(f"{one['name']} {one['share']:.0%}" for one in found)) if found else ""


def _item_line(item: Mapping[str, Any], now_ms: int) -> str:
    surfaces = item["open_surfaces"] or item["surfaces"]
    where = f"{place_words(item['country'])}{': ' if surfaces else ''}{', '.join(surfaces)}"
    parts = [item["category"], f"by {item['by']}" if item["by"] else "", item["cause"]]
    if not item["open"]:
        parts.append("closed")
    elif item["ends_ms"]:
        parts.append(f"ends in {format_duration(item['ends_ms'] - now_ms)}")
    kind = item["kind"].replace("_", " ")
    return f"  {item['id']}  {kind} {where}; {', '.join(filter(None, parts))}"


def _tweets(tweets: Sequence[str]) -> str:
    return f"  tweets: {', '.join(tweets) or 'none sampled'}"


def _history_words(record: Mapping[str, Any]) -> str:
    match record["kind"]:
        case "claim":
            return "took it over" if record.get("take_over") else "claimed it"
        case "skip":
            return f"skipped it ({record['why']})"
        case "decision":
            return f"decided {record['verdict']}, {cover_words(record['covers'])}"
        case "look":
            return f"judged {record['verdict']} in a second look"
        case "undo":
            return "undid the last decision"
        case "escalation":
            return f"escalated it to {record['team']}"
        case "answer":
            return f"first answered {record['answer']}"
    labels = [*(f"+{one}" for one in record.get("add", ())), *(f"-{one}" for one in record.get("remove", ()))]
    return f"noted{' ' if labels else ''}{' '.join(labels)}"
