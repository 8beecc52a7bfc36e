"""Tests of appeals, and of the items of automated decisions."""

from __future__ import annotations

import doctest
import json
import random
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.appeals import items as items_module
from moderation.domain.appeals.fold import AppealStatus
from moderation.domain.appeals.items import items_of
from moderation.domain.appeals.records import Appeal, AppealOutcome, Verdict, encode_appeal
from moderation.domain.appeals.view import appeal_view, ended_view
from moderation.domain.cases.agreement import quality_of
from moderation.domain.orders.intake_plan import OrderHead
from moderation.domain.orders.selection import Selection
from moderation.domain.restrictions.collection import order_restrictions, override_restriction
from moderation.domain.speakers import registry
from moderation.log.drafts import End, OverrideDraft
from moderation.log.errors import NoSuchCase, StaleReview
from streams.errors import CallerMistake
from streams.log.decisions import DecisionReason
from streams.log.moderation import Override, Undo
from streams.naming import tag_of
from streams.orders.order import Order
from streams.orders.records import OrderRuling, Outcome
from tests.support.case_decisions import HOUR_MS, decision, ruling, unread_ruling
from tests.support.moderation_world import World
from tests.support.orders_console import begin_review
from tests.support.orders_world import accounts

ITEM = "hushtag-" + "0" * 24


# --- items ---


def test_items_of_decision() -> None:
    decided = decision(
        ruling("hold"), ruling("hold", "search"), ruling("review"), ruling("suppress"), ruling("shadow", since_ms=2)
    )
    found = items_of(decided, share=1.0, secret=b"s")
    assert [(item.kind, item.surfaces) for item in found] == [
        ("hold", ("search", "trends")), ("second_look", ("trends",)), ("review", ("trends",)),
        ("control", ("trends",)), ("control", ("trends",)),
    ]  # fmt: skip
    assert len({item.id for item in found}) == 5
    assert [item.kind for item in items_of(decided, share=0.0, secret=b"s")] == ["hold", "review"]
    assert items_of(decision(ruling("hold"), provisional=True), share=1.0, secret=b"s") == []


def test_controls_are_sampled_at_four_times_the_share() -> None:
    tags = [f"tag{number}" for number in range(3_000)]
    kinds = [
        item.kind
        for tag in tags
        for item in items_of(decision(ruling("suppress"), ruling("shadow"), tag=tag), share=0.05, secret=b"s")
    ]
    assert kinds.count("second_look") == pytest.approx(150, abs=40)
    assert kinds.count("control") == pytest.approx(600, abs=80)


def test_contested_hashtag_is_an_item() -> None:
    [item] = items_of(decision(ruling("discount", weight=0.34)), share=1.0, secret=b"s")
    assert item.kind == "contested"
    assert item.cause == "contested: 25% of its authors are established, others write harm"


@pytest.mark.parametrize(
    ("valve", "value", "limit", "cause"),
    [
        ("innocent_past", 340, 100, "innocent past: 340 established authors used it before without harm"),
        ("uncorroborated", 0, 0, "uncorroborated: as harmful as what is hidden, but no signal corroborates it"),
        ("new_suppressions_per_hour", 20, 20, "new suppressions per hour: 20, the limit is 20"),
        ("", 0, 0, ""),
    ],
)
def test_review_has_its_cause(valve: str, value: float, limit: float, cause: str) -> None:
    reasons = (DecisionReason("harmful_share_lower", 0.5, 0.4), DecisionReason(valve or "young", value, limit))
    [item] = items_of(decision(ruling("review", valve=valve, reasons=reasons)), share=0.0, secret=b"s")
    assert (item.kind, item.cause) == ("review", cause)


def test_unassessed_hashtag_is_an_item_without_shares_of_harm() -> None:
    both = decision(unread_ruling(), unread_ruling("search"), ruling("review", "account"))
    review, item = items_of(both, share=1.0, secret=b"s")[:2]
    assert (review.kind, item.kind, item.surfaces) == ("review", "not_assessed", ("search", "trends"))
    assert item.cause == (
        "not assessed: the model read 19% of 64 sampled authors (Tamil 41, Bengali 9, other 2 not read); "
        "the policy asks for 50%"
    )
    numbers = item.numbers
    assert numbers is not None
    assert numbers["unread"] == {"bn": 9, "ta": 41, "other": 2} and numbers["copies"] == 0.5
    assert not {"share", "lower", "upper", "established_lower", "established_upper"} & numbers.keys()
    assert "share" in (review.numbers or {})


def test_unassessed_hashtag_is_no_control() -> None:
    assert [one.kind for one in items_of(decision(unread_ruling()), share=1.0, secret=b"s")] == ["not_assessed"]


