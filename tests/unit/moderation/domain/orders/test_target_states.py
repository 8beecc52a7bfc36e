"""Resolved states of targets over all orders, compared with the answers of a surface."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hushtag_client.memory import MemoryFlagsClient, MemoryServer

from moderation.domain.orders.selection import Selection
from moderation.domain.orders.target_states import TargetState, TargetStates, target_states
from streams.errors import CallerMistake
from streams.orders.records import Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts

TAG = Target("hashtag", "harm", "Harm")
TWEET = Target("tweet", "900")


def resolved(world: OrdersWorld) -> TargetStates:
    return target_states(world.log.view.fold, world.now_ms)


def withheld(*countries: str) -> TargetState:
    return TargetState(countries=frozenset(countries))


def ordered(world: OrdersWorld, reference: str, *targets: Target, country: str = "IN") -> str:
    order = world.intake(targets, replace(HEAD, reference=reference, country=country))
    world.review(order)
    return order


def test_account_of_two_orders_stays_withheld_after_one_is_revoked() -> None:
    world = OrdersWorld()
    first, second = (ordered(world, name, *accounts(1, 2)) for name in ("A", "B"))
    for order in (first, second):
        world.rule(order, "withheld", selection=Selection())
        world.step(order, "final")
    world.step(first, "revoked")
    assert resolved(world).of("account", "1") == withheld("IN")
    world.step(second, "revoked")
    assert resolved(world).of("account", "1").visible


def test_suspension_outranks_withholding_and_outlives_its_order() -> None:
    world = OrdersWorld()
    first, second = (ordered(world, name, *accounts(1)) for name in ("A", "B"))
    world.rule(first, "suspended", "1")
    world.rule(second, "withheld", "1")
    world.step(first, "final")
    world.step(second, "final")
    world.step(first, "revoked")
    assert resolved(world).of("account", "1") == TargetState(suspended=True)
    world.rule(first, "declined", "1")
    assert resolved(world).of("account", "1") == withheld("IN")


def test_interim_decision_ends_at_the_stated_moment() -> None:
    world = OrdersWorld()
    order = ordered(world, "A", *accounts(1), TAG, TWEET)
    world.rule(order, "withheld", "1", "https://x.com/any/status/900")
    world.rule(order, "reduced", "#harm")
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.now_ms += HOUR_MS - 1
    targets = (("account", "1"), ("hashtag", "harm"), ("tweet", "900"))
    assert [resolved(world).of(kind, name) for kind, name in targets] == [withheld("IN")] * 3  # type: ignore[arg-type]
    world.now_ms += 1
    assert all(resolved(world).of(kind, name).visible for kind, name in targets)  # type: ignore[arg-type]


def test_countries_of_two_orders_are_both_named() -> None:
    world = OrdersWorld()
    for country in ("IN", "DE"):
        order = ordered(world, country, *accounts(1), country=country)
        world.rule(order, "withheld", "1")
        world.step(order, "final")
    assert resolved(world).of("account", "1") == withheld("IN", "DE")
    assert resolved(world).of("hashtag", "1").visible, "an account is no hashtag of the same name"


@pytest.mark.parametrize("seed", range(15))
def test_states_equal_answers_of_a_surface(seed: int) -> None:
    """Play random rulings and steps of four orders; a client answers for each account and country."""
    dice, world = random.Random(seed), OrdersWorld()
    places = ("IN", "IN", "DE", "FR")
    orders = [ordered(world, f"R{n}", *accounts(*range(6)), country=country) for n, country in enumerate(places)]
    for _ in range(40):
        order = dice.choice(orders)
        try:
            if dice.random() < 0.7:
                outcome = dice.choice(("withheld",) * 6 + ("suspended", "declined", "declined"))
                world.rule(order, outcome, str(dice.randrange(6)), reason=f"r{dice.random()}")  # type: ignore[arg-type]
            else:
                state = dice.choice(("interim", "interim", "final", "revoked") if dice.random() < 0.4 else ("interim",))
                ends_ms = world.now_ms + dice.randrange(1, HOUR_MS * 2) if state == "interim" else 0
                world.step(order, state, expires_at_ms=ends_ms)
        except CallerMistake:
            continue  # the state machine does not allow it
        world.now_ms += dice.randrange(HOUR_MS // 4)
        states, surface = resolved(world), as_surface(world)
        some = world.desk.states({"0", "1", "2"})
        for account in map(str, range(6)):
            state = states.of("account", account)
            assert some.of("account", account) == (state if account in "012" else TargetState())
            for country in ("IN", "DE", "FR", "US"):
                expected = "suspended" if state.suspended else "withheld" if country in state.countries else "visible"
                assert surface.account_visibility(account, country) == expected


def as_surface(world: OrdersWorld) -> MemoryFlagsClient:
    """Return a client that has read what the publisher would write at this moment."""
    fold, server = world.log.view.fold, MemoryServer()
    fold.expire(world.now_ms)
    server.seed(fold.registers(), settled_ms=world.now_ms)
    return MemoryFlagsClient(server, clock=lambda: world.now_ms)
