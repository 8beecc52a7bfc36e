"""Reviews and appeals: who may decide on what, what it leads to, and how well people agree."""

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

from moderation import speakers
from moderation.drafts import Draft, tag_of
from moderation.orders.desk import OrdersDesk
from moderation.orders.model import Head, OrderDraft
from moderation.orders.select import Selection
from moderation.review import agreement as agreement_module
from moderation.review import items as items_module
from moderation.review.agreement import agreement, false_positives
from moderation.review.book import Appealed, Book
from moderation.review.desk import CLAIM_MS, ReviewDesk
from moderation.review.errors import NoSuchCase, StaleReview
from moderation.review.items import items_among, items_of
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
from moderation.review.view import appeal_as_dict, done_as_dict, item_as_dict, quality_as_dict, quality_of
from moderation.statements.orders import restrictions_of
from moderation.statements.restriction import of_override
from streams.errors import CallerMistake, ContractError
from streams.log.decisions import Action, Decision, Evidence, Ruling, version_of
from streams.log.moderation import OtherRecord, Override, Undo, encode_moderation
from streams.orders.fold import Case
from streams.orders.records import OrderRuling, Outcome, Target
from tests.support.in_memory_log import Paper, PaperFollower, paper_desk

HOUR_MS = 3_600_000
EVIDENCE = Evidence(window_ms=1, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7, sampled=("17",))
ITEM = "hushtag-" + "0" * 24


def ruling(action: Action, surface: str = "trends", **changes: Any) -> Ruling:
    fields: dict[str, Any] = {
        "category": "abuse", "surface": surface, "action": action, "since_ms": 1, "expires_at_ms": HOUR_MS,
        "evidence": EVIDENCE,
    }  # fmt: skip
    return Ruling(**fields | changes)


def decision(*rulings: Ruling, tag: str = "tag", provisional: bool = False, number: int = 1) -> Decision:
    return Decision(
        hashtag=tag, display="Tag", country="IN", rulings=rulings, version=version_of(number, 1), tick_ms=1,
        settled_ms=1, decided_at_ms=1, policy_revision="p", model_revision="m", provisional=provisional,
    )  # fmt: skip


class Desk:
    """Two desks' worth of people on one log, at a time that the test sets."""

    def __init__(self, *decisions: Decision, share: float = 1.0) -> None:
        self.paper = Paper()
        self.now_ms = 100
        self.desk = paper_desk(self.paper, lambda: self.now_ms)
        follower = PaperFollower(decisions, share=share, secret=b"s")
        self.reviews = ReviewDesk(self.desk, follower, clock=lambda: self.now_ms)

    async def item(self, kind: str) -> str:
        return next(item.id for item, _ in await self.reviews.queue() if item.kind == kind)

    async def looked(self, item: str, actor: str, verdict: Verdict) -> Any:
        await self.reviews.claim(item, actor=actor)
        return await self.reviews.decide(item, verdict, actor=actor, reason="seen")


# --- the queue ---------------------------------------------------------------------------------------------------


def test_what_there_is_to_look_at() -> None:
    said = decision(ruling("hold"), ruling("hold", "search"), ruling("review"), ruling("suppress"), ruling("shadow"))
    found = items_of(said, share=1.0, secret=b"s")
    assert [(item.kind, item.surfaces) for item in found] == [
        ("hold", ("search", "trends")), ("second_look", ("trends",)), ("review", ("trends",)),
    ]  # fmt: skip
    assert len({item.id for item in found}) == 3
    assert [item.kind for item in items_of(said, share=0.0, secret=b"s")] == ["hold", "review"]
    assert items_of(decision(ruling("hold"), provisional=True), share=1.0, secret=b"s") == []


@given(st.floats(0, 1), st.floats(0, 1), st.binary(max_size=8), st.integers(0, 99))
def test_a_larger_share_keeps_the_smaller_sample(share: float, other: float, secret: bytes, number: int) -> None:
    reference = f"hushtag-{number}"
    small, large = sorted((share, other))
    assert items_module.is_sampled(reference, small, secret) <= items_module.is_sampled(reference, large, secret)


