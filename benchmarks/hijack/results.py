"""Measures of a row: seconds hidden, time to a case, rank, and actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

import msgspec

from benchmarks.hijack.battles import battle, length_ms
from benchmarks.hijack.posts import COUNTRY, START_MS, TAG, Post
from benchmarks.hijack.rows import LIFTED, MIRROR, NOTHING, AttackRow
from benchmarks.hijack.viewing import BACKGROUND, Sight, sights
from benchmarks.judged import OpenCase, PublishedDecision, cases_of, judged, shipped_policy
from devkit.crowds.posts import AuthorRole, log_of, tenth_ms
from streams.constants import PANE_MS
from streams.log.decisions import Decision

_RANK_STEP_MS = 30_000
SETTLING_MS = 6_000
"""Log time from a tick's end until it settles: the allowed lateness, until the next tweet of any."""


class RowResult(msgspec.Struct, frozen=True):
    """Effects of one row on viewers in the hashtag's country. Seconds are event time; None: never."""

    row: AttackRow
    hidden_seconds: float
    """Seconds hidden once the tick has settled that holds the tenth genuine author; all of them without a protest."""
    hidden_before_seconds: float
    """Seconds hidden before that."""
    first_hidden_seconds: float | None
    """Time from the first tweet until it is first hidden."""
    case_seconds: float | None
    """Time until a case is open, from the settling of the tick that holds the tenth author of both sides. On a lifted
    campaign it counts from the moment on, and only while, this is shown."""
    rank: float | None
    """Median rank of a lifted campaign from the tenth lifter on, hidden ones as last."""
    actions: tuple[str, ...]
    """Settled actions in their order, each with its country, category and surface."""
    weight: float | None
    """Least weight of a discount."""


def measure(row: AttackRow) -> RowResult:
    """Play a row and measure it. A pure function of the row, the policy and the model."""
    posts = battle(row)
    end_ms = START_MS + length_ms(row)
    decisions = judged(log_of(posts, START_MS, length_ms(row), COUNTRY), shipped_policy(capped=False))
    decisions = [published for published in decisions if published.decision.hashtag == TAG.lower()]
    plain = [Post(post.at_ms, post.account.id, 0, post.text) for post in posts]
    seen = list(sights(plain, decisions, _RANK_STEP_MS, end_ms))
    cases = cases_of(decisions).get(TAG.lower(), [])
    return result(row, seen, cases, decisions, since_ms=since(row), attacked_ms=_both_sides_ms(row))


def result(
    row: AttackRow,
    seen: Sequence[Sight],
    cases: Sequence[OpenCase],
    decisions: Iterable[PublishedDecision],
    *,
    since_ms: int,
    attacked_ms: int,
) -> RowResult:
    """Measure what viewers saw.

    Args:
        row: the row.
        seen: the hashtag at each second.
        cases: cases on it in any country.
        decisions: decisions on it, in order.
        since_ms: settling of the tick that holds the tenth genuine author.
        attacked_ms: settling of the tick that holds the tenth author of both sides.
    """
    hidden = [sight.at_ms for sight in seen if sight.hidden]
    waiting = [
        sight.at_ms
        for sight in seen
        if sight.at_ms >= attacked_ms
        and (row.protest != LIFTED or not sight.hidden)
        and any(case.from_ms <= sight.at_ms < case.to_ms for case in cases)
    ]
    shown = [sight.at_ms for sight in seen if sight.at_ms >= attacked_ms and not sight.hidden]
    from_ms = (shown[0] if shown else None) if row.protest == LIFTED else attacked_ms
    ranks = [
        BACKGROUND + 1 if sight.hidden else sight.rank
        for sight in seen
        if sight.rank is not None and sight.at_ms >= attacked_ms
    ]
    settled = [published.decision for published in decisions if not published.decision.provisional]
    return RowResult(
        row,
        hidden_seconds=sum(at_ms >= since_ms for at_ms in hidden),
        hidden_before_seconds=sum(at_ms < since_ms for at_ms in hidden),
        first_hidden_seconds=(hidden[0] - START_MS) / 1000 if hidden else None,
        case_seconds=(waiting[0] - from_ms) / 1000 if waiting and from_ms is not None else None,
        rank=median(ranks) if ranks and row.protest in (LIFTED, MIRROR) else None,
        actions=tuple(_actions(settled)),
        weight=min(
            (each.weight for decision in settled for each in decision.rulings if each.weight is not None), default=None
        ),
    )


def since(row: AttackRow) -> int:
    """Return when the tick settles that holds the tenth genuine author; the start without a protest."""
    if row.protest in (NOTHING, LIFTED):
        return START_MS
    tenth = tenth_ms(battle(row), [AuthorRole.GENUINE])
    assert tenth is not None, "every protest has more than ten people"
    return _settles_ms(tenth)


def _both_sides_ms(row: AttackRow) -> int:
    posts = battle(row)
    tenths = (tenth_ms(posts, [AuthorRole.ATTACKER]), tenth_ms(posts, [AuthorRole.GENUINE, AuthorRole.LIFTER]))
    return _settles_ms(max(moment for moment in tenths if moment is not None))


def _settles_ms(at_ms: int) -> int:
    return at_ms // PANE_MS * PANE_MS + PANE_MS + SETTLING_MS


def _actions(settled: Iterable[Decision]) -> Iterator[str]:
    """Yield each change of a scope's action."""
    now: dict[tuple[str, str, str], str] = {}
    for decision in settled:
        for each in decision.rulings:
            scope = decision.country, each.category, each.surface
            if not each.provisional and now.get(scope) != each.action:
                now[scope] = each.action
                yield " ".join((*scope, each.action))
