"""Order of work over cases and legal orders together, with its words for a page. Pure.

First what runs out: orders that are due within a day by deadline, appeals by age, holds by lapse. Then later orders by
deadline, and the rest by reach and age. Blind second looks come last, by id, so that a place reveals nothing.
"""

from __future__ import annotations

from moderation.domain.cases.case import HashtagCase
from streams.constants import DAY_MS
from streams.orders.order import Order

WorkPlace = tuple[int, int, int, str]
"""Sort key of the order of work: the rank, and the place in it."""
DUE_ORDER, APPEAL, HOLD, LATER_ORDER, OTHER, BLIND = range(6)
"""Ranks of work, the most urgent first."""
DUE_WITHIN_MS = DAY_MS
WORK_ORDER_WORDS = (
    "orders due within a day, appeals by age, holds by lapse, then later orders by deadline and the rest by reach and"
    " age; second looks last"
)


def work_order(case: HashtagCase, *, hidden: bool = False) -> WorkPlace:
    """Return the place of a case: appeals by age, holds by lapse, the rest by reach and age.

    A case that is hidden from its reader comes last, by id: its place must not reveal its reach.
    """
    if hidden:
        return BLIND, 0, 0, case.id
    if (appealed_ms := case.appealed_ms) is not None:
        return APPEAL, appealed_ms, case.began_ms, case.id
    if (lapses_ms := case.lapses_ms) is not None:
        return HOLD, lapses_ms, case.began_ms, case.id
    return OTHER, -case.reach, case.began_ms, case.id


def order_place(order: Order, at_ms: int) -> WorkPlace:
    """Return the place of an open legal order among cases, whose key is `work_order`.

    Args:
        order: order with a deadline, or with an interim decision that ends.
        at_ms: present time, Unix time in ms.
    """
    due_ms = order.due_ms or 0
    return DUE_ORDER if due_ms - at_ms <= DUE_WITHIN_MS else LATER_ORDER, due_ms, 0, order.id
