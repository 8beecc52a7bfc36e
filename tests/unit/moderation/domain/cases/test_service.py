"""Tests of claims, conflicts, undo, notes and escalations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.cases.fold import CLAIM_MS, CaseFold
from moderation.domain.cases.queue import is_waiting
from moderation.domain.cases.records import (
    CaseClaim,
    CaseDecision,
    CaseNote,
    CaseRecord,
    CaseSkip,
    CoveredItem,
    case_id,
    decode_case_record,
    encode_case_record,
)
from moderation.log.drafts import OverrideDraft
from moderation.log.errors import NoSuchCase, NothingToUndo, StaleReview
from streams.errors import CallerMistake, ContractError
from streams.log.moderation import OtherRecord, Override, encode_moderation
from streams.naming import tag_of
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import World

CASE = case_id("tag", 1)


def held() -> World:
    return World(decision(ruling("hold"), ruling("hold", "search")))


async def test_case_of_a_misleading_spelling_is_decided_under_its_hashtag() -> None:
    world = World(msgspec.structs.replace(decision(ruling("hold")), display="t\u202eag"))
    await world.cases.decide("tag", "hide", actor="ann", reason="r")
    [override] = [record for _, record in world.moderation.view.history if isinstance(record, Override)]
    assert (override.hashtag, override.display) == ("tag", "tag")


# --- claims ---


async def test_claim_ends_a_minute_after_its_last_heartbeat() -> None:
    world = held()
    await world.cases.claim("tag", actor="ann")
    for _ in range(3):
        world.now_ms += CLAIM_MS - 1
        await world.cases.heartbeat("tag", actor="ann")
        with pytest.raises(StaleReview, match="ann holds the claim"):
            await world.cases.claim("tag", actor="ben")
        with pytest.raises(StaleReview, match="ann holds the claim"):
            await world.cases.decide("tag", "hide", actor="ben", reason="r")
    assert len(world.log.records) == 1, "a heartbeat is not written"
    world.now_ms += CLAIM_MS
    assert world.cases.log.claimant(await world.case()) == ""
    await world.cases.claim("tag", actor="ben")
    with pytest.raises(StaleReview, match="ben has claimed it"):
        await world.cases.heartbeat("tag", actor="ann")


async def test_heartbeat_revives_a_claim_that_no_person_took() -> None:
    world = held()
    await world.cases.claim("tag", actor="ann")
    world.now_ms += 10 * CLAIM_MS
    assert await world.cases.heartbeat("tag", actor="ann") == world.now_ms + CLAIM_MS
    assert world.cases.log.claimant(await world.case()) == "ann"


async def test_claim_ends_on_decision_and_on_skip() -> None:
    world = held()
    await world.cases.claim("tag", actor="ann")
    await world.cases.decide("tag", "hide", actor="ann", reason="r", surfaces=["trends"])
    assert world.cases.log.claimant(await world.case()) == ""
    await world.cases.claim("tag", actor="ben")
    skipped = await world.cases.skip("tag", "language", actor="ben", reason="I cannot read it")
    assert world.cases.log.claimant(skipped) == ""
    waiting = {who: is_waiting(skipped, who, "moderators", world.now_ms) for who in ("ann", "ben", "BEN")}
    assert waiting == {"ann": True, "ben": False, "BEN": False}
    with pytest.raises(StaleReview, match="ben does not hold the claim"):
        await world.cases.heartbeat("tag", actor="ben")


async def test_only_one_of_two_processes_claims_a_lapsed_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the log before either writes."""
    world = held()
    other, send = world.another(), InMemoryLog.send

    def send_late(self: InMemoryLog, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        monkeypatch.setattr(InMemoryLog, "send", send)
        theirs = CaseClaim(id="x", case=CASE, hashtag="tag", began_ms=1, actor="ben", reason="r", at_ms=world.now_ms)
        send(self, [encode_case_record(theirs)])
        return send(self, records)

    monkeypatch.setattr(InMemoryLog, "send", send_late)
    with pytest.raises(StaleReview, match="ben has claimed it"):
        await world.cases.claim("tag", actor="ann")
    assert other.cases.log.claimant(await other.case("tag")) == "ben"


async def test_lead_takes_over_a_live_claim_with_a_reason() -> None:
    world = held()
    with pytest.raises(CallerMistake, match="no other person holds"):
        await world.cases.take_over("tag", actor="lea", reason="r")
    await world.cases.claim("tag", actor="ann")
    await world.cases.heartbeat("tag", actor="ann")
    with pytest.raises(CallerMistake, match="needs a reason"):
        await world.cases.take_over("tag", actor="lea", reason=" ")
    taken = await world.cases.take_over("tag", actor="lea", reason="ann has left")
    assert world.cases.log.claimant(taken) == "lea"
    with pytest.raises(StaleReview, match="lea holds the claim"):
        await world.cases.decide("tag", "hide", actor="ann", reason="r")
    claims = [(one.actor, one.take_over) for one in taken.progress.history if isinstance(one, CaseClaim)]
    assert claims == [("ann", False), ("lea", True)], "the history has deliberate claims only"


def claim(actor: str, at_ms: int, after: str, **more: Any) -> CaseClaim:
    return CaseClaim(
        id=f"{actor}-{at_ms}", case=CASE, hashtag="tag", began_ms=1, actor=actor, reason="r", at_ms=at_ms, after=after,
        **more,
    )  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["claim", "take", "skip"]), st.sampled_from("abc"), st.integers(1, 90_000))))
