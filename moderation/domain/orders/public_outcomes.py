"""The published outcome of each target *of one order*; the report, the public update and the notice share it. Pure.

A ruling gives a target its outcome, and the order's state puts it in force. To publish `withheld` for an order that is
under review or revoked would be false. An outcome of the order itself is therefore published only while in force.

An outcome is the result of one order. Other orders may name the same account: `target_states` has its present state.
"""

from __future__ import annotations

from typing import Literal

from streams.orders.order import Order, TargetRow

PublicOutcome = Literal["declined", "reduced", "withheld", "suspended", "undecided", "ended", "released", "dropped"]
"""`ended`: was reduced or withheld until the order expired, was revoked, or dropped the target. `dropped`: that came
before an action. `undecided`: no action yet. `released`: was restricted until an appeal or a new ruling declined it."""
HELD_BACK: frozenset[PublicOutcome] = frozenset({"reduced", "withheld", "suspended", "ended"})
"""Outcomes of targets that are or were restricted and were not released. No other target may be named."""


def published_outcomes(order: Order, now_ms: int) -> list[PublicOutcome]:
    """List the published outcome of each target at a moment, by target number."""
    holds = order.in_force(now_ms)
    return [_outcome(order, row, holds) for row in order.rows]


def _outcome(order: Order, row: TargetRow, holds: bool) -> PublicOutcome:
    ruled = order.outcome(row)
    if ruled is not None and ruled.outcome == "declined":
        return "released" if row.restricted else "declined"
    if ruled is not None and ((holds and not row.dropped) or ruled.outcome == "suspended"):
        return ruled.outcome
    if row.restricted:
        return "ended"
    return "dropped" if row.dropped or order.state == "revoked" else "undecided"
