"""Folds the records of orders and of the speaker registry into current state. Pure.

This fold alone decides whether a record is accepted, from the log alone. It refuses a stale edit, a transition that the
state machine does not have, and an outcome that a target cannot have. The writer finds a refusal by folding up to its
own record. The two-person rule is applied here too: a ruling against a protected speaker is a proposal until another
person gives the same ruling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.log.decisions import version_of
from streams.orders.amendments import amendment_problem, apply_amendment, verdict_problem
from streams.orders.order import Order, TargetRow, TargetRuling, VersionedRecord, WaitingAmendment
from streams.orders.records import (
    LegalRecord,
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderNote,
    OrderReceived,
    OrderRecord,
    OrderRuling,
    OrderStep,
    OrderTargets,
    Outcome,
    Speaker,
    SpeakerDetails,
    Target,
    numbers_of,
)
from streams.orders.speakers import ProtectedSpeaker, SpeakerRegistry
from streams.orders.states import (
    CLOSED_STATES,
    GROUNDS_OF,
    IN_FORCE_STATES,
    NEXT_STATES,
    OUTCOMES_OF,
    PENDING_STATES,
    RULING_STATES,
    state_label,
)


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record without effect, and the reason. `stale`: the records in `changed` had moved the order's version."""

    record: OrderRecord
    why: str
    stale: bool = False
    version: str = ""
    changed: tuple[VersionedRecord, ...] = ()


class OrderFold:
    """All orders and the speaker registry. Records must be applied in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.by_id: dict[str, Order] = {}
        self._registry = SpeakerRegistry()
        self.speakers = self._registry.speakers
        """Protected speakers by account id."""
        self.refused: dict[int, RefusedRecord] = {}
        """Refused records by offset."""
        self._pending: dict[str, list[OrderTargets]] = {}

    def apply(self, record: LegalRecord, offset: int) -> tuple[Order, Sequence[TargetRow]] | None:
        """Apply a record; return the order and its targets whose measures may have changed."""
        match record:
            case Speaker() | SpeakerDetails():
                self._registry.apply(record)
                return None
            case OrderTargets():
                self._pending.setdefault(record.intake, []).append(record)
                return None
            case OrderNote():
                if (order := self.by_id.get(record.order)) is None:
                    self.refused[offset] = RefusedRecord(record, f"there is no order {record.order}")
                    return None
                if record.text:
                    order.notes.append(record)
                if record.assignee is not None:
                    order.assignee = record.assignee
                return None
        refused = self._check(record)
        if refused is not None:
            self.refused[offset] = refused
            return None
        return self._accept(record, offset)

    def protected(self, target: Target) -> ProtectedSpeaker | None:
        """Return the registry's entry for the target's account, or None."""
        return self.speakers.get(target.account) if target.account else None

    def needs_two(self, target: Target, outcome: Outcome, actor: str) -> bool:
        """Return whether a ruling by this actor is only a proposal until another person confirms it."""
        return self._registry.needs_two(target, outcome, actor)

    def alone(self, row: TargetRow) -> bool:
        """Return whether one person ruled where two are needed now: the account was registered after the ruling."""
        ruling = row.ruling
        if ruling is None or len(ruling.actors) > 1 or row.dropped is not None:
            return False
        return self.needs_two(row.target, ruling.outcome, ruling.actors[0])

    def waits(self, row: TargetRow) -> bool:
        """Return whether the target's ruling waits for a second person."""
        return row.proposed is not None or self.alone(row)

    def _check(self, record: VersionedRecord) -> RefusedRecord | None:
        order = self.by_id.get(record.order)
        if order is None and not isinstance(record, OrderReceived):
            return RefusedRecord(record, f"there is no order {record.order}")
        version = order.version if order else ""
        if record.edits != version:
            changed = order.since(record.edits) if order else ()
            return RefusedRecord(record, "", stale=True, version=version, changed=changed)
        why = ""
        match record:
            case OrderReceived():
                why = self._intake_problem(record, order)
            case OrderStep():
                assert order is not None
                why = self._step_problem(record, order)
            case OrderRuling():
                assert order is not None
                why = _ruling_problem(record, order)
            case OrderAmendment():
                assert order is not None
                why = self._parts_problem(record.id, record) or amendment_problem(
                    record, self._pending_targets(record.id), order
                )
            case OrderAmendmentVerdict():
                assert order is not None
                why = verdict_problem(record, order)
        return RefusedRecord(record, why, version=version) if why else None

    def _intake_problem(self, record: OrderReceived, order: Order | None) -> str:
        if problem := self._parts_problem(record.intake, record):
            return problem
        if order is not None and order.state not in PENDING_STATES:
            return f"targets cannot be added to an order that is {state_label(order.state)}"
        return ""

    def _parts_problem(self, intake: str, record: OrderReceived | OrderAmendment) -> str:
        parts = self._pending.get(intake, [])
        numbers, orders = [part.part for part in parts], {part.order for part in parts}
        if numbers != list(range(record.parts)) or orders - {record.order}:
            return "parts of the intake are missing"
        if sum(len(part.targets) for part in parts) != record.added:
            return f"the intake does not have the {record.added:,} targets that it announces"
        return ""

    def _pending_targets(self, intake: str) -> tuple[Target, ...]:
        return tuple(target for part in self._pending.get(intake, []) for target in part.targets)

    def _step_problem(self, record: OrderStep, order: Order) -> str:
        if record.to not in NEXT_STATES[order.state]:
            may = ", ".join(state_label(state) for state in NEXT_STATES[order.state]) or "nothing"
            return f"an order that is {state_label(order.state)} cannot become {state_label(record.to)}, only {may}"
        if record.to == "declined" and record.ground not in GROUNDS_OF["declined"]:
            return _other_ground("declined")
        if record.to in IN_FORCE_STATES and (alone := sum(map(self.alone, order.rows))):
            verb, pronoun = ("waits", "it") if alone == 1 else ("wait", "them")
            return (
                f"{alone:,} of {len(order.rows):,} targets {verb} for a second person: the account became a protected "
                f"speaker after one person ruled; rule on {pronoun} again, and a second person confirms"
            )
        if record.to == "final" and (left := order.undecided()):
            verb, waits = ("has", "waits") if left == 1 else ("have", "wait")
            return f"{left:,} of {len(order.rows):,} targets {verb} no outcome, or {waits} for a second person"
        if record.to == "interim" and record.expires_at_ms <= record.at_ms:
            return "the interim decision would expire before it begins"
        return ""

    def _accept(self, record: VersionedRecord, offset: int) -> tuple[Order, Sequence[TargetRow]]:
        version = version_of(offset, 0)
        order = self.by_id.get(record.order)
        touched: Sequence[TargetRow] = ()
        if isinstance(record, OrderReceived):
            targets = self._pending_targets(record.intake)
            del self._pending[record.intake]
            if order is None:
                order = self.by_id[record.order] = Order(record, version, [])
            for target in targets:
                order.rows.append(TargetRow(len(order.rows), target))
        assert order is not None
        waiting, order.amendment = order.amendment, None
        if isinstance(record, OrderAmendment):
            order.amendment = WaitingAmendment(record, self._pending_targets(record.id))
            self._pending.pop(record.id, None)
        if isinstance(record, OrderAmendmentVerdict) and record.verdict == "approve":
            assert waiting is not None
            apply_amendment(order, waiting, record)
            touched = order.rows
        if isinstance(record, OrderStep):
            if record.to in IN_FORCE_STATES and not order.in_force(record.at_ms):
                order.in_force_since_ms = record.at_ms
            order.state, order.expires_at_ms = record.to, record.expires_at_ms
            touched = order.rows
        if isinstance(record, OrderRuling):
            touched = [order.rows[number] for number in numbers_of(record.targets)]
            for row in touched:
                self._rule(row, record)
        order.version = version
        order.history.append((offset, record))
        return order, touched

    def _rule(self, row: TargetRow, record: OrderRuling) -> None:
        before = row.ruling
        since_ms = before.since_ms if before is not None and before.outcome == record.outcome else record.at_ms
        ruling = TargetRuling(
            record.outcome, record.ground, record.reason, record.surfaces, (record.actor,), record.at_ms, since_ms
        )
        if self.needs_two(row.target, record.outcome, record.actor):
            first = row.first_of_two(record.outcome, record.actor)
            if first is None:
                row.proposed = ruling
                return
            ruling = replace(ruling, actors=(first.actors[0], record.actor))
        row.ruling, row.proposed = ruling, None


