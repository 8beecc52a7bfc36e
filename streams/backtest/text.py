"""An impact report in words: the same sentences for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from streams.actions import row_of
from streams.backtest.comparison import Effect, EffectTotal, PolicyChange, PolicyOutcome
from streams.backtest.impact import ImpactReport
from streams.log.decisions import NOT_ASSESSED

SETTLED_ONLY = (
    "Settled decisions are predicted, and exactly. Early ones, which hide a tag some seconds sooner, are not: they "
    "depend on when records arrive. Actions that began before the evidence are not known. Authors of hidden hashtags "
    "are not established; these hashtags are the ones that were hidden under the live policy."
)
_TIMES = {"earlier": "earlier", "later": "later", "longer": "longer", "shorter": "shorter", "action": "other action"}
_KINDS: dict[Effect, dict[str, str]] = {
    "hidden": {**_TIMES, "newly": "newly suppressed", "cleared": "no longer suppressed"},
    "discounted": {
        **{kind: f"discounted {words}" for kind, words in _TIMES.items()},
        "newly": "newly discounted",
        "cleared": "no longer discounted",
    },
    "flagged": {**_TIMES, "newly": "newly flagged", "cleared": "no longer flagged"},
}


def kind_in_words(change: PolicyChange) -> str:
    """Name the kind of a change."""
    return _KINDS[change.effect][change.kind]


def side_in_words(side: PolicyOutcome | None) -> str:
    """Describe the effect of one policy on a tag."""
    if side is None:
        return "–"
    done = _done(side.action) + (f" (weight {side.weight:g})" if side.weight is not None else "")
    more = f" in {side.spells} spells" if side.spells > 1 else ""
    begins = f"{_at(side.from_ms):%m-%d} {clock(side.from_ms)}"  # evidence may span a week
    return f"{done} {begins}, {minutes_in_words(side.minutes)}{more}"


def _done(action: str) -> str:
    return "not assessed, queued for review" if action == NOT_ASSESSED else row_of(action).done or action


def total_in_words(total: EffectTotal) -> str:
    """Render a number of hashtags and their tag-minutes.

    >>> total_in_words(EffectTotal(3, 40.0)), total_in_words(EffectTotal())
    ('3 for 40 min', 'none')
    """
    return f"{total.hashtags:,} for {minutes_in_words(total.minutes)}" if total.hashtags else "none"


def now_in_words(change: PolicyChange) -> str:
    """Describe the action on a tag under the live policy, and under the new one."""
    live, new = (_done(side.action) if side else "clear" for side in (change.live, change.new))
    return f"{live} live, {new} in the shadow"


def tags(changes: Iterable[PolicyChange]) -> str:
    """Render the number of hashtags that change, each counted once for all its countries, categories and surfaces."""
    count = len({change.hashtag for change in changes})
    return "1 hashtag" if count == 1 else f"{count:,} hashtags"


def margin_in_words(side: PolicyOutcome) -> str:
    """Render the lower bound at the start, the threshold, and the margin; or the part that was read."""
    if side.action == NOT_ASSESSED:
        return f"read {side.lower:.0%}, min_scored {side.threshold:.0%}"
    return f"{side.lower:.2f} ≥ {side.threshold:g} (+{side.margin:.2f})"


def minutes_in_words(minutes: float) -> str:
    """Render a length to the minute, or to a tenth of a minute below ten.

    >>> minutes_in_words(0.5), minutes_in_words(75.2), minutes_in_words(0)
    ('0.5 min', '75 min', '0 min')
    """
    return f"{minutes:.1f} min" if 0 < minutes < 10 else f"{minutes:,.0f} min"


def clock(time_ms: int) -> str:
    """Render hours, minutes and seconds, UTC."""
    return f"{_at(time_ms):%H:%M:%S}"


def moment(time_ms: int) -> str:
    """Render date and minute, UTC."""
    return f"{_at(time_ms):%Y-%m-%d %H:%M} UTC"


def _at(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def summary(verdict: ImpactReport) -> str:
    """Summarise the report: the parts that are not known, and the number of hashtags of each kind of change."""
    if not verdict.tag_panes:
        return "There is no evidence."
    unknown: dict[str, None] = {
        f"{category} on {_listed(surfaces)}": None for (_, category, _), surfaces in _uncovered(verdict).items()
    }
    parts = [f"Not known without a replay: {'; '.join(unknown)}."] if unknown else []
    hashtags: dict[str, set[str]] = {}
    for change in verdict.changes:
        hashtags.setdefault(kind_in_words(change), set()).add(change.hashtag)
    if hashtags:
        counts = "; ".join(f"{len(names):,} {words}" for words, names in hashtags.items()) + "."
        parts.append(f"Elsewhere {counts}" if unknown else counts)
    elif verdict.answered:
        parts.append(f"Nothing {'else ' if unknown or verdict.unseen else ''}would change.")
    return " ".join(parts)


def span(verdict: ImpactReport) -> str:
    """Describe the evidence of a report."""
    shards = "1 shard" if verdict.shards == 1 else f"{verdict.shards} shards"
    return (
        f"{verdict.tag_panes:,} tag-panes of {shards}, {moment(verdict.from_ms)} to {moment(verdict.to_ms)}"
        if verdict.tag_panes
        else "nothing"
    )


def uncovered_in_words(verdict: ImpactReport) -> list[str]:
    """Return a line for each part that needs a replay, and for each change that no evidence answers."""
    lines = [
        f"{category} on {_listed(surfaces)} needs replay ({policy} policy): {'; '.join(reasons)}"
        for (policy, category, reasons), surfaces in _uncovered(verdict).items()
    ]
    return [*lines, *verdict.unseen]


def _uncovered(verdict: ImpactReport) -> dict[tuple[str, str, tuple[str, ...]], list[str]]:
    """Group the surfaces that need a replay by policy, category and reasons."""
    surfaces: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for scope in verdict.needs_replay:
        surfaces.setdefault((scope.policy, scope.category, scope.reasons), []).append(scope.surface)
    return surfaces


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
