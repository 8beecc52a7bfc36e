"""Current state of each legal order: its targets, their rulings, and the nearest deadline. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.log.decisions import version_of
from streams.orders.records import (
    Ground,
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderNote,
    OrderReceived,
    OrderRuling,
    OrderState,
    OrderStep,
    Outcome,
    Target,
)
from streams.orders.speakers import same_person
from streams.orders.states import IN_FORCE_STATES, PENDING_STATES

VersionedRecord = OrderReceived | OrderStep | OrderRuling | OrderAmendment | OrderAmendmentVerdict
"""Records that move an order's version."""


@dataclass(frozen=True, slots=True)
class TargetRuling:
    """Decision on one target. `actors` holds two names where a protected speaker is restricted, else one."""

    outcome: Outcome
    ground: Ground
    reason: str
    surfaces: tuple[str, ...]
    actors: tuple[str, ...]
    at_ms: int
    since_ms: int
    """Time of the first of the rulings in a row that give this outcome."""


@dataclass(frozen=True, slots=True)
class DroppedTarget:
    """End of a target's place on its order: the authority's reason, and the two people who recorded it."""

    reason: str
    actors: tuple[str, str]
    at_ms: int


@dataclass(slots=True)
class TargetRow:
    """One target of an order and its ruling."""

    number: int
    target: Target
    ruling: TargetRuling | None = None
    proposed: TargetRuling | None = None
    """Ruling against a protected speaker that waits for a second person."""
    dropped: DroppedTarget | None = None
    """Amendment by which the authority dropped it; its measure has ended, and it cannot be ruled on."""
    enforced: tuple[TargetRuling, ...] = ()
    """Rulings of the order that were ever in force against the target, oldest first; see `Measures`."""

    @property
    def restricted(self) -> bool:
        """Whether a ruling of the order was ever in force against the target."""
        return bool(self.enforced)

    @property
    def is_suspended(self) -> bool:
        """Whether the target is an account that a ruling of the order suspends."""
        return self.ruling is not None and self.ruling.outcome == "suspended"

    def note_in_force(self) -> None:
        """Keep the present ruling among those that were ever in force."""
        if self.ruling is not None and self.ruling not in self.enforced:
            self.enforced = (*self.enforced, self.ruling)

    def first_of_two(self, outcome: Outcome, actor: str) -> TargetRuling | None:
        """Return the ruling of another single person that this actor's ruling would confirm.

        It was proposed, or given before the account was protected.
        """
        for earlier in (self.proposed, self.ruling):
            if earlier is None or earlier.outcome != outcome or len(earlier.actors) > 1:
                continue
            if not same_person(earlier.actors[0], actor):
                return earlier
        return None


@dataclass(frozen=True, slots=True)
class WaitingAmendment:
    """Amendment that waits for a second person, with the targets that it adds."""

    record: OrderAmendment
    targets: tuple[Target, ...]


@dataclass(slots=True)
class Order:
    """An order, its targets and everything decided on it."""

    received: OrderReceived
    version: str
    rows: list[TargetRow]
    state: OrderState = "received"
    expires_at_ms: int = 0
    """End of the measures in force; 0: until revoked."""
    in_force_since_ms: int = 0
    """Start of the unbroken time in which the order's own outcomes are or were last in force; 0: never."""
    amendment: WaitingAmendment | None = None
    assignee: str = ""
    notes: list[OrderNote] = field(default_factory=list)
    history: list[tuple[int, VersionedRecord]] = field(default_factory=list)
    """Every record that moved the version, with its offset, oldest first."""

    @property
    def id(self) -> str:
        """Id of the order, unique in the log."""
        return self.received.order

    @property
    def due_ms(self) -> int | None:
        """The authority's deadline, later the end of the interim decision; None where nothing is due."""
        if self.state in PENDING_STATES:
            return self.received.deadline_ms
        return self.expires_at_ms if self.state == "interim" else None

    def in_force(self, at_ms: int) -> bool:
        """Whether the order's own outcomes are in force at a moment."""
        return self.state in IN_FORCE_STATES and (not self.expires_at_ms or at_ms < self.expires_at_ms)

    def undecided(self) -> int:
        """Count targets without an outcome, or with one that waits for a second person; dropped ones need none."""
        return sum(not row.dropped and (row.ruling is None or row.proposed is not None) for row in self.rows)

    def outcome(self, row: TargetRow) -> TargetRuling | None:
        """Return the outcome of a target: that of the whole order where the order was declined."""
        if row.ruling is not None and (self.state != "declined" or row.ruling.outcome in ("suspended", "declined")):
            return row.ruling
        if self.state != "declined":
            return None
        last = next(record for _, record in reversed(self.history) if isinstance(record, OrderStep))
        return TargetRuling("declined", last.ground, last.reason, (), (last.actor,), last.at_ms, last.at_ms)

    def since(self, version: str) -> tuple[VersionedRecord, ...]:
        """Return the records that moved the order on from a version."""
        return tuple(record for offset, record in self.history if version_of(offset, 0) > version)


@dataclass(frozen=True, slots=True)
class OrderDeadline:
    """Deadline of one open order, for the metric and the alert."""

    order: str
    country: str
    seconds: float
    """Time to the deadline or to the end of an interim decision; negative once it has passed."""


def open_orders(orders: Iterable[Order]) -> list[Order]:
    """Select the orders that have a deadline, the nearest first."""
    return sorted((order for order in orders if order.due_ms is not None), key=due_place)


def due_place(order: Order) -> tuple[int, int, str]:
    """Return an order's place in lists: the nearest due time first, then those without one, the last changed first."""
    if order.due_ms is not None:
        return order.due_ms, 0, order.id
    return 2**53, -order.history[-1][0], order.id


def order_deadlines(running: Iterable[Order], now_ms: int) -> list[OrderDeadline]:
    """List the deadlines of open orders, in their order."""
    return [OrderDeadline(order.id, order.received.country, ((order.due_ms or 0) - now_ms) / 1000) for order in running]
