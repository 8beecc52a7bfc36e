"""Tests of the review queue, appeals and reviewer agreement."""

from __future__ import annotations

import doctest
import json
import random
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.drafts import OverrideDraft
from moderation.errors import NoSuchCase, StaleReview
from moderation.orders.intake_plan import OrderDraft, OrderHead
from moderation.orders.selection import Selection
from moderation.orders.service import OrderService
from moderation.review import agreement as agreement_module
from moderation.review import items as items_module
from moderation.review.agreement import agreement, false_positives
from moderation.review.fold import AppealStatus, ReviewFold
from moderation.review.items import items_of
from moderation.review.records import (
    Appeal,
    AppealOutcome,
    ReviewClaim,
    ReviewRecord,
    ReviewRelease,
    ReviewVerdict,
    Verdict,
    decode_review,
    encode_review,
)
from moderation.review.service import CLAIM_MS, ReviewService
from moderation.review.view import appeal_as_dict, item_as_dict, quality_as_dict, quality_of, result_as_dict
from moderation.speakers import registry
from moderation.statements.collect import order_restrictions, override_restriction
from streams.errors import CallerMistake, ContractError
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, ScopeDecision, version_of
from streams.log.moderation import OtherRecord, Override, Undo, encode_moderation
from streams.naming import tag_of
from streams.orders.cases import Case
from streams.orders.records import OrderRuling, Outcome, Target
from tests.support.in_memory_log import FixedDecisions, InMemoryLog, in_memory_service

HOUR_MS = 3_600_000
EVIDENCE = Evidence(window_ms=1, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7, sampled=("17",),
                    established=2)  # fmt: skip
ITEM = "hushtag-" + "0" * 24


def ruling(action: Action, surface: str = "trends", **changes: Any) -> ScopeDecision:
    fields: dict[str, Any] = {
        "category": "abuse", "surface": surface, "action": action, "since_ms": 1, "expires_at_ms": HOUR_MS,
        "evidence": EVIDENCE,
    }  # fmt: skip
    return ScopeDecision(**fields | changes)


def decision(*rulings: ScopeDecision, tag: str = "tag", provisional: bool = False, number: int = 1) -> Decision:
    return Decision(
        hashtag=tag, display="Tag", country="IN", rulings=rulings, version=version_of(number, 1), tick_ms=1,
        settled_ms=1, decided_at_ms=1, policy_revision="p", model_revision="m", provisional=provisional,
    )  # fmt: skip


class ReviewHarness:
    """Both services on one log in memory, with a clock that the test sets."""

    def __init__(self, *decisions: Decision, share: float = 1.0) -> None:
        self.log = InMemoryLog()
        self.now_ms = 100
        self.service = in_memory_service(self.log, lambda: self.now_ms)
        follower = FixedDecisions(decisions, share=share, secret=b"s")
        self.reviews = ReviewService(self.service, follower, clock=lambda: self.now_ms)

    async def item(self, kind: str) -> str:
        return next(item.id for item, _ in await self.reviews.queue() if item.kind == kind)

    async def review(self, item: str, actor: str, verdict: Verdict) -> Any:
        await self.reviews.claim(item, actor=actor)
        return await self.reviews.decide(item, verdict, actor=actor, reason="seen")


# --- the queue ---------------------------------------------------------------------------------------------------


def test_items_of_decision() -> None:
    decided = decision(ruling("hold"), ruling("hold", "search"), ruling("review"), ruling("suppress"), ruling("shadow"))
    found = items_of(decided, share=1.0, secret=b"s")
    assert [(item.kind, item.surfaces) for item in found] == [
        ("hold", ("search", "trends")), ("second_look", ("trends",)), ("review", ("trends",)),
    ]  # fmt: skip
    assert len({item.id for item in found}) == 3
    assert [item.kind for item in items_of(decided, share=0.0, secret=b"s")] == ["hold", "review"]
    assert items_of(decision(ruling("hold"), provisional=True), share=1.0, secret=b"s") == []


def test_contested_hashtag_is_an_item() -> None:
    [item] = items_of(decision(ruling("discount", weight=0.34)), share=1.0, secret=b"s")
    assert (item.kind, item.looks) == ("contested", 1)
    assert item.as_dict()["cause"] == "contested: 25% of its authors are established, others write harm"