def test_the_sample_is_what_its_share_says_and_a_secret_makes_it_another() -> None:
    assert doctest.testmod(items_module).failed == 0
    references = [f"hushtag-{n}" for n in range(5_000)]
    one, two = ({r for r in references if items_module.is_sampled(r, 0.1, s)} for s in (b"one", b"two"))
    assert 400 < len(one) < 600
    assert len(one & two) < 100


@given(st.randoms(use_true_random=False))
def test_renewals_in_any_order_make_one_item(dice: random.Random) -> None:
    said = [decision(ruling("hold", expires_at_ms=HOUR_MS * n), number=n) for n in range(1, 5)]
    dice.shuffle(said)
    [item] = items_among(said, share=1.0, secret=b"s").values()
    assert item.ends_ms == 4 * HOUR_MS


def test_a_second_look_is_blind() -> None:
    [item] = items_of(decision(ruling("suppress")), share=1.0, secret=b"s")
    book = Book()
    for record in (claim("ann"), verdict("ann", "overturn", second_look=True)):
        book.apply(record, 0)
    told = item_as_dict(item, book.of(ITEM), 0)
    assert told["tweets"] == ["17"] and told["wanted"] == 1
    assert not {"evidence", "category", "surfaces", "verdicts", "share"} & set(told)


# --- the book ----------------------------------------------------------------------------------------------------


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
        ([verdict("ann")], {0: "ann does not hold it"}),
        ([claim("ann"), claim("ben")], {1: "ann looks at it"}),
        ([claim("ann"), claim("ann", 5, 20), verdict("ann", at_ms=15)], {}),
        ([claim("ann"), claim("ben", 10, 20), verdict("ann", at_ms=11)], {2: "ben looks at it"}),
        ([claim("ann"), verdict("ann", at_ms=10)], {1: "ann does not hold it"}),
        ([claim("ann"), verdict("ben")], {1: "ann looks at it"}),
        ([claim("ann"), release("ann"), claim("ben"), verdict("ben")], {}),
        ([claim("ann"), release("ben")], {1: "ben does not hold it"}),
        ([claim("ann"), verdict("ann"), claim("ben"), verdict("ben")], {3: "ann has decided on it"}),
        ([claim("ann"), verdict("ann"), claim("ann")], {2: "ann has decided on it already"}),
        ([claim("ann"), verdict("ann", second_look=True), claim("ben"), verdict("ben", second_look=True)], {}),
    ],
)
def test_what_counts(records: Sequence[ReviewRecord], refused: dict[int, str]) -> None:
    book = Book()
    for offset, record in enumerate(records):
        book.apply(record, offset)
    assert book.refused == refused


@given(st.lists(st.tuples(st.sampled_from(["claim", "release", "verdict"]), st.sampled_from("abc"), st.integers(1, 9))))
def test_nobody_decides_on_what_another_holds_nor_twice(acts: list[tuple[str, str, int]]) -> None:
    """Against the obvious way: a holder, an end, a list of who has decided."""
    book, at_ms = Book(), 0
    holder, until_ms, decided = "", 0, list[str]()
    for offset, (act, actor, after) in enumerate(acts):
        at_ms += after
        held_by = holder if at_ms < until_ms else ""
        if act == "claim":
            book.apply(claim(actor, at_ms, at_ms + 10), offset)
            if held_by in ("", actor) and actor not in decided:
                holder, until_ms = actor, at_ms + 10
        elif act == "release":
            book.apply(release(actor, at_ms), offset)
            holder = "" if held_by == actor else holder
        else:
            book.apply(verdict(actor, at_ms=at_ms, second_look=True), offset)
            if held_by == actor and len(decided) < 2:
                decided.append(actor)
                holder = ""
    assert [one.actor for one in book.of(ITEM).verdicts] == decided
    assert len(set(decided)) == len(decided)


@pytest.mark.parametrize("record", [claim("ann"), release("ann"), verdict("ann")])
def test_a_record_survives_the_topic(record: ReviewRecord) -> None:
    value, key = encode_review(record)
    assert decode_review(OtherRecord(value.decode().split('"')[3], key, value)) == record
    with pytest.raises(ContractError, match="bad_key"):
        decode_review(OtherRecord("review_claim", b"k", value))
    with pytest.raises(ContractError, match="bad_record"):
        decode_review(OtherRecord("review_claim", key, b'{"kind":"review_claim"}'))
    assert decode_review(OtherRecord("order_note", b"k", b"")) is None


