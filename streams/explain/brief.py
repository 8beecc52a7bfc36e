"""Short explanation of a hashtag: one sentence, then at most 15 lines. `printer` prints all of it."""

from __future__ import annotations

from collections.abc import Iterator

from hushtag_client.registers import Register

from streams.countries import in_country
from streams.explain.explanation import Explanation
from streams.explain.flag_text import source_words
from streams.explain.sentence import (
    DecidedPlaces,
    decided_places,
    nearest_rule,
    sentence_of,
    where_words,
)
from streams.explain.signal_report import moment
from streams.flags.override_answers import action_of
from streams.progress import block_bars

MOST_LINES = 15
"""Lines after the sentence."""
_PLACES, _SIGNALS, _ENDS, _PEOPLE, _EVENTS = 3, 4, 2, 2, 3
"""Most lines of each part."""


def brief(whole: Explanation) -> list[str]:
    """Return the sentence and at most `MOST_LINES` lines of details; the last one names the command for the rest."""
    report = whole.report
    decided = decided_places(report.states())
    leading = decided[0].register if decided else None
    parts = [
        ("", [_place(group) for group in decided[1:] if group.shown], _PLACES),
        ("signals:", list(_signals(whole, leading)), _SIGNALS),
        ("or it ends when:", list(_other_ends(whole, leading)), _ENDS),
        ("people decided:", [_override(whole, at) for at in range(len(report.overrides))], _PEOPLE),
        ("history:", list(_events(whole))[-_EVENTS:], _EVENTS),
    ]
    lines: list[str] = []
    for title, details, most in parts:
        if details:
            indent = "  " if title else ""
            lines += [*filter(None, [title]), *(f"{indent}{line}" for line in details[:most])]
    more = f"more: hushtag explain {report.hashtag} --all"
    return [sentence_of(whole), *lines[: MOST_LINES - 1], more]


def _place(group: DecidedPlaces) -> str:
    state = "shown" if group.weight == 1 else f"counts {group.weight:.0%}"
    return f"also {state} on {where_words(group)}, by {source_words(group.register)}"


def _signals(whole: Explanation, leading: Register | None) -> Iterator[str]:
    """Yield the signals of the decision, or those of the nearest rule where nothing is hidden."""
    if leading is not None and leading.reasons:
        for reason in leading.reasons:
            at = whole.line_of(leading, reason.signal)
            yield _signal(reason.signal, reason.value, reason.threshold, f"{at[0]}:{at[1].line}" if at else "")
        return
    nearest = nearest_rule(whole)
    if nearest is not None and leading is None:
        name = whole.evidence.policies.name(whole.evidence.revision)
        for asked in nearest[0].signals:
            yield _signal(asked.signal, asked.value, asked.threshold, f"{name}:{asked.line}" if asked.line else "")
        if whole.evidence.volume:
            tweets = [window.tweets for window in whole.evidence.volume]
            yield f"tweets {block_bars(tweets, max(1, *tweets))} {tweets[-1]:,}"


def _signal(signal: str, value: float | None, threshold: float, place: str) -> str:
    shown = "not known" if value is None else _number(value)
    name = signal.removeprefix("min_").replace("_", " ")
    return f"{name} {shown}, threshold {_number(threshold)}" + (f"  {place}" if place else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value % 1 == 0 else f"{value:.4g}"


def _other_ends(whole: Explanation, leading: Register | None) -> list[str]:
    return whole.ends_when(leading)[1:] if leading is not None and leading.source == "automated" else []


def _override(whole: Explanation, at: int) -> str:
    status = whole.report.overrides[at]
    record, reason = status.record, " ".join(status.record.reason.split())
    return f"{action_of(record)} {in_country(record.country)} by {record.actor}: {status.state} ({reason})"


def _events(whole: Explanation) -> Iterator[str]:
    for event in whole.report.timeline():
        more = f", renewed {event.repeats} times" if event.repeats else ""
        by = "" if event.source == "automated" else f" by {event.actor}"
        yield f"{moment(event.at_ms)}  {in_country(event.country)}: {event.what}{by}{more}"
