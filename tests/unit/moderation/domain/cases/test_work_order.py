"""Tests of the order of work over cases and legal orders."""

from __future__ import annotations

from moderation.domain.cases.work_order import order_place, work_order
from streams.constants import DAY_MS
from streams.orders.order import Order
from streams.orders.records import OrderReceived
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World


def order(name: str, deadline_ms: int) -> Order:
    received = OrderReceived(
        order=name, intake=name, parts=1, added=1, authority="Ministry", country="IN", legal_basis="IT Act",
        reference=name, issued_ms=1, received_ms=1, deadline_ms=deadline_ms, confidential=False, actor="ann", at_ms=1,
    )  # fmt: skip
    return Order(received, "", [], "received")


async def test_what_runs_out_first_comes_first() -> None:
    world = World(
        decision(ruling("hold", expires_at_ms=2 * HOUR_MS), tag="held later"),
        decision(ruling("hold", expires_at_ms=HOUR_MS), tag="held"),
        decision(ruling("review", tweets=50), tag="small"),
        decision(ruling("review", tweets=500), tag="large"),
        decision(ruling("suppress"), tag="appealed"),
    )
    await world.reviews.refresh()
    restrictions = world.automated.fold.restrictions.values()
    [reference] = [one.reference for one in restrictions if one.target == "appealed"]
    await world.reviews.appeal(reference, actor="clerk", reason="no")
    cases = (await world.cases.log.refresh()).values()
    orders = [order("far", 3 * DAY_MS), order("farther", 4 * DAY_MS), order("overdue", 50), order("due", DAY_MS)]
    places = {work_order(case, hidden=case.hashtag == "held"): case.hashtag for case in cases}
    places |= {order_place(legal_order, world.now_ms): legal_order.id for legal_order in orders}
    assert [name for _, name in sorted(places.items())] == [
        "overdue", "due", "appealed", "held later", "far", "farther", "large", "small", "held",
    ]  # fmt: skip
