"""The published outcome of each target; the report, the public update and the notice share it. Pure.

A ruling gives a target its outcome, and the order's state puts it in force. To publish `withheld` for an order that is
under review or revoked would be false. An outcome of the order itself is therefore published only while in force.
"""

from __future__ import annotations

from typing import Literal

from moderation.orders.view import in_force
from streams.orders.cases import Case, TargetRow
from streams.orders.records import OrderRuling, OrderStep, numbers_of
from streams.orders.states import IN_FORCE_STATES

PublicOutcome = Literal["declined", "reduced", "withheld", "suspended", "undecided", "ended", "dropped"]
"""`ended`: was reduced or withheld until the order expired or was revoked. `dropped`: the order was revoked before an
action. `undecided`: no action yet."""
HELD_BACK: frozenset[PublicOutcome] = frozenset({"reduced", "withheld", "suspended", "ended"})
"""Outcomes of targets that are or were restricted. No other target may be named."""


def published_outcomes(case: Case, now_ms: int) -> list[PublicOutcome]:
    """List the published outcome of each target at a moment, by target number."""
    holds, acted_on = in_force(case, now_ms), _once_in_force(case)
    return [_outcome(case, row, holds, row.number in acted_on) for row in case.rows]


def _outcome(case: Case, row: TargetRow, holds: bool, acted_on: bool) -> PublicOutcome:
    ruled = case.outcome(row)
    if ruled is not None:
        if holds or ruled.outcome in ("suspended", "declined"):
            return ruled.outcome
        if acted_on:
            return "ended"
    return "dropped" if case.state == "revoked" else "undecided"


def _once_in_force(case: Case) -> set[int]:
    """Find the targets whose present ruling was in force at some time.

    Earlier rulings are skipped: only the registry of that time could tell whether one was more than a proposal.
    """
    waiting: set[int] = set()
    found: set[int] = set()
    holds, ends_ms = False, 0
    for _, record in case.history:
        if isinstance(record, OrderStep):
            holds, ends_ms = record.to in IN_FORCE_STATES, record.expires_at_ms
            if holds:
                found |= waiting
        elif isinstance(record, OrderRuling):
            present = {number for number in numbers_of(record.targets) if _is_present(record, case.rows[number])}
            waiting |= present
            if holds and (not ends_ms or record.at_ms < ends_ms):
                found |= present
            else:
                found -= present
    return found


def _is_present(record: OrderRuling, row: TargetRow) -> bool:
    """Whether this record made the target's present ruling."""
    ruling = row.ruling
    return ruling is not None and (ruling.outcome, ruling.actors[-1], ruling.at_ms, ruling.reason) == (
        record.outcome,
        record.actor,
        record.at_ms,
        record.reason,
    )