def _ruling_problem(record: OrderRuling, order: Order) -> str:
    if record.targets[-1][1] >= len(order.rows):
        return f"there is no target {record.targets[-1][1] + 1}, the order has {len(order.rows)}"
    rows = [order.rows[number] for number in numbers_of(record.targets)]
    lifts = record.outcome == "declined"
    if gone := next((row for row in rows if row.dropped and not (lifts and row.is_suspended)), None):
        return f"target {gone.number + 1} was dropped by the authority; only a suspension of it can still be lifted"
    if order.state in CLOSED_STATES and not all(row.is_suspended for row in rows):
        return f"the order is {order.state}; only a suspension can still be lifted"
    if order.state not in RULING_STATES | CLOSED_STATES:
        return f"the order is {state_label(order.state)}; targets are ruled on once it is under review"
    if record.ground not in GROUNDS_OF[record.outcome]:
        return _other_ground(record.outcome)
    for kind in {row.target.kind for row in rows}:
        if record.outcome not in OUTCOMES_OF[kind]:
            return f"{kind}s cannot be {record.outcome}, only {', '.join(OUTCOMES_OF[kind])}"
    hashtags = any(row.target.kind == "hashtag" for row in rows)
    if record.outcome == "reduced" and hashtags and not record.surfaces:
        return "a reduced hashtag needs the surfaces that hide it"
    return ""


def _other_ground(outcome: Outcome) -> str:
    return f"the ground of {outcome} is one of {', '.join(GROUNDS_OF[outcome])}"
