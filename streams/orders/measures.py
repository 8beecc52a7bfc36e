"""Measures that legal orders put in force: target, country, surfaces and expiry. Pure.

A measure belongs to one target of one order and is recomputed from both after each record. So a revoked order ends
exactly its own measures; measures of other orders and of people on the same target stay in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hushtag_client.registers import ACCOUNT, TWEET

from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow, TargetRuling
from streams.orders.records import LegalRecord
from streams.orders.states import IN_FORCE_STATES

TargetKey = tuple[str, int]
"""(order id, number of the target)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Restriction of one target by one order."""

    target: str
    """Account id, tweet id or normalised hashtag."""
    display: str
    surfaces: tuple[str, ...]
    country: str
    source: Literal["human", "legal"]
    """`human`: a suspension under the platform's own rules."""
    expires_at_ms: int
    reason: str
    actor: str
    """`reason` and `actor` are "" for a legal measure of a confidential order, since every surface can read them."""


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """Measure that begins (`before` None), ends (`after` None) or is replaced."""

    key: TargetKey
    before: Measure | None
    after: Measure | None


class Measures:
    """Measures of all orders. Records must be applied in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.orders = OrderFold()
        self._standing: dict[TargetKey, Measure] = {}

    def apply(self, record: LegalRecord, offset: int) -> list[MeasureChange]:
        """Apply a record; return the measures that it changes."""
        touched = self.orders.apply(record, offset)
        if touched is None:
            return []
        order, rows = touched
        changes = []
        for row in rows:
            key = order.id, row.number
            before, after = self._standing.get(key), measure(order, row)
            if after is not None and not 0 < after.expires_at_ms <= order.history[-1][1].at_ms:
                row.note_in_force()
            if before == after:
                continue
            if after is None:
                del self._standing[key]
            else:
                self._standing[key] = after
            changes.append(MeasureChange(key, before, after))
        return changes


def measure(order: Order, row: TargetRow) -> Measure | None:
    """Compute the measure of a target in the order's present state; None where nothing is in force."""
    ruling = row.ruling
    if ruling is None or ruling.outcome == "declined":
        return None
    if ruling.outcome != "suspended" and (row.dropped is not None or order.state not in IN_FORCE_STATES):
        return None
    return ruled_measure(order, row, ruling)


def ruled_measure(order: Order, row: TargetRow, ruling: TargetRuling) -> Measure:
    """Compute the measure that a restricting ruling puts in force while the order's state lets it."""
    if ruling.outcome == "suspended":
        return _measure(order, row, ruling, (ACCOUNT,), "*", "human", 0)
    kind = row.target.kind
    surfaces = ruling.surfaces if kind == "hashtag" else (ACCOUNT if kind == "account" else TWEET,)
    return _measure(order, row, ruling, surfaces, order.received.country, "legal", order.expires_at_ms)


def _measure(
    order: Order,
    row: TargetRow,
    ruling: TargetRuling,
    surfaces: tuple[str, ...],
    country: str,
    source: Literal["human", "legal"],
    ends_ms: int,
) -> Measure:
    silent = order.received.confidential and source == "legal"
    return Measure(
        target=row.target.value,
        display=row.target.display or row.target.value,
        surfaces=surfaces,
        country=country,
        source=source,
        expires_at_ms=ends_ms,
        reason="" if silent else ruling.reason,
        actor="" if silent else " and ".join(ruling.actors),
    )
