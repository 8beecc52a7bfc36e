"""Facts about authors: the intervals against what the orders' fold says at every moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation import speakers
from streams.errors import HushtagError
from streams.flags.account_facts import AccountFacts, authors
from streams.flags.measures import measure
from streams.log.moderation import OtherRecord, decode_moderation
from tests.unit.orders_world import HEAD, HOUR_MS, NOW_MS, World, accounts, run

COUNTRIES = ("IN", "DE")


def facts_of(world: World, times: list[int]) -> AccountFacts:
    found = AccountFacts()
    for offset, (value, key) in enumerate(world.log.records):
        record = decode_moderation(value, key)
        assert isinstance(record, OtherRecord)
        found.apply(record, offset, times[offset])
    return found


def test_withheld_in_one_country_and_suspended_everywhere() -> None:
    world = World()
    world.protect("9")
    order = world.intake(accounts(1, 2))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.rule(order, "suspended", "2")
    world.step(order, "final")
    world.step(order, "revoked")
    times = list(range(0, 100 * len(world.log.records), 100))
    facts = list(facts_of(world, times).facts())
    final_ms, revoked_ms = times[-2], times[-1]
    assert authors(facts, "hidden", "IN", final_ms) == {1, 2}
    assert authors(facts, "hidden", "*", final_ms) == {2}
    assert authors(facts, "hidden", "DE", final_ms) == {2}
    assert authors(facts, "hidden", "IN", final_ms - 1) == {2}, "suspended when ruled, withheld once final"
    assert authors(facts, "hidden", "IN", revoked_ms) == {2}
    assert authors(facts, "protected", "IN", 0) == {9}
    assert authors(facts, "protected", "IN", -1) == set()


def test_a_removal_from_the_registry_and_a_clock_that_goes_back() -> None:
    world = World()
    world.protect("9")
    world.protect("9", "politician")
    run(world.desk.change_registry(lambda _: speakers.Plan(removed=("9",)), actor="ann", reason="r"))
    [fact] = facts_of(world, [100, 150, 190]).facts()
    assert (fact.from_ms, fact.to_ms) == (100, 190), "another category is the same protection"
    [fact] = facts_of(world, [100, 150, 50]).facts()
    assert (fact.from_ms, fact.to_ms) == (100, 150)
    found = facts_of(world, [100, 100, 100])
    assert list(found.facts()) == []
    found = facts_of(world, [100, 150, 190])
    found.forget(190)
    assert list(found.facts()) == []


steps = st.lists(
    st.tuples(
        st.sampled_from(["rule", "step", "protect", "wait"]),
        st.integers(0, 3),
        st.sampled_from(["withheld", "suspended", "declined"]),
        st.sampled_from(["acknowledged", "under_review", "interim", "final", "revoked", "declined"]),
        st.integers(0, 2 * HOUR_MS),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_the_facts_are_what_the_orders_say_at_each_moment(plan: list[tuple[Any, ...]]) -> None:
    world = World()
    orders = [world.intake(accounts(1, 2, 3)), world.intake(accounts(2, 3), replace(HEAD, country="DE"))]
    for order in orders:
        world.review(order)
    times = [NOW_MS] * len(world.log.records)
    seen: list[tuple[int, dict[str, set[int]]]] = []

    def look() -> None:
        hidden: dict[str, set[int]] = {country: set() for country in (*COUNTRIES, "*")}
        for case in world.desk.cases.cases.values():
            for row in case.rows:
                said = measure(case, row)
                if said is None or (said.expires_at_ms and said.expires_at_ms <= world.now_ms):
                    continue
                for scope in hidden:
                    if said.country in (scope, "*"):
                        hidden[scope].add(int(said.target))
        seen.append((world.now_ms, hidden))

    for what, number, outcome, state, wait_ms in plan:
        world.now_ms += wait_ms if what == "wait" else 1
        order = orders[number % 2]
        try:
            if what == "rule":
                world.rule(order, outcome, str(number % 3 + 1), against_protected=True, actor=f"a{wait_ms % 2}")
            elif what == "step":
                world.step(order, state, expires_at_ms=world.now_ms + HOUR_MS if state == "interim" else 0)
            elif what == "protect":
                world.protect(str(number))
        except HushtagError:
            pass
        times += [world.now_ms] * (len(world.log.records) - len(times))
        look()
    facts = list(facts_of(world, times).facts())
    for at_ms, hidden in seen:
        for scope, wanted in hidden.items():
            assert authors(facts, "hidden", scope, at_ms) == wanted
