"""From a legal order to what statements and the archive need of it. Pure where it is told the moment."""

from __future__ import annotations

from collections.abc import Iterable

from moderation.published import published_outcomes
from moderation.statements.lumen import Demand, Request
from moderation.statements.restriction import Measure, Order, Restriction
from streams.clock import now_ms as by_the_clock
from streams.orders.fold import Case, Row
from streams.orders.measures import measure
from streams.orders.records import OrderStep, Outcome
from streams.orders.states import IN_FORCE

_MEASURES: dict[Outcome, Measure] = {"reduced": "reduced", "withheld": "withheld", "suspended": "suspended"}


def order_of(case: Case) -> Order:
    """What a statement may say of the order."""
    said = case.order
    return Order(said.authority, said.legal_basis, said.reference, said.confidential)


def request_of(case: Case, now_ms: int | None = None) -> Request:
    """An order with all its targets, for the archive, as it stands at a moment. None: now."""
    outcomes = published_outcomes(case, by_the_clock() if now_ms is None else now_ms)
    demands = []
    for row, outcome in zip(case.rows, outcomes, strict=True):
        ruled = case.outcome(row)
        reason = ruled.reason if ruled is not None and ruled.outcome == outcome else ""
        demands.append(Demand(row.target.kind, row.target.value, outcome, reason))
    return Request(order_of(case), case.order.country, case.order.issued_ms, case.order.received_ms, tuple(demands))


def restrictions_of(case: Case, now_ms: int, rows: Iterable[Row] | None = None) -> list[Restriction]:
    """What the order, or a suspension that came of it, holds back at a moment. `rows`: only these targets."""
    found = []
    for row in case.rows if rows is None else rows:
        held, ruling = measure(case, row), row.ruling
        if held is None or ruling is None or 0 < held.expires_at_ms <= now_ms:
            continue
        found.append(
            Restriction(
                kind=row.target.kind,
                target=row.target.value,
                display=row.target.display or row.target.value,
                measure=_MEASURES[ruling.outcome],
                surfaces=held.surfaces,
                country=held.country,
                source=held.source,
                actor=" and ".join(ruling.actors),
                began_ms=max(ruling.at_ms, _in_force_since_ms(case) if held.source == "legal" else 0),
                ends_ms=held.expires_at_ms,
                decision="" if case.order.confidential else f"{case.id}-{row.number + 1}",
                identity=f"order|{case.id}|{row.number}|{ruling.outcome}|{ruling.at_ms}",
                reason=ruling.reason,
                order=order_of(case) if held.source == "legal" else None,
            )
        )
    return found


def _in_force_since_ms(case: Case) -> int:
    steps = [record.at_ms for _, record in case.history if isinstance(record, OrderStep) and record.to in IN_FORCE]
    return min(steps, default=0)