def test_fold_matches_a_simple_model_of_claims(acts: list[tuple[str, str, int]]) -> None:
    """Reference: a holder and the time of the claim."""
    fold, at_ms = CaseFold(), 0
    holder, since_ms, current = "", 0, ""
    for offset, (act, actor, after_ms) in enumerate(acts):
        at_ms += after_ms
        free = holder in ("", actor) or at_ms >= since_ms + CLAIM_MS
        if act == "skip":
            fold.apply(
                CaseSkip(
                    id="s", case=CASE, hashtag="tag", began_ms=1, actor=actor, reason="r", at_ms=at_ms, why="other"
                ),
                offset,
            )
            if holder == actor:
                holder, current = "", ""
        else:
            fold.apply(claim(actor, at_ms, current, take_over=act == "take"), offset)
            if free or act == "take":
                holder, since_ms, current = actor, at_ms, f"{actor}-{at_ms}"
        found = fold.progress(CASE).claim
        assert (found.actor if found else "") == holder


# --- conflicts and undo ---


async def test_decision_on_a_changed_case_names_who_changed_it() -> None:
    world = held()
    seen = world.cases.log.version(await world.case())
    await world.cases.decide("tag", "show", actor="ben", reason="it is news", surfaces=["search"])
    with pytest.raises(StaleReview, match="ben has decided on it since: it is news"):
        await world.cases.decide("tag", "hide", actor="ann", reason="r", expected=seen)
    seen = world.cases.log.version(await world.case())
    await world.person("block", surfaces=("trends",), actor="cid")
    with pytest.raises(StaleReview, match=r"cid has decided since \(block\): seen"):
        await world.cases.decide("tag", "hide", actor="ann", reason="r", expected=seen)
    with pytest.raises(StaleReview, match="never existed"):
        await world.cases.undo("tag", actor="ben", reason="r", expected="0000.9999999999999999999.000000000000000")


async def test_notes_do_not_make_a_decision_stale() -> None:
    world = held()
    seen = world.cases.log.version(await world.case())
    await world.cases.note("tag", actor="ben", reason="see the film")
    await world.cases.decide("tag", "show", actor="ann", reason="r", expected=seen)


