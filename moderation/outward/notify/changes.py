"""Changes that a decision makes: new flags, withdrawals, and reviews past a circuit breaker. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from streams.actions import ACTIONS, FLAGGING, row_of
from streams.log.decisions import Decision, DecisionReason, Evidence, ScopeDecision, without_positions

if TYPE_CHECKING:
    ChangeKind = str
else:
    ChangeKind = Literal[(*sorted({ACTIONS[action].change for action in FLAGGING}), "withdrawn", "past_a_valve")]


class HashtagChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a hashtag in a country."""

    id: str
    """Equal for a repeat: the next owner of a shard may write a decision again."""
    kind: ChangeKind
    hashtag: str
    display: str
    country: str
    categories: tuple[str, ...]
    surfaces: tuple[str, ...]
    provisional: bool
    valve: str
    weight: float | None
    """Least weight of a new discount; None for other changes."""
    reasons: tuple[DecisionReason, ...]
    evidence: Evidence | None
    decided_at_ms: int
    policy_revision: str


def changes_of(decision: Decision) -> Iterator[HashtagChange]:
    """Yield the changes in a decision; extended expiries and settled clears are none.

    A settled flag that confirms an early one is a change again, no longer provisional.
    """
    if decision.is_renewal:
        return
    groups: dict[tuple[ChangeKind, bool, str], list[ScopeDecision]] = {}
    for ruling in decision.rulings:
        kind = _kind(ruling)
        if kind and ruling.since_ms == decision.tick_ms:
            groups.setdefault((kind, ruling.provisional, ruling.valve), []).append(ruling)
    for (kind, provisional, valve), rulings in groups.items():
        yield HashtagChange(
            id=f"{decision.version}:{decision.hashtag}:{decision.country}:{kind}:{valve}",
            kind=kind,
            hashtag=decision.hashtag,
            display=decision.display,
            country=decision.country,
            categories=tuple(sorted({ruling.category for ruling in rulings})),
            surfaces=tuple(sorted({ruling.surface for ruling in rulings})),
            provisional=provisional,
            valve=valve,
            weight=min((ruling.weight for ruling in rulings if ruling.weight is not None), default=None),
            reasons=rulings[0].reasons,
            evidence=without_positions(rulings[0].evidence),
            decided_at_ms=decision.decided_at_ms,
            policy_revision=decision.policy_revision,
        )


def _kind(ruling: ScopeDecision) -> ChangeKind | None:
    if ruling.action == "clear" and ruling.provisional:
        return "withdrawn"
    if ruling.action == "review" and ruling.valve:
        return "past_a_valve"
    return row_of(ruling.action).change or None
