"""Text of cases for terminals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moderation.domain.cases.answers import (
    CaseDetailAnswer,
    CaseItemAnswer,
    CaseRecordAnswer,
    CaseRowAnswer,
    CoveredAnswer,
    facts_of,
)
from moderation.domain.override_words import place_words
from moderation.wording import time_words
from streams.naming import format_duration

CASE_HEADERS = ("hashtag", "case", "why", "where", "hides on", "ends", "reach", "claimed by")
_SHARE = "harmful share {share:.2f} ({lower:.2f} to {upper:.2f})"


def case_cells(case: CaseRowAnswer, now_ms: int) -> tuple[str, ...]:
    """Build the cells of a case in a list; those of a hidden case are empty."""
    languages = ", ".join(unread.words for unread in case.languages or ())
    return (
        f"#{case.display}",
        case.id,
        ", ".join(why.replace("_", " ") for why in case.why) + (f" ({languages})" if languages else ""),
        ", ".join(map(place_words, case.countries)),
        ", ".join(case.surfaces or ()),
        "" if case.lapses_ms is None else f"in {format_duration(case.lapses_ms - now_ms)}",
        f"{case.reach:,}" if case.reach else "",
        case.claimed_by or "",
    )


def case_lines(case: CaseDetailAnswer, now_ms: int) -> Iterator[str]:
    """Describe a case: its items, tweets and history."""
    by = f", claimed by {case.claimed_by}" if case.claimed_by else ""
    if case.blinded:
        yield f"#{case.display}  {case.id}  second look{by}"
        yield f"  {', '.join(map(place_words, case.countries))}; numbers and other verdicts stay hidden until yours"
        yield _tweets(case.tweets)
        yield f"  answer it: hushtag cases decide {case.id} hide|show -r REASON; or skip it"
        return
    state = "open" if case.open else "closed"
    labels = f", labels {', '.join(case.labels)}" if case.labels else ""
    yield f"#{case.display}  {case.id}  {state}, began {time_words(case.began_ms or 0)}{by}"
    yield f"  team {case.team}{labels}, version {case.version or 'none'}"
    for label, words in facts_of(case):
        yield f"  {label.lower()}: {words}"
    for item in case.items or ():
        yield _item_line(item, now_ms)
        if (numbers := item.evidence) is not None:
            share = "harm not assessed"
            if "share" in numbers:
                share = _SHARE.format(**numbers)
            yield f"      {numbers['tweets']:,} tweets by {numbers['authors']:,} authors, {share}"
    yield _tweets(case.tweets)
    for record in case.history or ():
        yield f"  {time_words(record.at_ms)}  {record.actor} {_history_words(record)}: {record.reason}"


def cover_words(covers: Sequence[CoveredAnswer]) -> str:
    """Say which countries and surfaces a decision covers.

    >>> cover_words([CoveredAnswer(item="1", country="US", surfaces=["search", "trends"])])
    'US on search, trends'
    """
    places: dict[str, set[str]] = {}
    for covered in covers:
        places.setdefault(covered.country, set()).update(covered.surfaces)
    return "; ".join(f"{place_words(country)} on {', '.join(sorted(surfaces))}" for country, surfaces in places.items())


def _item_line(item: CaseItemAnswer, now_ms: int) -> str:
    surfaces = item.open_surfaces or item.surfaces
    where = f"{place_words(item.country)}{': ' if surfaces else ''}{', '.join(surfaces)}"
    parts = [item.category, f"by {item.by}" if item.by else "", item.cause]
    if not item.open:
        parts.append("closed")
    elif item.ends_ms:
        parts.append(f"ends in {format_duration(item.ends_ms - now_ms)}")
    kind = item.kind.replace("_", " ")
    return f"  {item.id}  {kind} {where}; {', '.join(filter(None, parts))}"


def _tweets(tweets: Sequence[str]) -> str:
    return f"  tweets: {', '.join(tweets) or 'none sampled'}"


def _history_words(record: CaseRecordAnswer) -> str:
    match record.kind:
        case "claim":
            return "took it over" if record.take_over else "claimed it"
        case "skip":
            return f"skipped it ({record.why})" if record.why else "skipped it"
        case "decision":
            return f"decided {record.verdict}, {cover_words(record.covers or ())}"
        case "look":
            return f"judged {record.verdict} in a second look"
        case "undo":
            return "undid the last decision"
        case "escalation":
            return f"escalated it to {record.team}"
        case "answer":
            return f"first answered {record.answer}"
    labels = [*(f"+{label}" for label in record.add or ()), *(f"-{label}" for label in record.remove or ())]
    return f"noted{' ' if labels else ''}{' '.join(labels)}"