# --- at the desk -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "action"), [("uphold", "block"), ("overturn", "allow")])
@pytest.mark.parametrize("kind", ["hold", "review"])
async def test_a_verdict_on_a_hold_takes_effect(kind: Any, word: Verdict, action: str) -> None:
    on = Desk(decision(ruling(kind)))
    item = await on.item(kind)
    done = await on.looked(item, "ann", word)
    assert isinstance(done.effect, Override)
    assert (done.effect.action, done.effect.country, done.effect.surfaces) == (action, "IN", ("trends",))
    assert on.desk.view.standings(on.now_ms)[0].state == "in force"
    assert await on.reviews.queue() == []
    with pytest.raises(StaleReview, match="it is decided"):
        await on.reviews.claim(item, actor="ben")


async def test_a_verdict_whose_effect_came_too_late_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process decides on the hashtag between the look and the write."""
    on = Desk(decision(ruling("hold")))
    item = await on.item("hold")
    await on.reviews.claim(item, actor="ann")
    send = Paper.send

    def send_late(self: Paper, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        monkeypatch.setattr(Paper, "send", send)
        draft = Draft(tag_of("tag"), "allow", "IN", ("trends",), "ben", "first", HOUR_MS)
        send(self, [encode_moderation(paper_desk(Paper(), lambda: on.now_ms).drafted(draft))])
        return send(self, records)

    monkeypatch.setattr(Paper, "send", send_late)
    with pytest.raises(StaleReview, match="at the same moment"):
        await on.reviews.decide(item, "uphold", actor="ann", reason="seen")
    assert [s.record.action for s in on.desk.view.standings(on.now_ms) if s.state == "in force"] == ["allow"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "effects"),
    [
        (("overturn", "overturn"), [False, True]), (("overturn", "uphold"), [False, False]),
        (("uphold", "uphold"), [False, False]),
    ],
)  # fmt: skip
async def test_a_suppression_is_lifted_once_all_say_so(words: Sequence[Verdict], effects: list[bool]) -> None:
    on = Desk(decision(ruling("suppress")))
    item = await on.item("second_look")
    done = [await on.looked(item, actor, word) for actor, word in zip(("ann", "ben"), words, strict=True)]
    assert [one.effect is not None for one in done] == effects
    assert quality_as_dict(on.reviews.book)["looked_at"] == 1


async def test_a_hold_that_has_lapsed_waits_no_more_and_a_second_look_does() -> None:
    on = Desk(decision(ruling("hold"), ruling("suppress", "search")))
    on.now_ms = HOUR_MS
    assert [item.kind for item, _ in await on.reviews.queue()] == ["second_look"]


async def test_a_claim_keeps_others_away_until_it_runs_out() -> None:
    on = Desk(decision(ruling("suppress")))
    item = await on.item("second_look")
    await on.reviews.claim(item, actor="ann")
    lines = len(on.paper.lines)
    for call in (on.reviews.claim(item, actor="ben"), on.reviews.release(item, actor="ben")):
        with pytest.raises(StaleReview, match="ann looks at it"):
            await call
    with pytest.raises(StaleReview, match="ann looks at it"):
        await on.reviews.decide(item, "uphold", actor="ben", reason="r")
    assert len(on.paper.lines) == lines
    on.now_ms += CLAIM_MS
    await on.reviews.claim(item, actor="ben")
    with pytest.raises(StaleReview, match="ben looks at it"):
        await on.reviews.decide(item, "uphold", actor="ann", reason="r")
    with pytest.raises(NoSuchCase):
        await on.reviews.claim(ITEM, actor="ann")


async def test_an_appeal_against_the_pipeline_is_allowed_over() -> None:
    on = Desk(decision(ruling("suppress"), ruling("suppress", "search")))
    await on.reviews.refresh()
    [reference] = on.reviews.automated.restrictions
    filed = await on.reviews.appeal(reference, actor="desk", reason="it is a film")
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert isinstance(done.effect, Override) and done.effect.action == "allow"
    assert (done.effect.surfaces, done.also_lifts) == (("search", "trends"), ())
    with pytest.raises(StaleReview, match="the appeal is decided"):
        await on.reviews.end_appeal(filed.id, "uphold", actor="ben", reason="r")


async def test_what_else_an_allow_lifts_is_told() -> None:
    """A hashtag held back for two things: who judges one of them hears of the other."""
    other = ruling("suppress", category="hateful_conduct")
    elsewhere = ruling("suppress", "search", category="gendered_abuse")
    on = Desk(decision(ruling("suppress"), other, elsewhere))
    await on.reviews.refresh()
    by_category = {one.category: reference for reference, one in on.reviews.automated.restrictions.items()}
    filed = await on.reviews.appeal(by_category["abuse"], actor="desk", reason="it is a film")
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert done.also_lifts == (by_category["hateful_conduct"],)


async def test_an_appeal_against_a_person_undoes_what_still_stands_of_it() -> None:
    on = Desk()
    draft = Draft(tag_of("tag"), "block", "*", ("search", "trends"), "ann", "r", HOUR_MS)
    [written] = await on.desk.override([draft])
    assert isinstance(written.record, Override)
    later = Draft(tag_of("tag"), "allow", "*", ("search",), "ben", "r", HOUR_MS)
    await on.desk.override([later])
    one = of_override(written.record)
    assert one is not None
    filed = await on.reviews.appeal(one.reference, actor="desk", reason="no")
    for name in ("ann", " Ann", "ann\u200b"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await on.reviews.end_appeal(filed.id, "overturn", actor=name, reason="r")
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="right")
    assert isinstance(done.effect, Undo) and done.effect.undoes == (written.record.id,)
    assert [s.state for s in on.desk.view.standings(on.now_ms) if s.record.id == written.record.id] == ["undone"]


async def withheld(
    on: Desk, *numbers: int, outcome: Outcome = "withheld", confidential: bool = False
) -> tuple[Case, str]:
    """An order on accounts, in force; and the reference of its first target's restriction."""
    head = Head("Ministry", "IN", "s. 69A", f"No. {len(on.paper.lines)}", 1, 2, 3, confidential)
    orders = OrdersDesk(on.desk, clock=lambda: on.now_ms)
    targets = {("account", str(n)): Target("account", str(n)) for n in numbers}
    [plan] = await orders.take_in([OrderDraft(head, targets)], actor="intake")
    for state in ("acknowledged", "under_review"):
        await orders.step(plan.head.id, state, actor="lee", reason="r")  # type: ignore[arg-type]
    await orders.rule(plan.head.id, Selection(), outcome, actor="lee", reason="r")
    case = await orders.step(plan.head.id, "final", actor="lee", reason="r")
    return case, restrictions_of(case, on.now_ms)[0].reference


