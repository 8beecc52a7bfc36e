"""Goals of the rows, each met or missed; some compare with an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.hijack.results import RowResult
from benchmarks.hijack.rows import LIFTED, MIRROR, NOTHING, OWN_SENTENCES, STUDENTS
from streams.constants import PANE_MS

MOST_SECONDS, MOST_BEYOND_SECONDS = PANE_MS / 1000, 60.0
"""Seconds for which a protected protest may be hidden, up to `RATIO` attackers for each person, and beyond."""
RATIO = 3.0
MOST_CASE_SECONDS = 60.0


class Missed(NamedTuple):
    """A case that misses a goal, and its figure."""

    row: str
    figure: str


class RowGoal(NamedTuple):
    """One goal over its cases."""

    text: str
    cases: int
    missed: tuple[Missed, ...]
    compared: bool = True
    """Whether there was an earlier run to compare with, or none was needed."""

    @property
    def state(self) -> str:
        """Result in a word."""
        return "MISSED" if self.missed else "met" if self.compared else "needs --base"


def row_goals(results: Sequence[RowResult], base: Mapping[str, RowResult] | None) -> list[RowGoal]:
    """Judge all goals. `base` has an earlier run's results by the row's key."""
    protected = [result for result in results if result.row.protected]
    near = [result for result in protected if result.row.ratio <= RATIO]
    far = [result for result in protected if result.row.ratio > RATIO]
    lifted = [result for result in results if result.row.protest == LIFTED]
    open_rows = [result for result in results if _is_open(result)]
    return [
        _hidden(f"grown protest, up to {RATIO:g} attackers each: hidden one tick at most", near, MOST_SECONDS),
        _hidden("the same beyond: one minute at most", far, MOST_BEYOND_SECONDS),
        _case("students, and attackers with own sentences: a case within a minute", open_rows),
        _compared("the same: hidden no longer than before", open_rows, base, "hidden_seconds"),
        _case(
            "lifted campaign: a case within a minute of being shown",
            [result for result in lifted if result.case_seconds is not None or (result.rank or 0) <= _LAST],
        ),
        _compared("lifted campaign: ranked no better than before", lifted, base, "rank", least=True),
        _mirrors(results),
        _compared(
            "campaign without a protest: hidden no later than before",
            [result for result in results if result.row.protest == NOTHING],
            base,
            "first_hidden_seconds",
        ),
        _compared("protected protests: hidden no longer than before", protected, base, "hidden_seconds"),
    ]


_LAST = 40
"""Rank of a shown hashtag at worst."""


def _is_open(result: RowResult) -> bool:
    row = result.row
    return row.protest not in (NOTHING, LIFTED, MIRROR) and (row.protest == STUDENTS or row.pool == OWN_SENTENCES)


def _hidden(text: str, own: Sequence[RowResult], most: float) -> RowGoal:
    missed = [Missed(each.row.key, f"{each.hidden_seconds:g} s") for each in own if each.hidden_seconds > most]
    return RowGoal(text, len(own), tuple(missed))


def _case(text: str, own: Sequence[RowResult]) -> RowGoal:
    missed = [
        Missed(each.row.key, "never" if each.case_seconds is None else f"{each.case_seconds:g} s")
        for each in own
        if each.case_seconds is None or each.case_seconds > MOST_CASE_SECONDS
    ]
    return RowGoal(text, len(own), tuple(missed))


def _compared(
    text: str, own: Sequence[RowResult], base: Mapping[str, RowResult] | None, figure: str, *, least: bool = False
) -> RowGoal:
    """Judge a figure that may not grow against an earlier run, or shrink if it has a least value."""
    if base is None:
        return RowGoal(text, len(own), (), compared=False)
    missed = []
    both = [(each, base[each.row.key]) for each in own if each.row.key in base]
    for each, earlier in both:
        now, then = (_number(getattr(result, figure)) for result in (each, earlier))
        if (now < then) if least else (now > then):
            missed.append(Missed(each.row.key, f"{then:g} → {now:g}"))
    return RowGoal(text, len(both), tuple(missed))


def _number(value: float | None) -> float:
    return float("inf") if value is None else value


def _mirrors(results: Iterable[RowResult]) -> RowGoal:
    by_key = {result.row.key: result for result in results}
    pairs = [
        (result, by_key[key])
        for result in by_key.values()
        if result.row.protest == LIFTED and (key := result.row.key.replace(LIFTED, MIRROR, 1)) in by_key
    ]
    missed = [
        Missed(lifted.row.key, f"{', '.join(lifted.actions) or 'nothing'} | {', '.join(mirror.actions) or 'nothing'}")
        for lifted, mirror in pairs
        if sorted(lifted.actions) != sorted(mirror.actions)
    ]
    return RowGoal("lifted campaign and its mirror: the same actions", len(pairs), tuple(missed))
