"""Amendments: a corrected list is proposed by one person, approved by a second, and counted as the same order."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from moderation.domain.orders.amendment_plan import AmendmentPlan, amendment_view, head_of, waiting_plan
from moderation.domain.orders.intake_plan import OrderDraft
from moderation.domain.orders.letter import letter
from moderation.domain.orders.public_outcomes import published_outcomes
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderRefused, StaleOrder
from moderation.domain.orders.shown_outcomes import counts
from moderation.domain.orders.target_states import TargetState
from moderation.domain.orders.view import head_lines, order_view, target_view
from moderation.domain.restrictions.collection import order_restrictions
from moderation.outward.report.facts import count_facts
from streams.errors import CallerMistake
from streams.orders.order import Order
from streams.orders.records import Outcome, Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts, run


def withheld(world: OrdersWorld, *ids: int, reference: str = "A", end_ms: int = 0) -> str:
    """Take an order on accounts in and put it in force."""
    order = world.intake(accounts(*ids), replace(HEAD, reference=reference))
    world.review(order)
    world.rule(order, "withheld", selection=Selection())
    world.step(order, "interim" if end_ms else "final", expires_at_ms=end_ms)
    return order


def amend(world: OrdersWorld, order: str, *add: Target, drop: tuple[str, ...] = (), actor: str = "ann",
          **options: Any) -> AmendmentPlan:  # fmt: skip
    draft = OrderDraft(head_of(world.desk.get(order)), {(target.kind, target.value): target for target in add})
    return run(world.desk.amend(order, draft, drop, actor=actor, reason="corrigendum", **options))


def approve(world: OrdersWorld, order: str, actor: str = "ben", **options: Any) -> Order:
    return run(world.desk.answer_amendment(order, "approve", actor=actor, reason="checked", **options))


def states(world: OrdersWorld, *ids: int) -> list[TargetState]:
    return [world.desk.states().of("account", str(number)) for number in ids]


IN = TargetState(countries=frozenset({"IN"}))
VISIBLE = TargetState()


def test_proposal_changes_nothing_until_a_second_person_approves() -> None:
    world = OrdersWorld()
    order = withheld(world, 1, 2)
    amend(world, order, *accounts(3), drop=("2",))
    assert states(world, 1, 2, 3) == [IN, IN, VISIBLE]
    for name in ("ann", " Ann", "аnn"):
        with pytest.raises(OrderRefused, match="ann proposed the amendment; a second person must approve it"):
            approve(world, order, name)
    legal_order = approve(world, order)
    assert states(world, 1, 2, 3) == [IN, VISIBLE, VISIBLE]
    assert (len(legal_order.rows), legal_order.amendment, legal_order.state) == (3, None, "final")
    world.rule(order, "withheld", "3")
    assert states(world, 1, 2, 3) == [IN, VISIBLE, IN], "an added target is in force once it is ruled on"


def test_dropped_target_shows_reason_and_both_people() -> None:
    world = OrdersWorld()
    order = withheld(world, 1, 2)
    amend(world, order, drop=("2",))
    legal_order = approve(world, order)
    shown = target_view(legal_order, legal_order.rows[1], world.desk.fold)
    assert {name: getattr(shown, name) for name in ("outcome", "ground", "reason", "by", "second", "waiting")} == {
        "outcome": "dropped", "ground": "", "reason": "corrigendum", "by": "ann", "second": "ben", "waiting": "",
    }  # fmt: skip
    history = order_view(legal_order, world.desk.fold, world.now_ms).history
    assert history[-2].startswith("ann proposed an amendment (1 target dropped), ")
    assert history[-1].startswith("ben approved the amendment, ") and history[-1].endswith(": checked")
    assert [restriction.target for restriction in order_restrictions(legal_order, world.now_ms)] == ["1"]
    assert published_outcomes(legal_order, world.now_ms) == ["withheld", "ended"]
    text = letter(legal_order, world.desk.states(), sender="x")
    assert "1 account held back in India until the order on them or our interim decision ended" in " ".join(
        text.split()
    )
    assert "Still under review" not in text and "account 2" not in text


def test_dropped_target_cannot_be_ruled_on_or_come_back() -> None:
    world = OrdersWorld()
    order = withheld(world, 1, 2)
    amend(world, order, drop=("2",))
    legal_order = approve(world, order)
    with pytest.raises(CallerMistake, match="none of these 1 targets"):
        world.rule(order, "withheld", "2", reason="again")
    world.rule(order, "withheld", selection=Selection(), reason="better words")
    assert states(world, 1, 2) == [IN, VISIBLE]
    with pytest.raises(CallerMistake, match="target 2 was dropped from the order"):
        amend(world, order, *accounts(2))
    with pytest.raises(CallerMistake, match="changes nothing"):
        amend(world, order, drop=("2",))
    assert legal_order.undecided() == 0


def test_suspension_outlives_the_drop_and_can_be_lifted() -> None:
    world = OrdersWorld()
    order = withheld(world, 1)
    world.rule(order, "suspended", "1")
    assert amend(world, order, drop=("1",)).released == 0
    legal_order = approve(world, order)
    assert (states(world, 1), counts(legal_order)["suspended"]) == ([TargetState(suspended=True)], 1)
    world.rule(order, "declined", "1")
    assert states(world, 1) == [VISIBLE]


def test_preview_tells_released_from_still_hidden_and_counts_protected() -> None:
    world = OrdersWorld()
    world.protect("9")
    withheld(world, 2, reference="other")
    order = withheld(world, 1, 2, 3, end_ms=NOW_MS + HOUR_MS)
    end_ms = NOW_MS + 9 * HOUR_MS
    plan = amend(world, order, *accounts(1, 8, 9), drop=("2", "3"), expires_at_ms=end_ms, dry_run=True)
    assert (len(plan.added), plan.known_targets, plan.protected, plan.released, plan.kept_hidden) == (2, 1, 1, 1, 1)
    assert plan.lines("IN") == [
        "adds 2 targets, 1 protected speaker among them, which then wait for an outcome",
        "drops 2 targets; ends 2 restrictions in India; 1 target stays hidden there by another order or a suspension",
        "ends its outcomes 2021-02-09 01:00 UTC (now: 2021-02-08 17:00 UTC)",
    ]
    assert world.desk.get(order).amendment is None, "a dry run writes nothing"
    amend(world, order, *accounts(1, 8, 9), drop=("2", "3"), expires_at_ms=end_ms)
    legal_order = world.desk.get(order)
    assert waiting_plan(legal_order, world.desk.fold, world.now_ms) == replace(plan, known_targets=0)
    shown = amendment_view(legal_order, world.desk.fold, world.now_ms)
    assert shown is not None and (shown.actor, shown.added_targets) == ("ann", ["account 8", "account 9"])
    assert f"    {plan.lines('IN')[1]}" in head_lines(legal_order, world.desk.fold, world.now_ms)
    approve(world, order)
    assert states(world, 1, 2, 3, 8, 9) == [IN, IN, VISIBLE, VISIBLE, VISIBLE]
    assert world.rule(order, "withheld", "9").plan.spared == 1
    world.rule(order, "withheld", "9", against_protected=True)
    assert states(world, 9) == [VISIBLE], "a protected speaker who was added needs two people"


@pytest.mark.parametrize("change", ["ruling", "step", "amendment"])
def test_change_in_between_withdraws_the_proposal(change: str) -> None:
    world = OrdersWorld()
    order = withheld(world, 1, 2, 3)
    amend(world, order, drop=("2",))
    seen = world.desk.get(order)
    version, amendment = seen.version, seen.amendment
    assert amendment is not None
    if change == "ruling":
        world.rule(order, "declined", "2", reason="satire")
    elif change == "step":
        world.step(order, "revoked")
    else:
        amend(world, order, drop=("3",), actor="max")
    with pytest.raises(StaleOrder, match="has changed since you looked"):
        approve(world, order, expected=version)
    with pytest.raises(OrderRefused, match=r"does not wait"):
        approve(world, order, amendment=amendment.record.id)
    if change == "amendment":
        approve(world, order)
        assert states(world, 2, 3) == [IN, VISIBLE]


def test_writer_who_loses_the_race_gets_a_conflict() -> None:
    world = OrdersWorld()
    order = withheld(world, 1, 2)
    amend(world, order, drop=("2",))
    world.log.before_send = lambda: world.rule(order, "declined", "1", reason="satire")
    with pytest.raises(StaleOrder):
        approve(world, order)
    assert states(world, 2) == [IN]


def test_refused_amendment_has_no_effect() -> None:
    world = OrdersWorld()
    order = withheld(world, 1)
    amend(world, order, drop=("1",))
    legal_order = run(world.desk.answer_amendment(order, "refuse", actor="ann", reason="wrong file"))
    assert (states(world, 1), legal_order.amendment) == ([IN], None)
    with pytest.raises(OrderRefused, match="no amendment waits"):
        approve(world, order)


def test_new_end_extends_and_shortens_and_revives() -> None:
    world = OrdersWorld()
    order = withheld(world, 1, end_ms=NOW_MS + HOUR_MS)
    amend(world, order, expires_at_ms=NOW_MS + 3 * HOUR_MS)
    world.now_ms = NOW_MS + 2 * HOUR_MS
    assert states(world, 1) == [VISIBLE], "the interim decision lapsed while the amendment waited"
    legal_order = approve(world, order)
    assert (states(world, 1), legal_order.due_ms, legal_order.in_force_since_ms) == (
        [IN],
        NOW_MS + 3 * HOUR_MS,
        world.now_ms,
    )
    world.now_ms = NOW_MS + 3 * HOUR_MS
    assert states(world, 1) == [VISIBLE]
    final = withheld(world, 2, reference="B")
    amend(world, final, expires_at_ms=world.now_ms + HOUR_MS)
    legal_order = approve(world, final)
    assert states(world, 2) == [IN]
    world.now_ms += HOUR_MS
    assert (states(world, 2), published_outcomes(legal_order, world.now_ms)) == ([VISIBLE], ["ended"])
    assert "Our final decision ended" in letter(legal_order, world.desk.states(), sender="x")


@pytest.mark.parametrize(
    ("state", "options", "problem"),
    [
        ("final", {}, "changes nothing"),
        ("final", {"drop": ("7",)}, "is not a target of"),
        ("final", {"expires_at_ms": NOW_MS}, "the new end has passed"),
        ("under_review", {"expires_at_ms": NOW_MS + 1}, "only an interim or final decision has an end"),
        ("revoked", {"drop": ("1",)}, "an order that is revoked cannot be amended"),
    ],
)
def test_amendment_without_sense_is_refused(state: str, options: dict[str, Any], problem: str) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    if state != "under_review":
        world.rule(order, "withheld", "1")
        world.step(order, state)
    before = len(world.log.records)
    with pytest.raises(CallerMistake, match=problem):
        amend(world, order, **options)
    assert len(world.log.records) == before


def test_amended_order_is_one_order_in_the_report() -> None:
    world = OrdersWorld()
    order = withheld(world, 1, 2)
    amend(world, order, *accounts(3), drop=("2",))
    approve(world, order)
    world.rule(order, "withheld", "3")
    facts = count_facts(world.log.view, [], 0, world.now_ms + 1, now_ms=world.now_ms)
    assert (facts.orders, facts.targets, facts.requested) == (1, {"account": 3}, {"account": 3})
    assert facts.states == {"account": {"withheld": 2, "ended": 1}}
    [order_facts] = facts.by_order
    assert order_facts.outcomes == {"account": {"withheld": 2, "ended": 1}}


@pytest.mark.parametrize("seed", range(10))
def test_states_after_amendments_equal_a_set_of_accounts(seed: int) -> None:
    """Play rulings, amendments and answers of one order; the reference is the set of withheld accounts."""
    dice, world = random.Random(seed), OrdersWorld()
    order, present, ruled = withheld(world, 1, 2, 3), {1, 2, 3}, {1, 2, 3}
    following = iter(range(4, 100))
    for _ in range(25):
        if dice.random() < 0.5 and present:
            number, outcome = dice.choice(sorted(present)), dice.choice(("withheld", "declined"))
            world.rule(order, outcome, str(number), reason=f"r{dice.random()}")
            (ruled.add if outcome == "withheld" else ruled.discard)(number)
            continue
        dropped = set(dice.sample(sorted(present), k=min(len(present), dice.randrange(2))))
        added = {next(following) for _ in range(dice.randrange(2) + (not dropped))}
        amend(world, order, *accounts(*added), drop=tuple(map(str, dropped)))
        if dice.random() < 0.7:
            approve(world, order)
            present, ruled = (present | added) - dropped, ruled - dropped
        shown = {number for number in range(1, 100) if not world.desk.states().of("account", str(number)).visible}
        assert shown == ruled & present


def test_outcome_filter_leaves_dropped_targets_out() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    world.review(order)
    amend(world, order, drop=("2",))
    legal_order = approve(world, order)
    outcome: Outcome = "withheld"
    world.rule(order, outcome, selection=Selection(undecided=True))
    assert world.step(order, "final").state == "final", "a dropped target needs no outcome"
    assert counts(legal_order) == {
        "declined": 0, "reduced": 0, "withheld": 1, "suspended": 0, "undecided": 0, "dropped": 1,
    }  # fmt: skip
    assert published_outcomes(legal_order, world.now_ms) == ["withheld", "dropped"]