def held(on: Desk) -> set[tuple[str, str]]:
    return {(r.hashtag, r.country) for r in on.desk.view.fold.registers() if r.action == "suppress"}


@pytest.mark.parametrize("outcome", ["withheld", "suspended"])
async def test_an_appeal_against_what_an_order_holds_ends_that_and_nothing_else(outcome: Outcome) -> None:
    """Two accounts of one order, one of them named by another order, too."""
    on = Desk()
    first, reference = await withheld(on, 1, 2, outcome=outcome)
    second, other = await withheld(on, 1)
    where = "*" if outcome == "suspended" else "IN"
    assert held(on) == {("1", where), ("2", where), ("1", "IN")}
    filed = await on.reviews.appeal(reference, actor="desk", reason="it is satire")
    assert filed.order == first.id
    for name in ("lee", "LEE"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await on.reviews.end_appeal(filed.id, "overturn", actor=name, reason="r")
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is satire")
    assert isinstance(done.effect, OrderRuling)
    assert done_as_dict(done)["effect"] == {"action": "declined", "order": first.id, "target": 1}
    assert held(on) == {("2", where), ("1", "IN")}, "the other order's withholding of 1 stands"
    ruling_now = first.rows[0].ruling
    assert ruling_now is not None and (ruling_now.outcome, ruling_now.reason) == ("declined", "it is satire")
    again = await on.reviews.appeal(other, actor="desk", reason="it is satire")
    await on.reviews.end_appeal(again.id, "overturn", actor="ben", reason="r")
    assert held(on) == {("2", where)}
    assert quality_of(on.desk.view, 0, on.now_ms + 1).appeals_reversed == 2
    assert second.state == "final"
    with pytest.raises(NoSuchCase):
        await on.reviews.appeal(other, actor="desk", reason="r")


async def test_an_appeal_of_a_protected_speaker_is_declined_as_protected_speech() -> None:
    on = Desk()
    case, reference = await withheld(on, 1, confidential=True)
    orders = OrdersDesk(on.desk, clock=lambda: on.now_ms)
    entry = speakers.parse(b"account,category\n1,journalist\n", "r.csv").entries
    await orders.change_registry(lambda cases: speakers.plan(entry, cases.speakers), actor="ann", reason="r")
    filed = await on.reviews.appeal(reference, actor="desk", reason="a journalist")
    told = appeal_as_dict(Appealed(filed))
    assert filed.deciders == ("lee",) and "lee" not in json.dumps(told) and "number" not in told
    assert told["against_order"] is True and case.id not in json.dumps(told)
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert isinstance(done.effect, OrderRuling) and done.effect.ground == "protected_speech"
    assert held(on) == set()


async def test_the_report_counts_what_ended_in_its_time() -> None:
    on = Desk(decision(ruling("suppress")))
    item = await on.item("second_look")
    await on.looked(item, "ann", "overturn")
    on.now_ms = 200
    await on.looked(item, "ben", "overturn")
    [reference] = on.reviews.automated.restrictions
    filed = await on.reviews.appeal(reference, actor="desk", reason="no")
    await on.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="yes")
    told = quality_of(on.desk.view, 200, 201)
    assert (told.looked_at, told.overturned, told.pairs, told.appeals, told.appeals_reversed) == (1, 1, 1, 1, 1)
    earlier = quality_of(on.desk.view, 0, 200)
    assert (earlier.looked_at, earlier.appeals) == (0, 0)