@given(st.floats(0, 1), st.floats(0, 1), st.binary(max_size=8), st.integers(0, 99))
def test_larger_share_contains_smaller_sample(share: float, other: float, secret: bytes, number: int) -> None:
    reference = f"hushtag-{number}"
    small, large = sorted((share, other))
    assert items_module.is_sampled(reference, small, secret) <= items_module.is_sampled(reference, large, secret)


def test_sample_has_its_share_and_depends_on_secret() -> None:
    assert doctest.testmod(items_module).failed == 0
    references = [f"hushtag-{n}" for n in range(5_000)]
    one, two = ({r for r in references if items_module.is_sampled(r, 0.1, s)} for s in (b"one", b"two"))
    assert 400 < len(one) < 600
    assert len(one & two) < 100


@given(st.randoms(use_true_random=False))
def test_renewals_in_any_order_make_one_item(dice: random.Random) -> None:
    renewals = [decision(ruling("hold", expires_at_ms=HOUR_MS * n), number=n) for n in range(1, 5)]
    dice.shuffle(renewals)
    [item] = World(*renewals, share=1.0).automated.fold.items.values()
    assert item.ends_ms == 4 * HOUR_MS


async def test_overturned_appeal_allows_automated_suppression() -> None:
    world = World(decision(ruling("suppress"), ruling("suppress", "search")))
    await world.reviews.refresh()
    [reference] = world.reviews.automated.restrictions
    filed = await world.reviews.appeal(reference, actor="clerk", reason="it is a film")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert isinstance(done.effect, Override) and done.effect.action == "allow"
    assert (done.effect.surfaces, done.also_lifts) == (("search", "trends"), ())
    with pytest.raises(StaleReview, match="ann has already decided the appeal"):
        await world.reviews.end_appeal(filed.id, "uphold", actor="ben", reason="r")


async def test_overturned_appeal_reports_other_lifted_restrictions() -> None:
    """The hashtag is suppressed for two categories; the appeal contests one."""
    other = ruling("suppress", category="hateful_conduct")
    elsewhere = ruling("suppress", "search", category="gendered_abuse")
    world = World(decision(ruling("suppress"), other, elsewhere))
    await world.reviews.refresh()
    by_category = {one.category: reference for reference, one in world.reviews.automated.restrictions.items()}
    filed = await world.reviews.appeal(by_category["abuse"], actor="clerk", reason="it is a film")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert done.also_lifts == (by_category["hateful_conduct"],)


async def test_overturned_appeal_undoes_override_still_in_force() -> None:
    world = World()
    draft = OverrideDraft(tag_of("tag"), "block", "*", ("search", "trends"), "ann", "r", HOUR_MS)
    [written] = await world.moderation.override([draft])
    assert isinstance(written.record, Override)
    later = OverrideDraft(tag_of("tag"), "allow", "*", ("search",), "ben", "r", HOUR_MS)
    await world.moderation.override([later])
    one = override_restriction(written.record)
    assert one is not None
    filed = await world.reviews.appeal(one.reference, actor="clerk", reason="no")
    for name in ("ann", " Ann", "аnn"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await world.reviews.end_appeal(filed.id, "overturn", actor=name, reason="r")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="right")
    assert isinstance(done.effect, Undo) and done.effect.undoes == (written.record.id,)
    assert [s.state for s in world.moderation.view.statuses(world.now_ms) if s.record.id == written.record.id] == [
        "undone"
    ]


async def withheld(
    world: World, *numbers: int, outcome: Outcome = "withheld", confidential: bool = False
) -> tuple[Order, str]:
    """Put an order on accounts in force; return it with the reference of its first restriction."""
    head = OrderHead("Ministry", "IN", "s. 69A", f"No. {len(world.log.records)}", 1, 2, 3, confidential)
    order = await begin_review(world.orders, head, accounts(*numbers))
    await world.orders.rule(order, Selection(), outcome, actor="lee", reason="r")
    legal_order = await world.orders.step(order, "final", actor="lee", reason="r")
    return legal_order, order_restrictions(legal_order, world.now_ms)[0].reference


def held(world: World) -> set[tuple[str, str]]:
    return {(r.hashtag, r.country) for r in world.moderation.view.fold.registers() if r.action == "suppress"}


