"""From orders to what is in force: which account, tweet or hashtag is held back where, by which order, until when.

A measure belongs to one target of one order and is taken from both their states anew after each record. So a revoked
order ends exactly its own measures, and whatever another order or a person still holds up stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hushtag_client.registers import ACCOUNT, TWEET

from streams.orders.fold import Case, Cases, Row, Ruled
from streams.orders.records import CaseRecord
from streams.orders.states import IN_FORCE

Key = tuple[str, int]
"""(order, number of the target)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one target's outcome puts in force."""

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
    """Both "" where the order is confidential and the measure is its own: they go to every surface."""


@dataclass(frozen=True, slots=True)
class Change:
    """A measure that begins (`before` None), ends (`after` None) or gives way to another."""

    key: Key
    before: Measure | None
    after: Measure | None


class Measures:
    """The measures of all orders."""

    def __init__(self) -> None:
        self.cases = Cases()
        self._standing: dict[Key, Measure] = {}

    def apply(self, record: CaseRecord, offset: int) -> list[Change]:
        """Take a record; give what it changes."""
        touched = self.cases.apply(record, offset)
        if touched is None:
            return []
        case, rows = touched
        changes = []
        for row in rows:
            key = case.id, row.number
            before, after = self._standing.get(key), measure(case, row)
            if before == after:
                continue
            if after is None:
                del self._standing[key]
            else:
                self._standing[key] = after
            changes.append(Change(key, before, after))
        return changes


def measure(case: Case, row: Row) -> Measure | None:
    """What a target's outcome puts in force in the order's present state."""
    ruling = row.ruling
    if ruling is None or ruling.outcome == "declined":
        return None
    if ruling.outcome == "suspended":
        return _measure(case, row, ruling, (ACCOUNT,), "*", "human", 0)
    if case.state not in IN_FORCE:
        return None
    kind = row.target.kind
    surfaces = ruling.surfaces if kind == "hashtag" else (ACCOUNT if kind == "account" else TWEET,)
    return _measure(case, row, ruling, surfaces, case.order.country, "legal", case.expires_at_ms)


def _measure(
    case: Case,
    row: Row,
    ruling: Ruled,
    surfaces: tuple[str, ...],
    country: str,
    source: Literal["human", "legal"],
    ends_ms: int,
) -> Measure:
    silent = case.order.confidential and source == "legal"
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