async def test_second_of_two_decisions_at_once_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = held()
    item = (await world.case()).items[0].item.id
    send = InMemoryLog.send
    theirs = CaseDecision(
        id="x", case=CASE, hashtag="tag", began_ms=1, items=(item,), actor="ben", reason="first", at_ms=world.now_ms,
        verdict="leave", covers=(CoveredItem(item, "IN", ("search",)),),
    )  # fmt: skip

    def send_late(self: InMemoryLog, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        monkeypatch.setattr(InMemoryLog, "send", send)
        send(self, [encode_case_record(theirs)])
        return send(self, records)

    monkeypatch.setattr(InMemoryLog, "send", send_late)
    with pytest.raises(StaleReview, match="ben has decided on it since: first"):
        await world.cases.decide("tag", "hide", actor="ann", reason="r")


async def test_decision_reports_an_override_that_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    world, send = held(), InMemoryLog.send

    def send_late(self: InMemoryLog, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        monkeypatch.setattr(InMemoryLog, "send", send)
        draft = OverrideDraft(tag_of("tag"), "allow", "IN", ("trends",), "ben", "first", HOUR_MS)
        send(self, [encode_moderation(World().moderation.record_of(draft))])
        return send(self, records)

    monkeypatch.setattr(InMemoryLog, "send", send_late)
    with pytest.raises(StaleReview, match="at the same moment"):
        await world.cases.decide("tag", "hide", actor="ann", reason="seen")
    assert await world.open_places() == {("hold", "IN", "search")}


async def test_undo_takes_back_the_newest_decision_alone() -> None:
    world = held()
    await world.cases.decide("tag", "show", actor="ann", reason="r", surfaces=["search"])
    await world.cases.decide("tag", "hide", actor="ann", reason="r")
    assert not (await world.case()).is_open
    done = await world.cases.undo("tag", actor="ann", reason="too quick")
    assert [one.record.surfaces for one in done.effects] == [("trends",)]
    assert await world.open_places() == {("hold", "IN", "trends")}
    await world.cases.undo("tag", actor="ann", reason="both")
    assert len(await world.open_places()) == 2
    with pytest.raises(NothingToUndo):
        await world.cases.undo("tag", actor="ann", reason="r")


async def test_undo_reopens_what_was_left_as_it_is() -> None:
    world = World(decision(ruling("discount", weight=0.3)))
    await world.cases.decide("tag", "leave", actor="ann", reason="r")
    await world.cases.undo("tag", actor="ann", reason="r")
    assert await world.open_places() == {("contested", "IN", "trends")}


async def test_undo_of_the_override_alone_reopens_the_case() -> None:
    world = held()
    await world.cases.decide("tag", "show", actor="ann", reason="r")
    await world.undo()
    assert len(await world.open_places()) == 2


# --- filters, notes, escalation, records ---


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"countries": ["US"]}, "--country is one of IN"),
        ({"surfaces": ["feed"]}, "--surface is one of search, trends"),
        ({"items": ["nothing"]}, "--item is one of hushtag-"),
    ],
)
async def test_unknown_filter_names_what_is_open(filters: dict[str, Any], words: str) -> None:
    world = held()
    with pytest.raises(CallerMistake, match="is not open in case") as raised:
        await world.cases.decide("tag", "hide", actor="ann", reason="r", **filters)
    assert words in raised.value.fix
    assert world.log.records == []


async def test_escalated_case_moves_to_the_list_of_its_team() -> None:
    world = held()
    moved = await world.cases.escalate("tag", "legal", actor="ann", reason="a court is named in it")
    lists = {team: is_waiting(moved, "zoe", team, world.now_ms) for team in ("moderators", "legal")}
    assert lists == {"moderators": False, "legal": True}
    back = await world.cases.escalate("tag", "moderators", actor="lee", reason="no order")
    assert is_waiting(back, "zoe", "moderators", world.now_ms)
    with pytest.raises(CallerMistake, match="cannot be a label or a team"):
        await world.cases.escalate("tag", "The Law", actor="ann", reason="r")


async def test_labels_are_added_and_removed_by_notes() -> None:
    world = held()
    await world.cases.note("tag", actor="ann", reason="r", add=["news", "film"])
    noted = await world.cases.note("tag", actor="ann", reason="r", add=["satire"], remove=["news"])
    assert list(noted.progress.labels) == ["film", "satire"]


async def test_first_answer_is_kept_beside_the_decision() -> None:
    world = held()
    await world.cases.answer("tag", "unsure", actor="ann", reason="only the name")
    done = await world.cases.decide("tag", "hide", actor="ann", reason="the tweets")
    assert [(one.actor, one.answer) for one in done.case.progress.answers] == [("ann", "unsure")]
    assert [one.verdict for one in done.case.progress.decisions] == ["hide"]


async def test_unknown_case_and_hashtag_are_reported() -> None:
    world = held()
    for name in ("case-0000000000000000", "unknown"):
        with pytest.raises(NoSuchCase):
            await world.cases.claim(name, actor="ann")
    await world.cases.decide("tag", "hide", actor="ann", reason="r")
    with pytest.raises(StaleReview, match="nothing of it is open"):
        await world.cases.claim("tag", actor="ann")


@pytest.mark.parametrize(
    "record",
    [
        claim("ann", 1, ""),
        CaseNote(id="n", case=CASE, hashtag="tag", began_ms=1, actor="ann", reason="r", at_ms=1, add=("news",)),
    ],
)
def test_codec_round_trip(record: CaseRecord) -> None:
    value, key = encode_case_record(record)
    kind = msgspec.json.decode(value)["kind"]
    assert decode_case_record(OtherRecord(kind, key, value)) == record
    assert key == f"case:{record.case}|review|{record.id}|*".encode()
    with pytest.raises(ContractError, match="bad_key"):
        decode_case_record(OtherRecord(kind, b"k", value))
    with pytest.raises(ContractError, match="bad_record"):
        decode_case_record(OtherRecord(kind, key, b'{"kind":"case_claim"}'))
    assert decode_case_record(OtherRecord("order_note", b"k", b"")) is None
