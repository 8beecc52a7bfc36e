"""Compaction of the moderation topic: the fold of the remaining records is unchanged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.domain.orders.errors import OrderRefused
from moderation.domain.speakers import registry
from moderation.domain.speakers.registry import RegistryPlan, SpeakerEntry
from streams.counting.sketch import KeyedHash
from streams.errors import HushtagError
from streams.flags.overrides import OverrideHistory
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.orders.account_facts import AccountFactFold
from streams.orders.records import OrderRuling, encode_legal
from tests.support.account_facts import facts_at
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts, run

Records = list[tuple[int, bytes, bytes]]
HASHES = KeyedHash(b"k")


def compacted(world: OrdersWorld, upto: int | None = None) -> Records:
    """Return the log with only the last record of each key before `upto`; offsets stay unchanged."""
    records = [(offset, value, key) for offset, (value, key) in enumerate(world.log.records)]
    upto = len(records) if upto is None else upto
    last = {key: offset for offset, _, key in records[:upto]}
    return [one for one in records if one[0] >= upto or last[one[2]] == one[0]]


def folded(records: Records, end: int) -> dict[str, Any]:
    """Return the state that follows from a log."""
    view, facts = OverrideHistory(), AccountFactFold(AccountFactStore(HASHES))
    for offset, value, key in records:
        view.apply(offset, key, value)
        facts.apply_raw(offset, NOW_MS + offset, key, value)
    view.fold.expire(NOW_MS + HOUR_MS)
    fold = view.fold.orders
    return {
        "registers": view.fold.registers(), "orders": fold.by_id, "refused": fold.refused, "bad": view.bad,
        "speakers": fold.speakers, "waiting": [fold.waits(row) for order in fold.by_id.values() for row in order.rows],
        "facts": [facts_at(facts.store, NOW_MS + at, end) for at in range(end + 1)],
    }  # fmt: skip


PEOPLE = st.sampled_from(["ann", "ben", "Ann"])
ACCOUNTS = st.sets(st.sampled_from(["1", "2", "3"]), min_size=1)
WHAT = ["enter", "enter", "remove", "broken", "rule", "rule", "rule", "rule", "step", "step", "step", "stale", "note"]
DOINGS = st.lists(
    st.tuples(
        st.sampled_from(WHAT),
        st.integers(0, 1),
        PEOPLE,
        ACCOUNTS,
        st.sampled_from(["withheld", "withheld", "suspended", "declined"]),
        st.sampled_from(["interim", "interim", "final", "declined", "revoked"]),
        st.integers(0, 3),
    ),
    max_size=24,
)


def perform(world: OrdersWorld, order: str, doing: tuple[Any, ...]) -> None:
    what, _, actor, some, outcome, to, number = doing
    known = world.desk.fold.speakers
    enter = [SpeakerEntry(account, "journalist", f"name {number}", f"basis {number}") for account in sorted(some)]
    gone = RegistryPlan(removed=tuple(account for account in sorted(some) if account in known))
    match what:
        case "enter":
            run(world.desk.change_registry(lambda c: registry.plan_import(enter, c.speakers), actor=actor, reason="r"))
        case "remove":
            run(world.desk.change_registry(lambda _: gone, actor=actor, reason="r"))
        case "broken":  # only the first records of a write arrive
            plan = gone if number % 2 else registry.plan_import(enter, known)
            write = f"{len(world.log.records):08x}"
            for record in plan.records(write=write, actor=actor, reason="r", at_ms=NOW_MS, registered=known)[
                : number + 1
            ]:
                world.log.append(*encode_legal(record))
        case "rule":
            world.rule(order, outcome, *some, actor=actor, against_protected=True)
        case "step":
            world.step(order, to, actor=actor, expires_at_ms=NOW_MS + (number + 1) * HOUR_MS // 2)
        case "stale":
            ruling = OrderRuling(
                id=f"s{len(world.log.records)}", order=order, targets=((0, 0),), outcome="suspended", actor=actor,
                ground="own_rules", reason="r", at_ms=NOW_MS, edits="",
            )  # fmt: skip
            world.log.append(*encode_legal(ruling))
        case "note":
            run(world.desk.note(order, actor=actor, text=f"note {number}"))


@settings(max_examples=300, deadline=None)
@given(DOINGS, st.floats(0, 1))
def test_compaction_leaves_the_fold_unchanged(doings: list[tuple[Any, ...]], cut: float) -> None:
    world = OrdersWorld()
    orders = [world.intake(accounts(1, 2, 3), replace(HEAD, reference=reference)) for reference in ("EX/7", "EX/8")]
    for order in orders:
        world.review(order)
    for doing in doings:
        with suppress(HushtagError):  # refused by the service, or by the fold; the latter is in the log
            perform(world, orders[doing[1]], doing)
    end = len(world.log.records)
    everything = folded(compacted(world, 0), end)
    assert folded(compacted(world), end) == everything
    assert folded(compacted(world, int(cut * end)), end) == everything, "compacted earlier, and not since"


@pytest.mark.parametrize("outcome", ["withheld", "suspended"])
def test_compacted_registry_change_does_not_confirm_a_proposal(outcome: Any) -> None:
    world = OrdersWorld()
    world.protect("1")
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, outcome, "1", against_protected=True)
    with pytest.raises(OrderRefused, match="waits for a second person"):
        world.step(order, "final")
    world.step(order, "interim", expires_at_ms=NOW_MS + 100 * HOUR_MS)
    entry = SpeakerEntry("1", "journalist", "", "accreditation list, March")
    run(world.desk.change_registry(lambda c: registry.plan_import([entry], c.speakers), actor="ben", reason="yearly"))
    view = OverrideHistory()
    for offset, value, key in compacted(world):
        view.apply(offset, key, value)
    [row] = view.fold.orders.by_id[order].rows
    assert row.ruling is None
    assert row.proposed is not None
    assert view.fold.orders.by_id[order].state == "interim"
    assert view.fold.registers() == []
    run(world.desk.change_registry(lambda _: RegistryPlan(removed=("1",)), actor="ben", reason="asked for it"))
    view = OverrideHistory()
    for offset, value, key in compacted(world):
        view.apply(offset, key, value)
    assert view.fold.registers() == [], "a removed speaker does not confirm an earlier proposal"