@pytest.mark.parametrize("outcome", ["withheld", "suspended"])
async def test_overturned_appeal_declines_only_its_order_target(outcome: Outcome) -> None:
    """Two accounts are on one order, and one of them also on another."""
    world = World()
    first, reference = await withheld(world, 1, 2, outcome=outcome)
    second, other = await withheld(world, 1)
    where = "*" if outcome == "suspended" else "IN"
    assert held(world) == {("1", where), ("2", where), ("1", "IN")}
    filed = await world.reviews.appeal(reference, actor="clerk", reason="it is satire")
    assert filed.order == first.id
    for name in ("lee", "LEE"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await world.reviews.end_appeal(filed.id, "overturn", actor=name, reason="r")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is satire")
    assert isinstance(done.effect, OrderRuling)
    assert ended_view(done).members()["effect"] == {"action": "declined", "order": first.id, "target": 1}
    assert held(world) == {("2", where), ("1", "IN")}, "the other order still withholds account 1"
    ruling_now = first.rows[0].ruling
    assert ruling_now is not None and (ruling_now.outcome, ruling_now.reason) == ("declined", "it is satire")
    again = await world.reviews.appeal(other, actor="clerk", reason="it is satire")
    await world.reviews.end_appeal(again.id, "overturn", actor="ben", reason="r")
    assert held(world) == {("2", where)}
    assert quality_of(world.moderation.view, 0, world.now_ms + 1).appeals_reversed == 2
    assert second.state == "final"
    late = await world.reviews.appeal(other, actor="clerk", reason="r")
    done = await world.reviews.end_appeal(late.id, "overturn", actor="max", reason="r")
    assert (done.effect, done.ended) == (None, "the target is now declined")


async def test_appeal_of_protected_speaker_declines_as_protected_speech() -> None:
    world = World()
    legal_order, reference = await withheld(world, 1, confidential=True)
    orders = world.orders
    entry = registry.parse(b"account,category\n1,journalist\n", "r.csv").entries
    await orders.change_registry(lambda fold: registry.plan_import(entry, fold.speakers), actor="ann", reason="r")
    filed = await world.reviews.appeal(reference, actor="clerk", reason="a journalist")
    result = appeal_view(AppealStatus(filed)).members()
    assert filed.deciders == ("lee",) and "lee" not in json.dumps(result) and "number" not in result
    assert result["against_order"] is True and legal_order.id not in json.dumps(result)
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert isinstance(done.effect, OrderRuling) and done.effect.ground == "protected_speech"
    assert held(world) == set()


async def test_upheld_appeal_changes_nothing() -> None:
    world = World(decision(ruling("suppress")))
    await world.reviews.refresh()
    [reference] = world.reviews.automated.restrictions
    filed = await world.reviews.appeal(reference, actor="clerk", reason="no")
    done = await world.reviews.end_appeal(filed.id, "uphold", actor="ann", reason="seen")
    assert isinstance(done.record, AppealOutcome) and done.effect is None
    with pytest.raises(NoSuchCase):
        await world.reviews.appeal(ITEM, actor="clerk", reason="no")
    with pytest.raises(NoSuchCase):
        await world.reviews.end_appeal("nothing", "uphold", actor="ann", reason="r")


# --- appeals that outlive the contested record ---


def appeals_counted(world: World) -> tuple[int, int]:
    result = quality_of(world.moderation.view, 0, world.now_ms + 1)
    return result.appeals, result.appeals_reversed


async def ruled(world: World, legal_order: Order, number: int, outcome: Outcome, actor: str) -> None:
    world.now_ms += 10
    target = Selection(targets=(str(number),))
    await world.orders.rule(legal_order.id, target, outcome, actor=actor, reason="better words")


@pytest.mark.parametrize(("word", "reversed_"), [("uphold", 0), ("overturn", 1)])
async def test_appeal_ends_after_its_order_is_revoked(word: Verdict, reversed_: int) -> None:
    world = World()
    legal_order, reference = await withheld(world, 1, 2)
    filed = await world.reviews.appeal(reference, actor="clerk", reason="it is satire")
    assert (filed.number, filed.deciders) == (0, ("lee",))
    await world.orders.step(legal_order.id, "revoked", actor="max", reason="by the court")
    with pytest.raises(CallerMistake, match="took the decision"):
        await world.reviews.end_appeal(filed.id, word, actor="Lee", reason="r")
    done = await world.reviews.end_appeal(filed.id, word, actor="max", reason="r")
    assert (done.effect, done.also_lifts, done.ended) == (None, (), "the order is revoked")
    assert ended_view(done).ended == done.ended
    assert appeals_counted(world) == (1, reversed_)
    with pytest.raises(StaleReview, match="max has already decided the appeal"):
        await world.reviews.end_appeal(filed.id, word, actor="ben", reason="r")


@pytest.mark.parametrize("again", ["withheld", "suspended"])
async def test_appeal_reverses_present_restriction_of_its_target(again: Outcome) -> None:
    """A second ruling on the same target replaces the contested restriction."""
    world = World()
    legal_order, reference = await withheld(world, 1, 2)
    filed = await world.reviews.appeal(reference, actor="clerk", reason="it is satire")
    await ruled(world, legal_order, 1, again, "max")
    assert order_restrictions(legal_order, world.now_ms)[0].reference != reference
    for actor in ("lee", "max"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await world.reviews.end_appeal(filed.id, "uphold", actor=actor, reason="r")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is satire")
    assert ended_view(done).members()["effect"] == {"action": "declined", "order": legal_order.id, "target": 1}
    assert (done.ended, held(world), appeals_counted(world)) == ("", {("2", "IN")}, (1, 1))


async def test_appeal_ends_after_its_target_is_declined() -> None:
    world = World()
    legal_order, reference = await withheld(world, 1)
    filed = await world.reviews.appeal(reference, actor="clerk", reason="it is satire")
    await ruled(world, legal_order, 1, "declined", "max")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="max", reason="r")
    assert (done.effect, done.ended, held(world)) == (None, "the target is now declined", set())


async def test_appeal_reverses_expired_interim_decision_for_good() -> None:
    """The interim decision has expired, and would be in force again once the order is final."""
    world = World()
    head = OrderHead("Ministry", "IN", "s. 69A", "No. 1", 1, 2, 3, False)
    orders = world.orders
    order = await begin_review(orders, head, accounts(1))
    await orders.rule(order, Selection(), "withheld", actor="lee", reason="r")
    legal_order = await orders.step(order, "interim", actor="lee", reason="r", end=End(world.now_ms + 5))
    filed = await world.reviews.appeal(
        order_restrictions(legal_order, world.now_ms)[0].reference, actor="clerk", reason="satire"
    )
    world.now_ms += 10
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert isinstance(done.effect, OrderRuling) and done.ended == ""
    await orders.step(order, "final", actor="lee", reason="r")
    assert held(world) == set()


@pytest.mark.parametrize(("word", "reversed_"), [("uphold", 0), ("overturn", 1)])
async def test_appeal_ends_after_its_decision_left_the_topic(word: Verdict, reversed_: int) -> None:
    """Days later the topic no longer holds the decision; a restarted service sees a later one."""
    world = World(decision(ruling("suppress")))
    await world.reviews.refresh()
    [reference] = world.reviews.automated.restrictions
    filed = await world.reviews.appeal(reference, actor="clerk", reason="it is a film")
    assert (filed.number, filed.deciders) == (None, ("hushtag",))
    world.now_ms += 4 * 24 * HOUR_MS
    later = decision(ruling("suppress", since_ms=world.now_ms, expires_at_ms=world.now_ms + HOUR_MS), number=2)
    for decisions, others in (((), ""), ((later,), "; hushtag-[0-9a-f]{24}, a separate decision, restricts it now")):
        restarted = World(*decisions, log=world.log, clock=world.moderation.host_ms)
        filed = filed if not others else await refiled(world, filed)
        done = await restarted.reviews.end_appeal(filed.id, word, actor="ann", reason="seen")
        assert done.effect is None
        assert re.fullmatch(f"the decision has ended, or is no longer kept{others}", done.ended)
    await world.reviews.refresh()
    assert appeals_counted(world) == (2, 2 * reversed_)


async def refiled(world: World, filed: Appeal) -> Appeal:
    again = msgspec.structs.replace(filed, id=f"{filed.id}-again")
    world.log.send([encode_appeal(again)])
    return again


async def test_appeal_against_expired_block_reports_it() -> None:
    world = World()
    [written] = await world.moderation.override(
        [OverrideDraft(tag_of("tag"), "block", "*", ("trends",), "ann", "r", HOUR_MS)]
    )
    assert isinstance(written.record, Override)
    one = override_restriction(written.record)
    assert one is not None
    filed = await world.reviews.appeal(one.reference, actor="clerk", reason="no")
    world.now_ms = HOUR_MS
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert (done.effect, done.ended) == (None, "the block has expired or was undone")


@pytest.mark.parametrize(("others", "words"), [(4, ": this one also stands for 4 more in its language"), (0, "")])
def test_case_of_a_language_says_what_it_stands_for(others: int, words: str) -> None:
    unread = unread_ruling()
    cap = DecisionReason("unread_per_hour", others, 3)
    [item] = items_of(decision(msgspec.structs.replace(unread, reasons=(*unread.reasons, cap))), share=0.0, secret=b"s")
    assert item.cause.endswith(
        f"the policy asks for 50%; the limit of 3 such cases an hour in a shard is reached (unread_per_hour){words}"
    )
