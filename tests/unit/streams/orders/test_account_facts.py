"""Account facts compared with the measures of the order fold at every moment."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.domain.speakers import registry
from streams.counting.sketch import KeyedHash
from streams.errors import HushtagError
from streams.judging.side_inputs.account_facts import FACT_KINDS, AccountFactStore, FactKind
from streams.orders.account_facts import AccountFactFold
from streams.orders.measures import measure
from tests.support.account_facts import facts_at
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts, run

COUNTRIES = ("IN", "DE")
HASHES = KeyedHash(b"k")
ID_OF = {int(HASHES.authors([one])[0]): one for one in range(20)}


def facts_of(world: OrdersWorld, times: list[int], upto: int | None = None) -> AccountFactStore:
    fold = AccountFactFold(AccountFactStore(HASHES))
    for offset, (value, key) in enumerate(world.log.records[:upto]):
        fold.apply_raw(offset, times[offset], key, value)
    return fold.store


def authors(store: AccountFactStore, kind: FactKind, country: str, at_ms: int, upto: int | None = None) -> set[int]:
    """Return the authors with a fact for a country's windows (`*`: the world's) at a moment."""
    found = facts_at(store, at_ms, upto)
    return {ID_OF[author] for author, what, scope in found if what == kind and scope in ("*", country)}


def changes(store: AccountFactStore) -> list[tuple[int, int]]:
    """Return the moments at which the number of facts changes, and the number from each on."""
    numbers = [len(facts_at(store, at_ms)) for at_ms in range(300)]
    return [(at_ms, after) for at_ms, (before, after) in enumerate(pairwise([0, *numbers])) if before != after]


def test_withheld_account_in_country_and_suspended_everywhere() -> None:
    world = OrdersWorld()
    world.protect("9")
    order = world.intake(accounts(1, 2))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.rule(order, "suspended", "2")
    world.step(order, "final")
    world.step(order, "revoked")
    times = list(range(0, 100 * len(world.log.records), 100))
    facts = facts_of(world, times)
    final_ms, revoked_ms = times[-2], times[-1]
    assert authors(facts, "hidden", "IN", final_ms) == {1, 2}
    assert authors(facts, "hidden", "*", final_ms) == {2}
    assert authors(facts, "hidden", "DE", final_ms) == {2}
    assert authors(facts, "hidden", "IN", final_ms - 1) == {2}, "suspended when ruled, withheld once final"
    assert authors(facts, "hidden", "IN", revoked_ms) == {2}
    assert authors(facts, "protected", "IN", 0) == {9}
    assert authors(facts, "protected", "IN", -1) == set()


def test_registry_removal_with_decreasing_log_times() -> None:
    world = OrdersWorld()
    world.protect("9")
    world.protect("9", "politician")
    run(world.desk.change_registry(lambda _: registry.RegistryPlan(removed=("9",)), actor="ann", reason="r"))
    found = changes(facts_of(world, [100, 100, 150, 150, 190, 190, 190]))
    assert found == [(100, 1), (190, 0)], "another category is the same protection"
    assert changes(facts_of(world, [100, 100, 150, 150, 50, 50, 50])) == [(100, 1), (150, 0)]
    assert authors(facts_of(world, [100] * 7), "protected", "*", 100) == set()


def test_account_id_beyond_64_bits_is_ignored() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 10**20 - 1))
    world.review(order)
    world.rule(order, "suspended", "1", str(10**20 - 1))
    book = facts_of(world, [100] * len(world.log.records))
    assert book.count_unended()["hidden"] == 2 and len(facts_at(book, 100)) == 1
    assert authors(book, "hidden", "*", 100) == {1}


def test_malformed_record_is_ignored() -> None:
    world = OrdersWorld()
    world.protect("9")
    world.log.records.insert(0, (b"{", b"k"))
    book = facts_of(world, [100] * 3)
    assert (book.upto, authors(book, "protected", "*", 100)) == (3, {9})


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


@settings(max_examples=100, deadline=None)
@given(steps)
def test_facts_equal_measures_at_each_moment(plan: list[tuple[Any, ...]]) -> None:
    world = OrdersWorld()
    orders = [world.intake(accounts(1, 2, 3)), world.intake(accounts(2, 3), replace(HEAD, country="DE"))]
    for order in orders:
        world.review(order)
    times = [NOW_MS] * len(world.log.records)
    seen: list[tuple[int, int, dict[str, set[int]]]] = []

    def look() -> None:
        hidden: dict[str, set[int]] = {country: set() for country in (*COUNTRIES, "*")}
        for case in world.desk.fold.by_id.values():
            for row in case.rows:
                emitted = measure(case, row)
                if emitted is None or (emitted.expires_at_ms and emitted.expires_at_ms <= world.now_ms):
                    continue
                for scope in hidden:
                    if emitted.country in (scope, "*"):
                        hidden[scope].add(int(emitted.target))
        seen.append((world.now_ms, len(world.log.records), hidden))

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
    facts = facts_of(world, times)
    for at_ms, _, hidden in seen:
        for scope, wanted in hidden.items():
            assert authors(facts, "hidden", scope, at_ms) == wanted
    for _, records, _ in seen[-2:]:  # a store that has read further gives the same answer
        read_less = facts_of(world, times, records)
        for at_ms in (seen[0][0], seen[len(seen) // 2][0], seen[-1][0], seen[-1][0] + HOUR_MS):
            for scope in (*COUNTRIES, "*"):
                for what in FACT_KINDS:
                    assert authors(facts, what, scope, at_ms, records) == authors(read_less, what, scope, at_ms)
