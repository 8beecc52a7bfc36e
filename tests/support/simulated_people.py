"""Moderation log for the simulation: orders and registry changes during the history."""

from __future__ import annotations

import random
from dataclasses import replace

from moderation.domain.speakers import registry
from streams.errors import HushtagError
from streams.log.lines import LogRecord
from tests.support.orders_world import HEAD, OrdersWorld, accounts, run
from tests.support.simulated_sizes import AUTHORS, SHORT, START_MS, Span


def random_moderation(rng: random.Random, span: Span = SHORT) -> list[LogRecord]:
    """Draw orders of two countries on the same accounts, with all steps, and registry changes."""
    world, times = OrdersWorld(), []

    def note() -> None:
        times.extend([world.now_ms] * (len(world.log.records) - len(times)))

    world.now_ms = START_MS + rng.randrange(span.log_seconds * 400)
    orders = [
        world.intake(accounts(*rng.sample(range(AUTHORS), 40)), replace(HEAD, country=country))
        for country in ("IN", "US")
    ]
    for order in orders:
        world.review(order)
    note()
    for _ in range(rng.randrange(3, 14)):
        world.now_ms += rng.choice([1, 300, span.log_seconds * 80, span.log_seconds * 150])
        order = rng.choice(orders)
        rows = [row.target.value for row in world.desk.fold.by_id[order].rows]
        some = rng.sample(rows, rng.randrange(1, 40))
        try:
            match rng.choice(["rule", "rule", "rule", "step", "step", "protect", "remove"]):
                case "rule":
                    world.rule(order, rng.choice(["withheld", "withheld", "withheld", "suspended", "declined"]), *some,
                               against_protected=True, actor=rng.choice("ab"))  # fmt: skip
                case "step":
                    world.step(order, rng.choice(["interim", "interim", "interim", "final", "revoked"]),
                               expires_at_ms=world.now_ms + rng.choice([5_000, span.log_seconds * 800]))  # fmt: skip
                case "protect":
                    for account in some[:8]:
                        world.protect(account)
                case "remove":
                    gone = tuple(list(world.desk.fold.speakers)[:5])
                    plan = registry.RegistryPlan(removed=gone)
                    run(world.desk.change_registry(lambda _, plan=plan: plan, actor="ann", reason="r"))
        except HushtagError:
            pass  # not a transition of the state machine
        note()
    assert times[-1] < span.closed_ms
    return [LogRecord(0, at, times[at], key, value) for at, (value, key) in enumerate(world.log.records)]
