"""A policy in the shadow of the live one: the same evidence as it comes, judged under both, where they differ.

The judges know nothing of it. It follows what they keep at every settled tick, so it costs them nothing, can be stopped
at any time, and begins with as much of the past as is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from streams.backtest.compare import Change, Spells, compare
from streams.backtest.impact import Impact, Verdict
from streams.counting.block_counts import PANE_MS

POINTS_MAX = 240
_Bools = npt.NDArray[np.bool_]


class Point(msgspec.Struct, frozen=True):
    """How many (hashtag, country) at a moment."""

    at_ms: int
    both: int
    live: int
    """Under the live policy only."""
    new: int


class Report(msgspec.Struct, kw_only=True):
    """What a shadow has seen so far."""

    now: list[Change]
    """Where the two differ at the last settled tick."""
    hiding: bool
    """Whether `over_time` counts hidden tags; else none was hidden, and it counts tags in `review` or `shadow`."""
    over_time: list[Point]
    """Ascending, evenly spaced, at most `POINTS_MAX`, the last one now."""
    verdict: Verdict
    """The same differences, tag by tag from the beginning."""


def report_of(impact: Impact) -> Report:
    """A report on all that an `Impact` has judged so far."""
    verdict = impact.verdict()
    live, new = (_known(book.until(impact.to_ms + 1), impact) for book in impact.books)  # what stands, stands then
    hiding = any(spell.hides for spells in (*live.values(), *new.values()) for spell in spells)
    return Report(
        now=differing_now(impact),
        hiding=hiding,
        over_time=over_time(live, new, max(impact.from_ms, 0), impact.to_ms, hiding=hiding),
        verdict=verdict,
    )


def differing_now(impact: Impact) -> list[Change]:
    """Tags to which the two policies do not do the same at the last settled tick."""
    live, new = (_known(book.standing(impact.to_ms), impact) for book in impact.books)
    return [one for one in compare(live, new, impact.tags) if _differs(one)]


def _differs(change: Change) -> bool:
    return change.live is None or change.new is None or change.live.action != change.new.action


def _known(spells: Spells, impact: Impact) -> Spells:
    unknown = {scope for found in impact.uncovered().values() for scope in found}
    return {at: found for at, found in spells.items() if at[1] not in unknown}


def over_time(live: Spells, new: Spells, from_ms: int, to_ms: int, *, hiding: bool) -> list[Point]:
    """How many tags are flagged under both policies, and under one of them only, at moments from the last one back.

    Args:
        live, new: half-open, so one that stands at `to_ms` ends behind it.
        hiding: count only what is hidden.
    """
    ticks = (to_ms - from_ms) // PANE_MS
    step_ms = -(-(ticks + 1) // POINTS_MAX) * PANE_MS
    moments = np.arange(to_ms, from_ms - 1, -step_ms)[::-1]
    before, after = (_by_key(spells, moments, hiding) for spells in (live, new))
    none: _Bools = np.zeros(len(moments), bool)
    both, only_live, only_new = (np.zeros(len(moments), np.int64) for _ in range(3))
    for key in before.keys() | after.keys():
        old, young = before.get(key, none), after.get(key, none)
        both += old & young
        only_live += old & ~young
        only_new += young & ~old
    columns = (moments.tolist(), both.tolist(), only_live.tolist(), only_new.tolist())
    return [Point(*row) for row in zip(*columns, strict=True)]


def _by_key(spells: Spells, moments: npt.NDArray[np.int64], hiding: bool) -> dict[int, _Bools]:
    """By key, at which moments anything stands on it."""
    found: dict[int, _Bools] = {}
    for (key, _), of_scope in spells.items():
        for spell in of_scope:
            if spell.hides or not hiding:
                stands = (spell.from_ms <= moments) & (moments < spell.to_ms)
                found[key] = found.get(key, np.zeros(len(moments), bool)) | stands
    return found


def counts(changes: Iterable[Change]) -> dict[tuple[str, str], int]:
    """By category and `live`, `new` (only there) or `action` (another one): how many (hashtag, country) differ."""
    found: dict[tuple[str, str], int] = {}
    for change in changes:
        side = "live" if change.new is None else "new" if change.live is None else "action"
        found[change.category, side] = found.get((change.category, side), 0) + 1
    return found
