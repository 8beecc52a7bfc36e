"""Request and result of each order, apart from the present state of the accounts. Pure.

Orders that may not be published one by one are counted together. If there is only one, the order with the fewest
targets joins it, so that the totals do not single it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moderation.domain.orders.public_outcomes import PublicOutcome
from streams.orders.order import Order


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order, or several that are counted together."""

    orders: int
    country: str
    """Country of the order; "" for several orders."""
    received_ms: int
    """Moment of its receipt; 0 for several orders."""
    state: str
    """State of the order, see `order_state`; "" for several orders."""
    targets: dict[str, int]
    """Number of targets by kind."""
    outcomes: dict[str, dict[str, int]]
    """Number of targets by kind and `PublicOutcome`."""


def order_state(order: Order, at_ms: int) -> str:
    """Return the state of an order at a moment; `interim_ended` after the end of an interim decision."""
    return "interim_ended" if order.state == "interim" and not order.in_force(at_ms) else order.state


def order_facts(orders: Iterable[tuple[Order, Sequence[PublicOutcome]]], at_ms: int) -> tuple[OrderFacts, ...]:
    """Count each order by its date of receipt; those that are counted together come last.

    Args:
        orders: orders with the outcomes of their targets, by target number.
        at_ms: the moment of the outcomes and states.
    """
    ordered = sorted(orders, key=lambda pair: (pair[0].received.received_ms, pair[0].id))
    together = [pair for pair in ordered if pair[0].received.confidential]
    alone = [pair for pair in ordered if not pair[0].received.confidential]
    if len(together) == 1 and alone:
        smallest = min(alone, key=lambda pair: len(pair[0].rows))
        alone.remove(smallest)
        together.append(smallest)
    facts = [
        _facts([pair], pair[0].received.country, pair[0].received.received_ms, order_state(pair[0], at_ms))
        for pair in alone
    ]
    return tuple(facts + ([_facts(together)] if together else []))


def _facts(
    orders: Sequence[tuple[Order, Sequence[PublicOutcome]]], country: str = "", received_ms: int = 0, state: str = ""
) -> OrderFacts:
    outcomes: dict[str, Counter[str]] = {}
    for order, got in orders:
        for row, outcome in zip(order.rows, got, strict=True):
            outcomes.setdefault(row.target.kind, Counter())[outcome] += 1
    targets = {kind: counts.total() for kind, counts in outcomes.items()}
    counted = {kind: dict(counts) for kind, counts in outcomes.items()}
    return OrderFacts(len(orders), country, received_ms, state, targets, counted)
