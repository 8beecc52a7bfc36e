"""A decided order and automated decisions for tests of the transparency report."""

from __future__ import annotations

from typing import Any

from moderation.domain.orders.selection import Selection
from moderation.outward.report.facts import ReportFacts, count_facts
from streams.log.decisions import Decision, ScopeDecision, version_of
from streams.orders.records import Target
from tests.support.orders_world import HOUR_MS, NOW_MS, OrdersWorld, accounts

DAY_MS = 24 * HOUR_MS


def decided(
    at: int, *rulings: tuple[str, str, int], tag: str = "tag", country: str = "IN", number: int = 0
) -> Decision:
    """Build a decision at a moment from (category, action, expiry) of each scope."""
    return Decision(
        hashtag=tag, display=tag, country=country, version=version_of(number or at, at), tick_ms=at, settled_ms=at,
        decided_at_ms=at, policy_revision="p", model_revision="m",
        rulings=tuple(ScopeDecision(category=c, surface="trends", action=a, since_ms=at, expires_at_ms=e)  # type: ignore[arg-type]
                      for c, a, e in rulings),
    )  # fmt: skip


def order_world() -> tuple[OrdersWorld, str]:
    world = OrdersWorld()
    for account in range(20, 26):
        world.protect(str(account))
    order = world.intake([*accounts(*range(26)), Target("hashtag", "harm", "Harm")])
    world.review(order)
    world.rule(order, "declined", selection=Selection(protected=True), reason="the press")
    world.rule(order, "suspended", *map(str, range(7)))
    world.rule(order, "withheld", selection=Selection(undecided=True, kinds=("account",)))
    world.rule(order, "reduced", "#harm")
    world.now_ms += HOUR_MS
    world.step(order, "final")
    return world, order


def facts_of(world: OrdersWorld, decisions: list[Decision], **options: Any) -> ReportFacts:
    options.setdefault("now_ms", world.now_ms)
    return count_facts(world.log.view, decisions, NOW_MS - DAY_MS, NOW_MS + DAY_MS, **options)