async def test_an_appeal_that_is_turned_down_changes_nothing() -> None:
    on = Desk(decision(ruling("suppress")))
    await on.reviews.refresh()
    [reference] = on.reviews.automated.restrictions
    filed = await on.reviews.appeal(reference, actor="desk", reason="no")
    done = await on.reviews.end_appeal(filed.id, "uphold", actor="ann", reason="seen")
    assert isinstance(done.record, AppealOutcome) and done.effect is None
    with pytest.raises(NoSuchCase):
        await on.reviews.appeal(ITEM, actor="desk", reason="no")
    with pytest.raises(NoSuchCase):
        await on.reviews.end_appeal("nothing", "uphold", actor="ann", reason="r")


# --- appeals that outlive what they are against ------------------------------------------------------------------


def appeals_counted(on: Desk) -> tuple[int, int]:
    told = quality_of(on.desk.view, 0, on.now_ms + 1)
    return told.appeals, told.appeals_reversed


def as_of_old(on: Desk, filed: Appeal) -> Appeal:
    """The same appeal as it was written before its record had the target's number and the deciders."""
    old = Appeal(
        id=f"{filed.id}-old", case=filed.case, hashtag=filed.hashtag, order=filed.order, actor=filed.actor,
        reason=filed.reason, at_ms=filed.at_ms,
    )  # fmt: skip
    value, key = encode_review(old)
    bare = {name: said for name, said in json.loads(value).items() if name not in ("number", "deciders")}
    on.paper.send([(json.dumps(bare).encode(), key)])
    return old


async def ruled(on: Desk, case: Case, number: int, outcome: Outcome, actor: str) -> None:
    on.now_ms += 10
    orders = OrdersDesk(on.desk, clock=lambda: on.now_ms)
    await orders.rule(case.id, Selection(targets=(str(number),)), outcome, actor=actor, reason="better words")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(("word", "reversed_"), [("uphold", 0), ("overturn", 1)])
async def test_an_appeal_ends_though_its_order_is_revoked(word: Verdict, reversed_: int, old: bool) -> None:
    on = Desk()
    case, reference = await withheld(on, 1, 2)
    filed = await on.reviews.appeal(reference, actor="desk", reason="it is satire")
    assert (filed.number, filed.deciders) == (0, ("lee",))
    filed = as_of_old(on, filed) if old else filed
    await OrdersDesk(on.desk, clock=lambda: on.now_ms).step(case.id, "revoked", actor="max", reason="by the court")
    with pytest.raises(CallerMistake, match="took the decision"):
        await on.reviews.end_appeal(filed.id, word, actor="Lee", reason="r")
    done = await on.reviews.end_appeal(filed.id, word, actor="max", reason="r")
    assert (done.effect, done.also_lifts, done.ended) == (None, (), "the order is revoked")
    assert done_as_dict(done)["ended"] == done.ended
    assert appeals_counted(on) == (1, reversed_)
    with pytest.raises(StaleReview, match="the appeal is decided"):
        await on.reviews.end_appeal(filed.id, word, actor="ben", reason="r")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("again", ["withheld", "suspended"])
