"""The present outcome of each target of an order, as the API, pages, commands and letters show and count it. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from streams.orders.order import Order, TargetRow
from streams.orders.records import OUTCOMES, Outcome

ShownOutcome = Outcome | Literal["dropped"]
SHOWN_OUTCOMES: tuple[ShownOutcome, ...] = (*OUTCOMES, "dropped")


def counts(order: Order) -> dict[str, int]:
    """Count the targets by outcome; `dropped` are no longer on the order, and `undecided` counts the rest."""
    many = Counter[str](shown_outcome(order, row) or "undecided" for row in order.rows)
    return {name: many[name] for name in (*OUTCOMES, "undecided", "dropped")}


def shown_outcome(order: Order, row: TargetRow) -> ShownOutcome | None:
    """Return a target's outcome; None while it has none. A suspension outlives the place on the order."""
    if row.dropped is not None and not row.is_suspended:
        return "dropped"
    outcome = order.outcome(row)
    return outcome.outcome if outcome else None