@pytest.mark.parametrize(
    ("valve", "value", "limit", "cause"),
    [
        ("innocent_past", 340, 100, "innocent past: 340 established authors used it before without harm"),
        ("new_suppressions_per_hour", 20, 20, "new suppressions per hour: 20, the limit is 20"),
        ("", 0, 0, ""),
    ],
)
def test_review_has_its_cause(valve: str, value: float, limit: float, cause: str) -> None:
    reasons = (DecisionReason("harmful_share_lower", 0.5, 0.4), DecisionReason(valve or "young", value, limit))
    [item] = items_of(decision(ruling("review", valve=valve, reasons=reasons)), share=1.0, secret=b"s")
    assert (item.kind, item.cause, item.as_dict()["cause"]) == ("review", cause, cause)


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
    [item] = FixedDecisions(renewals, share=1.0, secret=b"s").fold.items.values()
    assert item.ends_ms == 4 * HOUR_MS


def test_second_look_hides_numbers_and_verdicts() -> None:
    [item] = items_of(decision(ruling("suppress")), share=1.0, secret=b"s")
    fold = ReviewFold()
    for record in (claim("ann"), verdict("ann", "overturn", second_look=True)):
        fold.apply(record, 0)
    result = item_as_dict(item, fold.progress(ITEM), 0)
    assert result["tweets"] == ["17"] and result["wanted"] == 1
    assert not {"evidence", "category", "surfaces", "verdicts", "share"} & set(result)


# --- the fold ----------------------------------------------------------------------------------------------------


def claim(actor: str, at_ms: int = 0, until_ms: int = 10) -> ReviewClaim:
    return ReviewClaim(id="c", case=ITEM, actor=actor, at_ms=at_ms, until_ms=until_ms)


def release(actor: str, at_ms: int = 0) -> ReviewRelease:
    return ReviewRelease(id="r", case=ITEM, actor=actor, at_ms=at_ms)


def verdict(actor: str, word: Verdict = "uphold", at_ms: int = 0, second_look: bool = False) -> ReviewVerdict:
    return ReviewVerdict(
        id="v", case=ITEM, hashtag="tag", second_look=second_look, verdict=word, actor=actor, reason="r", at_ms=at_ms
    )


@pytest.mark.parametrize(
    ("records", "refused"),
    [
        ([claim("ann"), verdict("ann")], {}),
        ([verdict("ann")], {0: "ann does not hold the claim"}),
        ([claim("ann"), claim("ben")], {1: "ann holds the claim"}),
        ([claim("ann"), claim("ann", 5, 20), verdict("ann", at_ms=15)], {}),
        ([claim("ann"), claim("ben", 10, 20), verdict("ann", at_ms=11)], {2: "ben holds the claim"}),
        ([claim("ann"), verdict("ann", at_ms=10)], {1: "ann does not hold the claim"}),
        ([claim("ann"), verdict("ben")], {1: "ann holds the claim"}),
        ([claim("ann"), release("ann"), claim("ben"), verdict("ben")], {}),
        ([claim("ann"), release("ben")], {1: "ann holds the claim"}),
        ([claim("ann"), verdict("ann"), claim("ben"), verdict("ben")], {3: "ann has already given a verdict"}),
        ([claim("ann"), verdict("ann"), claim("ann")], {2: "ann has already given a verdict"}),
        ([claim("ann"), verdict("ann", second_look=True), claim("ben"), verdict("ben", second_look=True)], {}),
    ],
)
def test_fold_refuses_records_without_claim(records: Sequence[ReviewRecord], refused: dict[int, str]) -> None:
    fold = ReviewFold()
    for offset, record in enumerate(records):
        fold.apply(record, offset)
    assert fold.refused == refused


