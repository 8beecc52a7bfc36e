"""Amendments of an order: an authority's corrected list, in force once a second person approves it. Pure.

One person proposes what the authority adds, drops and extends. The proposal waits in the order and changes nothing. Any
other change of the order withdraws it, so a second person approves exactly what they were shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.orders.cases import Case, DroppedTarget, TargetRow, WaitingAmendment
from streams.orders.records import MOST_TARGETS, OrderAmendment, OrderAmendmentVerdict, Target, numbers_of
from streams.orders.speakers import same_person
from streams.orders.states import CLOSED_STATES, IN_FORCE_STATES, state_label


def amendment_problem(record: OrderAmendment, targets: Sequence[Target], case: Case) -> str:
    """Return the reason why an order cannot be amended so; "" if it can."""
    if case.state in CLOSED_STATES:
        return f"an order that is {state_label(case.state)} cannot be amended"
    if not record.added and not record.dropped and not record.expires_at_ms:
        return "the amendment changes nothing"
    if len(case.rows) + record.added > MOST_TARGETS:
        return f"the order would have more than {MOST_TARGETS:,} targets"
    rows = {(row.target.kind, row.target.value): row for row in case.rows}
    if twice := next((row for target in targets if (row := rows.get((target.kind, target.value))) is not None), None):
        return f"target {twice.number + 1} is on the order already" + (", and was dropped" if twice.dropped else "")
    for number in numbers_of(record.dropped):
        if number >= len(case.rows):
            return f"there is no target {number + 1}, the order has {len(case.rows)}"
        if case.rows[number].dropped is not None:
            return f"target {number + 1} is dropped already"
    return _end_problem(record, case, record.at_ms)


def verdict_problem(record: OrderAmendmentVerdict, case: Case) -> str:
    """Return the reason why a verdict on an amendment has no effect; "" if it has."""
    waiting = case.amendment
    if waiting is None or waiting.record.id != record.amendment:
        return "this amendment does not wait: it is decided, or the order changed after it was proposed"
    if record.verdict == "refuse":
        return ""
    if same_person(waiting.record.actor, record.actor):
        return f"{waiting.record.actor} proposed the amendment; a second person must approve it"
    return _end_problem(waiting.record, case, record.at_ms)


def apply_amendment(case: Case, waiting: WaitingAmendment, verdict: OrderAmendmentVerdict) -> None:
    """Change an order as an approved amendment says; a suspension outlives the target's place on the order."""
    record = waiting.record
    dropped = DroppedTarget(record.reason, (record.actor, verdict.actor), verdict.at_ms)
    for number in numbers_of(record.dropped):
        case.rows[number].dropped, case.rows[number].proposed = dropped, None
    case.rows += [TargetRow(len(case.rows) + at, target) for at, target in enumerate(waiting.targets)]
    if record.expires_at_ms:
        if not case.in_force(verdict.at_ms):
            case.in_force_since_ms = verdict.at_ms
        case.expires_at_ms = record.expires_at_ms


def _end_problem(record: OrderAmendment, case: Case, at_ms: int) -> str:
    if not record.expires_at_ms:
        return ""
    if case.state not in IN_FORCE_STATES:
        return f"the order is {state_label(case.state)}: only an interim or final decision has an end"
    return "the new end has passed" if record.expires_at_ms <= at_ms else ""
