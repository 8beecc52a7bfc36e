"""Distinct accounts, hashtags and tweets that orders name, each with its one resolved state. Pure.

A target of several orders counts once. Its state is that of all orders and suspensions at one moment
(`moderation.domain.orders.target_states`), not that of the orders of the report alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from moderation.domain.orders.public_outcomes import HELD_BACK, PublicOutcome
from moderation.domain.orders.target_states import TargetState, target_states
from streams.flags.moderation_fold import ModerationFold
from streams.orders.order import Order, TargetRow, TargetRuling
from streams.orders.records import Ground, SpeakerCategory, TargetKind
from streams.orders.states import GROUNDS_OF

ResolvedOutcome = Literal[
    "suspended", "withheld", "withheld_in_several_countries", "withheld_elsewhere", "reduced", "reduced_elsewhere",
    "undecided", "ended", "released", "declined", "dropped",
]  # fmt: skip
"""State of a distinct target, the first that applies.

`withheld`: in one country only, in that of the report where it has one. `..._elsewhere`: not in the report's country.
The others are visible: with an order under review, after an order ended, after a release, declined, or never decided.
"""
RESOLVED_OUTCOMES: tuple[ResolvedOutcome, ...] = get_args(ResolvedOutcome)
_VISIBLE: tuple[PublicOutcome, ...] = ("undecided", "ended", "released", "declined", "dropped")
"""Outcomes of visible targets; the first that any order gave is published."""


@dataclass(slots=True)
class NamedTarget:
    """One distinct target, and what each order of the report got for it."""

    kind: TargetKind
    name: str
    state: TargetState
    category: SpeakerCategory | None
    """Category of the protected speaker; None for an account that is not registered, a hashtag or a tweet."""
    rows: list[tuple[Order, TargetRow, PublicOutcome]] = field(default_factory=list)

    def outcome(self, country: str | None) -> ResolvedOutcome:
        """Return the published state, for a report on one country or on all."""
        state = self.state
        if state.suspended:
            return "suspended"
        if state.countries:
            elsewhere = country is not None and country not in state.countries
            if self.kind == "hashtag":
                return "reduced_elsewhere" if elsewhere else "reduced"
            if elsewhere:
                return "withheld_elsewhere"
            return "withheld" if len(state.countries) == 1 else "withheld_in_several_countries"
        got = {outcome for _, _, outcome in self.rows}
        return next(outcome for outcome in _VISIBLE if outcome in got)

    def ground(self) -> Ground:
        """Return the ground of the latest ruling that declined the target; `other` for a ground of other outcomes."""
        ruling = max(
            (ruled for order, row, got in self.rows if got == "declined" and (ruled := order.outcome(row)) is not None),
            key=lambda ruled: ruled.at_ms,
        )
        return ruling.ground if ruling.ground in GROUNDS_OF["declined"] else "other"

    def restrictions(self) -> list[TargetRuling]:
        """List the rulings by which an order of the report restricts the target, or did until the order ended."""
        outcomes = (order.outcome(row) for order, row, got in self.rows if got in HELD_BACK)
        return [ruling for ruling in outcomes if ruling is not None]


def named_targets(
    orders: Iterable[tuple[Order, Sequence[PublicOutcome]]], fold: ModerationFold, at_ms: int
) -> list[NamedTarget]:
    """Collect the distinct targets of some orders, in the order in which they were named.

    Args:
        orders: orders with the outcomes of their targets, by target number.
        fold: all orders, those of other periods and countries too.
        at_ms: the moment of the states.
    """
    states = target_states(fold, at_ms)
    targets: dict[tuple[TargetKind, str], NamedTarget] = {}
    for order, outcomes in orders:
        for row, outcome in zip(order.rows, outcomes, strict=True):
            kind, name = row.target.kind, row.target.value
            named = targets.get((kind, name))
            if named is None:
                speaker = fold.orders.protected(row.target) if kind == "account" else None
                category = speaker.category if speaker is not None else None
                named = targets[kind, name] = NamedTarget(kind, name, states.of(kind, name), category)
            named.rows.append((order, row, outcome))
    return list(targets.values())