@given(st.lists(st.tuples(st.sampled_from(["claim", "release", "verdict"]), st.sampled_from("abc"), st.integers(1, 9))))
def test_fold_matches_simple_model_of_claims(acts: list[tuple[str, str, int]]) -> None:
    """Reference model: a holder, an expiry and a list of reviewers."""
    fold, at_ms = ReviewFold(), 0
    holder, until_ms, decided = "", 0, list[str]()
    for offset, (act, actor, after) in enumerate(acts):
        at_ms += after
        held_by = holder if at_ms < until_ms else ""
        if act == "claim":
            fold.apply(claim(actor, at_ms, at_ms + 10), offset)
            if held_by in ("", actor) and actor not in decided:
                holder, until_ms = actor, at_ms + 10
        elif act == "release":
            fold.apply(release(actor, at_ms), offset)
            holder = "" if held_by == actor else holder
        else:
            fold.apply(verdict(actor, at_ms=at_ms, second_look=True), offset)
            if held_by == actor and len(decided) < 2:
                decided.append(actor)
                holder = ""
    assert [one.actor for one in fold.progress(ITEM).verdicts] == decided
    assert len(set(decided)) == len(decided)


@pytest.mark.parametrize("record", [claim("ann"), release("ann"), verdict("ann")])
def test_codec_round_trip(record: ReviewRecord) -> None:
    value, key = encode_review(record)
    assert decode_review(OtherRecord(value.decode().split('"')[3], key, value)) == record
    with pytest.raises(ContractError, match="bad_key"):
        decode_review(OtherRecord("review_claim", b"k", value))
    with pytest.raises(ContractError, match="bad_record"):
        decode_review(OtherRecord("review_claim", key, b'{"kind":"review_claim"}'))
    assert decode_review(OtherRecord("order_note", b"k", b"")) is None


# --- the service ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "action"), [("uphold", "block"), ("overturn", "allow")])
@pytest.mark.parametrize("kind", ["hold", "review"])
async def test_verdict_on_hold_takes_effect(kind: Any, word: Verdict, action: str) -> None:
    harness = ReviewHarness(decision(ruling(kind)))
    item = await harness.item(kind)
    done = await harness.review(item, "ann", word)
    assert isinstance(done.effect, Override)
    assert (done.effect.action, done.effect.country, done.effect.surfaces) == (action, "IN", ("trends",))
    assert harness.service.view.statuses(harness.now_ms)[0].state == "in force"
    assert await harness.reviews.queue() == []
    with pytest.raises(StaleReview, match="it is already decided"):
        await harness.reviews.claim(item, actor="ben")


@pytest.mark.parametrize(("word", "action"), [("uphold", None), ("overturn", "allow")])
async def test_verdict_on_contested_hashtag_never_hides_it(word: Verdict, action: str | None) -> None:
    harness = ReviewHarness(decision(ruling("discount", weight=0.34)))
    done = await harness.review(await harness.item("contested"), "ann", word)
    assert (done.effect.action if done.effect else None) == action
    assert await harness.reviews.queue() == []


async def test_queue_has_holds_first_and_second_looks_last() -> None:
    kinds: list[Action] = ["suppress", "discount", "review", "hold"]
    harness = ReviewHarness(*(decision(ruling(kind), tag=kind) for kind in kinds))
    assert [item.kind for item, _ in await harness.reviews.queue()] == ["hold", "review", "contested", "second_look"]


