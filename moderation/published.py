"""What may be told of an order's targets: the one answer that the report, the public update and the notice give. Pure.

A ruling says what is to become of a target, the order's state whether it does. Who tells the public 'withheld' while an
order is under review, or once it is revoked, tells what is not so; so an outcome that is the order's own counts here
only while it is in force.
"""

from __future__ import annotations

from typing import Literal

from moderation.orders.view import in_force
from streams.orders.fold import Case, Row
from streams.orders.records import OrderRuling, OrderStep, numbers_of
from streams.orders.states import IN_FORCE

PublicOutcome = Literal["declined", "reduced", "withheld", "suspended", "undecided", "ended", "dropped"]
"""`ended`: was reduced or withheld until the order ran out or was revoked. `dropped`: nobody had acted on it when the
order was revoked. `undecided`: nobody has acted yet."""
HELD_BACK: frozenset[PublicOutcome] = frozenset({"reduced", "withheld", "suspended", "ended"})
"""Somebody acted: the target is held back, or was. No other target may be named."""


def published_outcomes(case: Case, now_ms: int) -> list[PublicOutcome]:
    """What may be told of each target at a moment, by their numbers."""
    holds, acted_on = in_force(case, now_ms), _acted_on(case)
    return [_outcome(case, row, holds, row.number in acted_on) for row in case.rows]


def _outcome(case: Case, row: Row, holds: bool, acted_on: bool) -> PublicOutcome:
    ruled = case.outcome(row)
    if ruled is not None:
        if holds or ruled.outcome in ("suspended", "declined"):
            return ruled.outcome
        if acted_on:
            return "ended"
    return "dropped" if case.state == "revoked" else "undecided"


def _acted_on(case: Case) -> set[int]:
    """Targets whose present ruling was once in force: it was given while the order was, or the order came to be later.

    Earlier rulings are passed over: whether one was more than a proposal, only the registry of its day could tell.
    """
    waiting: set[int] = set()
    found: set[int] = set()
    holds, ends_ms = False, 0
    for _, record in case.history:
        if isinstance(record, OrderStep):
            holds, ends_ms = record.to in IN_FORCE, record.expires_at_ms
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


def _is_present(record: OrderRuling, row: Row) -> bool:
    """Whether this record made the ruling that a target has now."""
    ruling = row.ruling
    return ruling is not None and (ruling.outcome, ruling.actors[-1], ruling.at_ms, ruling.reason) == (
        record.outcome,
        record.actor,
        record.at_ms,
        record.reason,
    )