async def test_an_appeal_lifts_what_holds_its_target_back_by_now(again: Outcome, old: bool) -> None:
    """lee withholds, somebody appeals, max rules again: another restriction, on the same target of the same order."""
    on = Desk()
    case, reference = await withheld(on, 1, 2)
    filed = await on.reviews.appeal(reference, actor="desk", reason="it is satire")
    filed = as_of_old(on, filed) if old else filed
    await ruled(on, case, 1, again, "max")
    assert restrictions_of(case, on.now_ms)[0].reference != reference
    for actor in ("lee", "max"):
        with pytest.raises(CallerMistake, match="took the decision"):
            await on.reviews.end_appeal(filed.id, "uphold", actor=actor, reason="r")
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is satire")
    assert done_as_dict(done)["effect"] == {"action": "declined", "order": case.id, "target": 1}
    assert (done.ended, held(on), appeals_counted(on)) == ("", {("2", "IN")}, (1, 1))


async def test_an_appeal_of_old_finds_its_target_among_those_of_one_number() -> None:
    """An account and a tweet may have one number, and its record says no more: the reference tells which is meant."""
    on = Desk()
    head = Head("Ministry", "IN", "s. 69A", "No. 1", 1, 2, 3, False)
    targets = {(kind, "1"): Target(kind, "1") for kind in ("account", "tweet")}
    orders = OrdersDesk(on.desk, clock=lambda: on.now_ms)
    [plan] = await orders.take_in([OrderDraft(head, targets)], actor="intake")  # type: ignore[arg-type]
    for state in ("acknowledged", "under_review"):
        await orders.step(plan.head.id, state, actor="lee", reason="r")  # type: ignore[arg-type]
    await orders.rule(plan.head.id, Selection(kinds=("tweet",)), "withheld", actor="kim", reason="r")
    await orders.rule(plan.head.id, Selection(kinds=("account",)), "withheld", actor="lee", reason="r")
    case = await orders.step(plan.head.id, "final", actor="lee", reason="r")
    of_tweet = restrictions_of(case, on.now_ms)[1]
    filed = as_of_old(on, await on.reviews.appeal(of_tweet.reference, actor="desk", reason="r"))
    await ruled(on, case, 1, "withheld", "max")
    on.now_ms += 10
    await orders.rule(case.id, Selection(kinds=("tweet",)), "withheld", actor="max", reason="better words")
    with pytest.raises(CallerMistake, match="took the decision"):
        await on.reviews.end_appeal(filed.id, "overturn", actor="kim", reason="r")
    await on.reviews.end_appeal(filed.id, "overturn", actor="lee", reason="r")
    assert [row.ruling and row.ruling.outcome for row in case.rows] == ["withheld", "declined"]


async def test_an_appeal_ends_though_its_target_is_declined_by_now() -> None:
    on = Desk()
    case, reference = await withheld(on, 1)
    filed = await on.reviews.appeal(reference, actor="desk", reason="it is satire")
    await ruled(on, case, 1, "declined", "max")
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="max", reason="r")
    assert (done.effect, done.ended, held(on)) == (None, "the target is declined by now", set())


