"""A policy in the shadow of the live one: both judge the same evidence as it arrives, and their differences are shown.

The judges are not involved: the shadow reads the evidence that they keep at every settled tick. It can start with any
length of the past and be stopped at any time.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from streams.backtest.comparison import PolicyChange, Spells, compare_moment
from streams.backtest.impact import Impact, ImpactReport
from streams.constants import PANE_MS

POINTS_MAX = 240
_Bools = npt.NDArray[np.bool_]


class FlaggedCounts(msgspec.Struct, frozen=True):
    """Numbers of flagged (hashtag, country) at a moment."""

    at_ms: int
    both: int
    live: int
    """Flagged under the live policy only."""
    new: int
    """Flagged under the new policy only."""


class ShadowReport(msgspec.Struct, kw_only=True):
    """Differences between a policy and the live one, up to a tick."""

    now: list[PolicyChange]
    """Differences at the last settled tick."""
    hiding: bool
    """Whether `over_time` counts hidden tags. If no tag was hidden it counts tags with any other action."""
    over_time: list[FlaggedCounts]
    """Ascending, evenly spaced, at most `POINTS_MAX`, the last one now."""
    verdict: ImpactReport
    """Differences from the beginning, by tag."""


def report_of(impact: Impact) -> ShadowReport:
    """Report on all ticks that an `Impact` has judged."""
    verdict = impact.report()
    # Spells that have not ended include the last tick.
    live, new = (_covered(recorder.until(impact.to_ms + 1), impact) for recorder in impact.recorders)
    hiding = any(spell.hides for spells in (*live.values(), *new.values()) for spell in spells)
    return ShadowReport(
        now=differing_now(impact),
        hiding=hiding,
        over_time=over_time(live, new, max(impact.from_ms, 0), impact.to_ms, hiding=hiding),
        verdict=verdict,
    )


def differing_now(impact: Impact) -> list[PolicyChange]:
    """List the tags on which the two policies differ at the last settled tick."""
    live, new = (_covered(recorder.standing(impact.to_ms), impact) for recorder in impact.recorders)
    return compare_moment(live, new, impact.tags)


def _covered(spells: Spells, impact: Impact) -> Spells:
    unknown = {scope for scopes in impact.uncovered().values() for scope in scopes}
    return {at: of_scope for at, of_scope in spells.items() if at[1] not in unknown}


def over_time(live: Spells, new: Spells, from_ms: int, to_ms: int, *, hiding: bool) -> list[FlaggedCounts]:
    """Count the tags that both policies flag, or only one of them, at evenly spaced moments that end at `to_ms`.

    Args:
        live: half-open spells of the live policy; one that includes `to_ms` ends after it.
        new: half-open spells of the new policy; one that includes `to_ms` ends after it.
        from_ms: start of the span, before the first moment.
        to_ms: the last moment.
        hiding: whether only hidden tags count.
    """
    ticks = (to_ms - from_ms) // PANE_MS
    step_ms = -(-(ticks + 1) // POINTS_MAX) * PANE_MS
    moments = np.arange(to_ms, from_ms - 1, -step_ms)[::-1]
    before, after = (_by_key(spells, moments, hiding) for spells in (live, new))
    none: _Bools = np.zeros(len(moments), bool)
    both, only_live, only_new = (np.zeros(len(moments), np.int64) for _ in range(3))
    for key in before.keys() | after.keys():
        under_live, under_new = before.get(key, none), after.get(key, none)
        both += under_live & under_new
        only_live += under_live & ~under_new
        only_new += under_new & ~under_live
    columns = (moments.tolist(), both.tolist(), only_live.tolist(), only_new.tolist())
    return [FlaggedCounts(*row) for row in zip(*columns, strict=True)]


def _by_key(spells: Spells, moments: npt.NDArray[np.int64], hiding: bool) -> dict[int, _Bools]:
    """Mark by key the moments at which any spell covers it."""
    by_key: dict[int, _Bools] = {}
    for (key, _), of_scope in spells.items():
        for spell in of_scope:
            if spell.hides or not hiding:
                stands = (spell.from_ms <= moments) & (moments < spell.to_ms)
                by_key[key] = by_key.get(key, np.zeros(len(moments), bool)) | stands
    return by_key


def counts(changes: Iterable[PolicyChange]) -> dict[tuple[str, str], int]:
    """Count the (hashtag, country) that differ, by category and by `live` only, `new` only or another `action`."""
    by_category: dict[tuple[str, str], int] = {}
    for change in changes:
        side = "live" if change.new is None else "new" if change.live is None else "action"
        by_category[change.category, side] = by_category.get((change.category, side), 0) + 1
    return by_category
