"""Amendments of an order: an authority's corrected list, in force once a second person approves it. Pure.

One person proposes what the authority adds, drops and extends. The proposal waits in the order and changes nothing. Any
other change of the order withdraws it, so a second person approves exactly what they were shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.orders.order import DroppedTarget, Order, TargetRow, WaitingAmendment
from streams.orders.records import MOST_TARGETS, OrderAmendment, OrderAmendmentVerdict, Target, numbers_of
from streams.orders.speakers import same_person
from streams.orders.states import CLOSED_STATES, IN_FORCE_STATES, state_label


def amendment_problem(record: OrderAmendment, targets: Sequence[Target], order: Order) -> str:
    """Return the reason why an order cannot be amended so; "" if it can."""
    if order.state in CLOSED_STATES:
        return f"an order that is {state_label(order.state)} cannot be amended"
    if not record.added and not record.dropped and not record.expires_at_ms:
        return "the amendment changes nothing"
    if len(order.rows) + record.added > MOST_TARGETS:
        return f"the order would have more than {MOST_TARGETS:,} targets"
    rows = {(row.target.kind, row.target.value): row for row in order.rows}
    if twice := next((row for target in targets if (row := rows.get((target.kind, target.value))) is not None), None):
        return f"target {twice.number + 1} is on the order already" + (", and was dropped" if twice.dropped else "")
    for number in numbers_of(record.dropped):
        if number >= len(order.rows):
            return f"there is no target {number + 1}, the order has {len(order.rows)}"
        if order.rows[number].dropped is not None:
            return f"target {number + 1} is dropped already"
    return _end_problem(record, order, record.at_ms)


def verdict_problem(record: OrderAmendmentVerdict, order: Order) -> str:
    """Return the reason why a verdict on an amendment has no effect; "" if it has."""
    waiting = order.amendment
    if waiting is None or waiting.record.id != record.amendment:
        return "this amendment does not wait: it is decided, or the order changed after it was proposed"
    if record.verdict == "refuse":
        return ""
    if same_person(waiting.record.actor, record.actor):
        return f"{waiting.record.actor} proposed the amendment; a second person must approve it"
    return _end_problem(waiting.record, order, record.at_ms)


def apply_amendment(order: Order, waiting: WaitingAmendment, verdict: OrderAmendmentVerdict) -> None:
    """Change an order by an approved amendment; a suspension outlives the target's place on the order."""
    record = waiting.record
    dropped = DroppedTarget(record.reason, (record.actor, verdict.actor), verdict.at_ms)
    for number in numbers_of(record.dropped):
        order.rows[number].dropped, order.rows[number].proposed = dropped, None
    order.rows += [TargetRow(len(order.rows) + at, target) for at, target in enumerate(waiting.targets)]
    if record.expires_at_ms:
        if not order.in_force(verdict.at_ms):
            order.in_force_since_ms = verdict.at_ms
        order.expires_at_ms = record.expires_at_ms


def _end_problem(record: OrderAmendment, order: Order, at_ms: int) -> str:
    if not record.expires_at_ms:
        return ""
    if order.state not in IN_FORCE_STATES:
        return f"the order is {state_label(order.state)}: only an interim or final decision has an end"
    return "the new end has passed" if record.expires_at_ms <= at_ms else ""