async def test_verdict_reports_effect_that_came_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process decides on the hashtag between the read and the write."""
    harness = ReviewHarness(decision(ruling("hold")))
    item = await harness.item("hold")
    await harness.reviews.claim(item, actor="ann")
    send = InMemoryLog.send

    def send_late(self: InMemoryLog, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        monkeypatch.setattr(InMemoryLog, "send", send)
        draft = OverrideDraft(tag_of("tag"), "allow", "IN", ("trends",), "ben", "first", HOUR_MS)
        send(self, [encode_moderation(in_memory_service(InMemoryLog(), lambda: harness.now_ms).record_of(draft))])
        return send(self, records)

    monkeypatch.setattr(InMemoryLog, "send", send_late)
    with pytest.raises(StaleReview, match="at the same moment"):
        await harness.reviews.decide(item, "uphold", actor="ann", reason="seen")
    assert [s.record.action for s in harness.service.view.statuses(harness.now_ms) if s.state == "in force"] == [
        "allow"
    ]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "effects"),
    [
        (("overturn", "overturn"), [False, True]), (("overturn", "uphold"), [False, False]),
        (("uphold", "uphold"), [False, False]),
    ],
)  # fmt: skip
async def test_sampled_suppression_is_lifted_after_all_overturn(words: Sequence[Verdict], effects: list[bool]) -> None:
    harness = ReviewHarness(decision(ruling("suppress")))
    item = await harness.item("second_look")
    done = [await harness.review(item, actor, word) for actor, word in zip(("ann", "ben"), words, strict=True)]
    assert [one.effect is not None for one in done] == effects
    assert quality_as_dict(harness.reviews.fold)["looked_at"] == 1


async def test_queue_drops_lapsed_hold_but_keeps_second_look() -> None:
    harness = ReviewHarness(decision(ruling("hold"), ruling("suppress", "search")))
    harness.now_ms = HOUR_MS
    assert [item.kind for item, _ in await harness.reviews.queue()] == ["second_look"]


async def test_claim_excludes_others_until_it_expires() -> None:
    harness = ReviewHarness(decision(ruling("suppress")))
    item = await harness.item("second_look")
    await harness.reviews.claim(item, actor="ann")
    lines = len(harness.log.records)
    for call in (harness.reviews.claim(item, actor="ben"), harness.reviews.release(item, actor="ben")):
        with pytest.raises(StaleReview, match="ann holds the claim"):
            await call
    with pytest.raises(StaleReview, match="ann holds the claim"):
        await harness.reviews.decide(item, "uphold", actor="ben", reason="r")
    assert len(harness.log.records) == lines
    harness.now_ms += CLAIM_MS
    await harness.reviews.claim(item, actor="ben")
    with pytest.raises(StaleReview, match="ben holds the claim"):
        await harness.reviews.decide(item, "uphold", actor="ann", reason="r")
    with pytest.raises(NoSuchCase):
        await harness.reviews.claim(ITEM, actor="ann")


async def test_overturned_appeal_allows_automated_suppression() -> None:
    harness = ReviewHarness(decision(ruling("suppress"), ruling("suppress", "search")))
    await harness.reviews.refresh()
    [reference] = harness.reviews.automated.restrictions
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="it is a film")
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert isinstance(done.effect, Override) and done.effect.action == "allow"
    assert (done.effect.surfaces, done.also_lifts) == (("search", "trends"), ())
    with pytest.raises(StaleReview, match="ann has already decided the appeal"):
        await harness.reviews.end_appeal(filed.id, "uphold", actor="ben", reason="r")


async def test_overturned_appeal_reports_other_lifted_restrictions() -> None:
    """The hashtag is suppressed for two categories; the appeal contests one."""
    other = ruling("suppress", category="hateful_conduct")
    elsewhere = ruling("suppress", "search", category="gendered_abuse")
    harness = ReviewHarness(decision(ruling("suppress"), other, elsewhere))
    await harness.reviews.refresh()
    by_category = {one.category: reference for reference, one in harness.reviews.automated.restrictions.items()}
    filed = await harness.reviews.appeal(by_category["abuse"], actor="clerk", reason="it is a film")
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert done.also_lifts == (by_category["hateful_conduct"],)


async def test_overturned_appeal_undoes_override_still_in_force() -> None:
    harness = ReviewHarness()
    draft = OverrideDraft(tag_of("tag"), "block", "*", ("search", "trends"), "ann", "r", HOUR_MS)
    [written] = await harness.service.override([draft])
    assert isinstance(written.record, Override)
    later = OverrideDraft(tag_of("tag"), "allow", "*", ("search",), "ben", "r", HOUR_MS)
    await harness.service.override([later])
    one = override_restriction(written.record)
    assert one is not None
    filed = await harness.reviews.appeal(one.reference, actor="clerk", reason="no")
    for name in ("ann", " Ann", "ann\u200b"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await harness.reviews.end_appeal(filed.id, "overturn", actor=name, reason="r")
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="right")
    assert isinstance(done.effect, Undo) and done.effect.undoes == (written.record.id,)
    assert [s.state for s in harness.service.view.statuses(harness.now_ms) if s.record.id == written.record.id] == [
        "undone"
    ]


async def withheld(
    harness: ReviewHarness, *numbers: int, outcome: Outcome = "withheld", confidential: bool = False
) -> tuple[Case, str]:
    """Put an order on accounts in force; return it with the reference of its first restriction."""
    head = OrderHead("Ministry", "IN", "s. 69A", f"No. {len(harness.log.records)}", 1, 2, 3, confidential)
    orders = OrderService(harness.service, clock=lambda: harness.now_ms)
    targets = {("account", str(n)): Target("account", str(n)) for n in numbers}
    [plan] = await orders.take_in([OrderDraft(head, targets)], actor="intake")
    for state in ("acknowledged", "under_review"):
        await orders.step(plan.head.id, state, actor="lee", reason="r")  # type: ignore[arg-type]
    await orders.rule(plan.head.id, Selection(), outcome, actor="lee", reason="r")
    case = await orders.step(plan.head.id, "final", actor="lee", reason="r")
    return case, order_restrictions(case, harness.now_ms)[0].reference


def held(harness: ReviewHarness) -> set[tuple[str, str]]:
    return {(r.hashtag, r.country) for r in harness.service.view.fold.registers() if r.action == "suppress"}


@pytest.mark.parametrize("outcome", ["withheld", "suspended"])
async def test_overturned_appeal_declines_only_its_order_target(outcome: Outcome) -> None:
    """Two accounts are on one order, and one of them also on another."""
    harness = ReviewHarness()
    first, reference = await withheld(harness, 1, 2, outcome=outcome)
    second, other = await withheld(harness, 1)
    where = "*" if outcome == "suspended" else "IN"
    assert held(harness) == {("1", where), ("2", where), ("1", "IN")}
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="it is satire")
    assert filed.order == first.id
    for name in ("lee", "LEE"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await harness.reviews.end_appeal(filed.id, "overturn", actor=name, reason="r")
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is satire")
    assert isinstance(done.effect, OrderRuling)
    assert result_as_dict(done)["effect"] == {"action": "declined", "order": first.id, "target": 1}
    assert held(harness) == {("2", where), ("1", "IN")}, "the other order still withholds account 1"
    ruling_now = first.rows[0].ruling
    assert ruling_now is not None and (ruling_now.outcome, ruling_now.reason) == ("declined", "it is satire")
    again = await harness.reviews.appeal(other, actor="clerk", reason="it is satire")
    await harness.reviews.end_appeal(again.id, "overturn", actor="ben", reason="r")
    assert held(harness) == {("2", where)}
    assert quality_of(harness.service.view, 0, harness.now_ms + 1).appeals_reversed == 2
    assert second.state == "final"
    with pytest.raises(NoSuchCase):
        await harness.reviews.appeal(other, actor="clerk", reason="r")


async def test_appeal_of_protected_speaker_declines_as_protected_speech() -> None:
    harness = ReviewHarness()
    case, reference = await withheld(harness, 1, confidential=True)
    orders = OrderService(harness.service, clock=lambda: harness.now_ms)
    entry = registry.parse(b"account,category\n1,journalist\n", "r.csv").entries
    await orders.change_registry(lambda cases: registry.plan_import(entry, cases.speakers), actor="ann", reason="r")
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="a journalist")
    result = appeal_as_dict(AppealStatus(filed))
    assert filed.deciders == ("lee",) and "lee" not in json.dumps(result) and "number" not in result
    assert result["against_order"] is True and case.id not in json.dumps(result)
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert isinstance(done.effect, OrderRuling) and done.effect.ground == "protected_speech"
    assert held(harness) == set()


async def test_quality_counts_results_of_its_period() -> None:
    harness = ReviewHarness(decision(ruling("suppress")))
    item = await harness.item("second_look")
    await harness.review(item, "ann", "overturn")
    harness.now_ms = 200
    await harness.review(item, "ben", "overturn")
    [reference] = harness.reviews.automated.restrictions
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="no")
    await harness.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="yes")
    result = quality_of(harness.service.view, 200, 201)
    assert (result.looked_at, result.overturned, result.pairs, result.appeals, result.appeals_reversed) == (
        1,
        1,
        1,
        1,
        1,
    )
    earlier = quality_of(harness.service.view, 0, 200)
    assert (earlier.looked_at, earlier.appeals) == (0, 0)


async def test_upheld_appeal_changes_nothing() -> None:
    harness = ReviewHarness(decision(ruling("suppress")))
    await harness.reviews.refresh()
    [reference] = harness.reviews.automated.restrictions
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="no")
    done = await harness.reviews.end_appeal(filed.id, "uphold", actor="ann", reason="seen")
    assert isinstance(done.record, AppealOutcome) and done.effect is None
    with pytest.raises(NoSuchCase):
        await harness.reviews.appeal(ITEM, actor="clerk", reason="no")
    with pytest.raises(NoSuchCase):
        await harness.reviews.end_appeal("nothing", "uphold", actor="ann", reason="r")


# --- appeals that outlive the contested record -------------------------------------------------------------------


def appeals_counted(harness: ReviewHarness) -> tuple[int, int]:
    result = quality_of(harness.service.view, 0, harness.now_ms + 1)
    return result.appeals, result.appeals_reversed


async def ruled(harness: ReviewHarness, case: Case, number: int, outcome: Outcome, actor: str) -> None:
    harness.now_ms += 10
    orders = OrderService(harness.service, clock=lambda: harness.now_ms)
    await orders.rule(case.id, Selection(targets=(str(number),)), outcome, actor=actor, reason="better words")


@pytest.mark.parametrize(("word", "reversed_"), [("uphold", 0), ("overturn", 1)])
async def test_appeal_ends_after_its_order_is_revoked(word: Verdict, reversed_: int) -> None:
    harness = ReviewHarness()
    case, reference = await withheld(harness, 1, 2)
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="it is satire")
    assert (filed.number, filed.deciders) == (0, ("lee",))
    await OrderService(harness.service, clock=lambda: harness.now_ms).step(
        case.id, "revoked", actor="max", reason="by the court"
    )
    with pytest.raises(CallerMistake, match="took the decision"):
        await harness.reviews.end_appeal(filed.id, word, actor="Lee", reason="r")
    done = await harness.reviews.end_appeal(filed.id, word, actor="max", reason="r")
    assert (done.effect, done.also_lifts, done.ended) == (None, (), "the order is revoked")
    assert result_as_dict(done)["ended"] == done.ended
    assert appeals_counted(harness) == (1, reversed_)
    with pytest.raises(StaleReview, match="max has already decided the appeal"):
        await harness.reviews.end_appeal(filed.id, word, actor="ben", reason="r")


@pytest.mark.parametrize("again", ["withheld", "suspended"])
async def test_appeal_reverses_present_restriction_of_its_target(again: Outcome) -> None:
    """A second ruling on the same target replaces the contested restriction."""
    harness = ReviewHarness()
    case, reference = await withheld(harness, 1, 2)
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="it is satire")
    await ruled(harness, case, 1, again, "max")
    assert order_restrictions(case, harness.now_ms)[0].reference != reference
    for actor in ("lee", "max"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await harness.reviews.end_appeal(filed.id, "uphold", actor=actor, reason="r")
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is satire")
    assert result_as_dict(done)["effect"] == {"action": "declined", "order": case.id, "target": 1}
    assert (done.ended, held(harness), appeals_counted(harness)) == ("", {("2", "IN")}, (1, 1))


async def test_appeal_ends_after_its_target_is_declined() -> None:
    harness = ReviewHarness()
    case, reference = await withheld(harness, 1)
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="it is satire")
    await ruled(harness, case, 1, "declined", "max")
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="max", reason="r")
    assert (done.effect, done.ended, held(harness)) == (None, "the target is now declined", set())


async def test_appeal_reverses_expired_interim_decision_for_good() -> None:
    """The interim decision has expired, and would be in force again once the order is final."""
    harness = ReviewHarness()
    head = OrderHead("Ministry", "IN", "s. 69A", "No. 1", 1, 2, 3, False)
    orders = OrderService(harness.service, clock=lambda: harness.now_ms)
    [plan] = await orders.take_in([OrderDraft(head, {("account", "1"): Target("account", "1")})], actor="intake")
    for state in ("acknowledged", "under_review"):
        await orders.step(plan.head.id, state, actor="lee", reason="r")  # type: ignore[arg-type]
    await orders.rule(plan.head.id, Selection(), "withheld", actor="lee", reason="r")
    case = await orders.step(plan.head.id, "interim", actor="lee", reason="r", expires_at_ms=harness.now_ms + 5)
    filed = await harness.reviews.appeal(
        order_restrictions(case, harness.now_ms)[0].reference, actor="clerk", reason="satire"
    )
    harness.now_ms += 10
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert isinstance(done.effect, OrderRuling) and done.ended == ""
    await orders.step(plan.head.id, "final", actor="lee", reason="r")
    assert held(harness) == set()


@pytest.mark.parametrize(("word", "reversed_"), [("uphold", 0), ("overturn", 1)])
async def test_appeal_ends_after_its_decision_left_the_topic(word: Verdict, reversed_: int) -> None:
    """Days later the topic no longer holds the decision; a restarted service sees a later one."""
    harness = ReviewHarness(decision(ruling("suppress")))
    await harness.reviews.refresh()
    [reference] = harness.reviews.automated.restrictions
    filed = await harness.reviews.appeal(reference, actor="clerk", reason="it is a film")
    assert (filed.number, filed.deciders) == (None, ("hushtag",))
    harness.now_ms += 4 * 24 * HOUR_MS
    later = decision(ruling("suppress", since_ms=harness.now_ms, expires_at_ms=harness.now_ms + HOUR_MS), number=2)
    for decisions, others in (((), ""), ((later,), "; hushtag-[0-9a-f]{24}, a separate decision, restricts it now")):
        service, follower = in_memory_service(harness.log), FixedDecisions(decisions)
        restarted = ReviewService(service, follower, clock=lambda: harness.now_ms)
        filed = filed if not others else await refiled(harness, filed)
        done = await restarted.end_appeal(filed.id, word, actor="ann", reason="seen")
        assert done.effect is None
        assert re.fullmatch(f"the decision has ended, or is no longer kept{others}", done.ended)
    await harness.reviews.refresh()
    assert appeals_counted(harness) == (2, 2 * reversed_)


async def refiled(harness: ReviewHarness, filed: Appeal) -> Appeal:
    again = msgspec.structs.replace(filed, id=f"{filed.id}-again")
    harness.log.send([encode_review(again)])
    return again


async def test_appeal_against_expired_block_reports_it() -> None:
    harness = ReviewHarness()
    [written] = await harness.service.override(
        [OverrideDraft(tag_of("tag"), "block", "*", ("trends",), "ann", "r", HOUR_MS)]
    )
    assert isinstance(written.record, Override)
    one = override_restriction(written.record)
    assert one is not None
    filed = await harness.reviews.appeal(one.reference, actor="clerk", reason="no")
    harness.now_ms = HOUR_MS
    done = await harness.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert (done.effect, done.ended) == (None, "the block has expired or was undone")


# --- agreement ---------------------------------------------------------------------------------------------------

verdict_words = st.sampled_from(["uphold", "overturn"])


@given(st.lists(st.lists(verdict_words, max_size=3), max_size=30))
def test_kappa_matches_formula(verdicts: list[list[Verdict]]) -> None:
    """Reference: (p_o − p_e) / (1 − p_e)."""
    pairs = [given[:2] for given in verdicts if len(given) >= 2]
    result = agreement(verdicts)
    assert result.pairs == len(pairs)
    if not pairs:
        assert (result.observed, result.kappa) == (None, None)
        return
    observed = sum(a == b for a, b in pairs) / len(pairs)
    first = sum(a == "uphold" for a, _ in pairs) / len(pairs)
    second = sum(b == "uphold" for _, b in pairs) / len(pairs)
    chance = first * second + (1 - first) * (1 - second)
    assert result.observed == observed
    if chance == 1:
        assert result.kappa is None
    else:
        assert result.kappa == pytest.approx((observed - chance) / (1 - chance), abs=1e-5)


def test_agreement_doctest() -> None:
    assert doctest.testmod(agreement_module).failed == 0


def test_false_positives_need_all_verdicts() -> None:
    given: list[list[Verdict]] = [["overturn", "overturn"], ["overturn", "uphold"], ["uphold", "uphold"], ["overturn"]]
    result = false_positives(given, looks=2)
    assert (result.looked_at, result.overturned, result.disputed, result.rate) == (3, 1, 1, pytest.approx(1 / 3))
    assert false_positives([], looks=2).rate is None