async def test_what_an_interim_decision_held_does_not_come_back_after_an_appeal() -> None:
    """It has run out when the appeal is judged, and would be in force again once the order is final."""
    on = Desk()
    head = Head("Ministry", "IN", "s. 69A", "No. 1", 1, 2, 3, False)
    orders = OrdersDesk(on.desk, clock=lambda: on.now_ms)
    [plan] = await orders.take_in([OrderDraft(head, {("account", "1"): Target("account", "1")})], actor="intake")
    for state in ("acknowledged", "under_review"):
        await orders.step(plan.head.id, state, actor="lee", reason="r")  # type: ignore[arg-type]
    await orders.rule(plan.head.id, Selection(), "withheld", actor="lee", reason="r")
    case = await orders.step(plan.head.id, "interim", actor="lee", reason="r", expires_at_ms=on.now_ms + 5)
    filed = await on.reviews.appeal(restrictions_of(case, on.now_ms)[0].reference, actor="desk", reason="satire")
    on.now_ms += 10
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert isinstance(done.effect, OrderRuling) and done.ended == ""
    await orders.step(plan.head.id, "final", actor="lee", reason="r")
    assert held(on) == set()


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(("word", "reversed_"), [("uphold", 0), ("overturn", 1)])
async def test_an_appeal_ends_though_the_decision_is_kept_no_more(word: Verdict, reversed_: int, old: bool) -> None:
    """Days later, at a desk that starts anew: the topic has let go of the decision, and holds a later one."""
    on = Desk(decision(ruling("suppress")))
    await on.reviews.refresh()
    [reference] = on.reviews.automated.restrictions
    filed = await on.reviews.appeal(reference, actor="desk", reason="it is a film")
    assert (filed.number, filed.deciders) == (None, ("hushtag",))
    filed = as_of_old(on, filed) if old else filed
    on.now_ms += 4 * 24 * HOUR_MS
    later = decision(ruling("suppress", since_ms=on.now_ms, expires_at_ms=on.now_ms + HOUR_MS), number=2)
    for said, told in (((), ""), ((later,), "; hushtag-[0-9a-f]{24} holds it back now, a decision of its own")):
        desk = ReviewDesk(paper_desk(on.paper), PaperFollower(said), clock=lambda: on.now_ms)
        filed = filed if not told else await refiled(on, filed)
        done = await desk.end_appeal(filed.id, word, actor="ann", reason="seen")
        assert done.effect is None
        assert re.fullmatch(f"the decision has ended, or is not kept any more{told}", done.ended)
    await on.reviews.refresh()
    assert appeals_counted(on) == (2, 2 * reversed_)


async def refiled(on: Desk, filed: Appeal) -> Appeal:
    again = msgspec.structs.replace(filed, id=f"{filed.id}-again")
    on.paper.send([encode_review(again)])
    return again


async def test_an_appeal_against_a_block_that_has_run_out_says_so() -> None:
    on = Desk()
    [written] = await on.desk.override([Draft(tag_of("tag"), "block", "*", ("trends",), "ann", "r", HOUR_MS)])
    assert isinstance(written.record, Override)
    one = of_override(written.record)
    assert one is not None
    filed = await on.reviews.appeal(one.reference, actor="desk", reason="no")
    on.now_ms = HOUR_MS
    done = await on.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="r")
    assert (done.effect, done.ended) == (None, "the block has run out or was undone")


# --- agreement ---------------------------------------------------------------------------------------------------

words = st.sampled_from(["uphold", "overturn"])


@given(st.lists(st.lists(words, max_size=3), max_size=30))
def test_kappa_is_what_the_formula_says(verdicts: list[list[Verdict]]) -> None:
    """Against the obvious way: (p_o − p_e) / (1 − p_e), counted by hand."""
    pairs = [given[:2] for given in verdicts if len(given) >= 2]
    told = agreement(verdicts)
    assert told.pairs == len(pairs)
    if not pairs:
        assert (told.observed, told.kappa) == (None, None)
        return
    observed = sum(a == b for a, b in pairs) / len(pairs)
    first = sum(a == "uphold" for a, _ in pairs) / len(pairs)
    second = sum(b == "uphold" for _, b in pairs) / len(pairs)
    chance = first * second + (1 - first) * (1 - second)
    assert told.observed == observed
    if chance == 1:
        assert told.kappa is None
    else:
        assert told.kappa == pytest.approx((observed - chance) / (1 - chance), abs=1e-5)


def test_the_formula_s_example() -> None:
    assert doctest.testmod(agreement_module).failed == 0


def test_false_positives_need_everybody() -> None:
    given: list[list[Verdict]] = [["overturn", "overturn"], ["overturn", "uphold"], ["uphold", "uphold"], ["overturn"]]
    told = false_positives(given, looks=2)
    assert (told.looked_at, told.overturned, told.disputed, told.rate) == (3, 1, 1, pytest.approx(1 / 3))
    assert false_positives([], looks=2).rate is None
