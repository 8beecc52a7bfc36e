"""The kept queue: equal to the list of all cases, and right for each person."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from moderation.access.services import Services
from moderation.console.queue_board import QueueBoard, Viewer
from moderation.console.queue_entries import QueueEntry
from moderation.console.queue_filter import QueueFilter
from moderation.domain.cases.queue import is_waiting
from moderation.domain.cases.records import COMMON_TEAM
from moderation.domain.cases.work_order import DUE_ORDER, work_order
from moderation.domain.orders.intake_plan import OrderDraft, OrderHead
from moderation.log.drafts import OverrideDraft
from streams.clock import now_ms
from streams.log.decisions import version_of
from streams.naming import tag_of
from streams.orders.records import Target
from tests.support.live_decisions import unread, waiting
from tests.support.moderation_world import ApiWorld

ASHA = Viewer("asha", cases=True, orders=True)
ALL = QueueFilter()


def services_with(*decisions: Any, share: float = 0.0) -> Services:
    return ApiWorld(*decisions, share=share).services


async def listed(board: QueueBoard, wanted: QueueFilter = ALL, viewer: Viewer = ASHA) -> list[QueueEntry]:
    await board.follow()
    return board.listing(wanted, viewer).entries


def tags(entries: list[QueueEntry]) -> list[str]:
    return [one.display for one in entries]


async def decided(services: Services, tag: str, verdict: Any, actor: str) -> None:
    await services.cases.answer(tag, "unsure", actor=actor, reason="first")
    await services.cases.decide(tag, verdict, actor=actor, reason="seen")


async def test_board_lists_what_waits_in_the_order_of_work() -> None:
    services = services_with(
        waiting("later", minutes=300), waiting("soon", minutes=30), waiting("small", "review", tweets=5),
        waiting("big", "review", tweets=5_000), waiting("looked", "suppress"), share=1.0,
    )  # fmt: skip
    cases = await services.cases.log.refresh()
    at_ms = now_ms()
    plain = sorted(
        (one for one in cases.values() if is_waiting(one, "asha", COMMON_TEAM, at_ms)),
        key=lambda one: work_order(one, hidden=services.cases.log.is_blind(one, "asha")),
    )
    entries = await listed(QueueBoard(services))
    assert [one.id for one in entries] == [one.id for one in plain]
    assert tags(entries)[:4] == ["soon", "later", "big", "small"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("suppress", "enough of it is read now: the policy decides"),
        ("clear", "it has cooled down, or what is read is harmless"),
    ],
)
async def test_row_of_unassessed_case_says_how_it_ended(action: Any, words: str) -> None:
    services = services_with(unread("tamil", {"ta": 52}))
    board = QueueBoard(services)
    assert [one.why for one in await listed(board)] == [("not_assessed",)]
    services.reviews.automated.apply(replace(waiting("tamil", action), version=version_of(2, 0)))
    await board.follow()
    [gone] = board.listing(ALL, ASHA).gone
    assert gone.gone == words


async def test_blind_second_look_shows_neither_reach_nor_surfaces() -> None:
    services = services_with(waiting("looked", "suppress", tweets=7_777), share=1.0)
    [entry] = await listed(QueueBoard(services))
    assert entry.hidden
    assert (entry.why, entry.reach, entry.effect, entry.categories) == (("second_look",), None, "", ())


async def test_entry_is_blind_only_for_the_person_who_reviews_the_hashtag() -> None:
    services = services_with(waiting("looked", "suppress"), share=1.0)
    await services.cases.claim("looked", actor="asha")
    services.reviews.automated.apply(waiting("looked", country="DE", number=2))
    board = QueueBoard(services)
    [own] = [one for one in await listed(board) if one.hashtag == "looked"]
    [other] = await listed(board, viewer=Viewer("zoe", cases=True, orders=False))
    assert own.hidden
    assert own.reach is None
    assert not other.hidden
    assert other.reach == 900


async def test_skipped_case_leaves_only_the_list_of_its_person() -> None:
    services = services_with(waiting("one"))
    board = QueueBoard(services)
    await board.follow()
    await services.cases.skip("one", "distress", actor="asha", reason="no")
    assert await listed(board) == []
    assert [one.gone for one in board.listing(ALL, ASHA).gone] == ["you skipped it"]
    assert tags(board.listing(ALL, Viewer("zoe", cases=True, orders=False)).entries) == ["one"]


async def test_decided_case_is_named_with_who_decided() -> None:
    services = services_with(waiting("one"), waiting("two"))
    board = QueueBoard(services)
    await board.follow()
    await decided(services, "one", "show", "zoe")
    assert tags(await listed(board)) == ["two"]
    assert [(one.display, one.gone) for one in board.listing(ALL, ASHA).gone] == [("one", "shown again by zoe")]
    await services.cases.undo("one", actor="zoe", reason="wrong")
    assert sorted(tags(await listed(board))) == ["one", "two"]
    assert board.listing(ALL, ASHA).gone == []


async def test_verdict_of_a_second_look_is_not_named() -> None:
    services = services_with(waiting("looked", "suppress"), share=1.0)
    board = QueueBoard(services)
    await board.follow()
    for person in ("zoe", "ravi"):
        await services.cases.claim("looked", actor=person)
        await services.cases.decide("looked", "hide", actor=person, reason="seen")
    assert await listed(board) == []
    [gone] = board.listing(ALL, ASHA).gone
    assert gone.gone == "the second look is done"
    assert "zoe" not in repr(gone)


async def test_claims_and_viewers_end_without_a_record() -> None:
    services = services_with(waiting("one"))
    at = [now_ms()]
    board = QueueBoard(services, clock=lambda: at[0])
    case = await services.cases.claim("one", actor="zoe")
    services.presence.beat(case.id, "ravi", at[0])
    [entry] = await listed(board)
    assert (entry.claimed_by, entry.viewers) == ("zoe", ("ravi",))
    at[0] += 31_000
    [entry] = await listed(board)
    assert entry.viewers == ()


async def test_orders_come_first_and_only_to_those_who_may_see_them() -> None:
    services = services_with(waiting("one", minutes=1))
    at_ms = now_ms()
    head = OrderHead("Ministry", "IN", "IT Act", "7", at_ms, at_ms, at_ms + 3_600_000, False)
    target = Target("hashtag", "rumour", "rumour")
    await services.orders.take_in([OrderDraft(head, {(target.kind, target.value): target})], actor="ann")
    board = QueueBoard(services)
    assert [one.place[0] == DUE_ORDER for one in await listed(board)] == [True, False]
    assert tags(await listed(board, viewer=Viewer("zoe", cases=True, orders=False))) == ["one"]


async def test_filters_select_by_team_reason_country_category_claim_and_name() -> None:
    services = services_with(waiting("Dog", country="DE"), waiting("cat", "review", category="abuse"), waiting("mouse"))
    await services.cases.claim("cat", actor="asha")
    await services.cases.escalate("mouse", "legal", actor="zoe", reason="law")
    board = QueueBoard(services)
    wanted = [
        QueueFilter(team="legal"), QueueFilter(why="review"), QueueFilter(country="DE"), QueueFilter(category="abuse"),
        QueueFilter(claimed="mine"), QueueFilter(claimed="free"), QueueFilter(claimed="others"), QueueFilter(q="#DO"),
    ]  # fmt: skip
    assert [tags(await listed(board, one)) for one in wanted] == [
        ["mouse"], ["cat"], ["Dog"], ["cat"], ["cat"], ["Dog"], [], ["Dog"],
    ]  # fmt: skip


async def test_escalated_case_is_named_with_its_new_team() -> None:
    services = services_with(waiting("one"))
    board = QueueBoard(services)
    await board.follow()
    await services.cases.escalate("one", "legal", actor="zoe", reason="law")
    assert await listed(board) == []
    assert [one.gone for one in board.listing(ALL, ASHA).gone] == ["handed to legal"]


def test_following_at_once_loses_no_change() -> None:
    async def run() -> list[QueueEntry]:
        services = services_with(*(waiting(f"tag{n}") for n in range(20)))
        board = QueueBoard(services)
        await asyncio.gather(*(board.follow() for _ in range(5)), services.cases.claim("tag3", actor="zoe"))
        return await listed(board)

    assert [one.claimed_by for one in asyncio.run(run()) if one.display == "tag3"] == ["zoe"]


async def test_version_of_an_entry_follows_a_decision_elsewhere() -> None:
    services = services_with(waiting("one"))
    board = QueueBoard(services)
    await board.follow()
    ends_ms = now_ms() + 3_600_000
    draft = OverrideDraft(tag_of("one"), "allow", "FR", ("trends",), "zoe", "fine there", ends_ms)
    await services.moderation.override([draft])
    [entry] = await listed(board)
    [case] = (await services.cases.log.refresh()).values()
    assert entry.version == services.cases.log.version(case) != ""


async def test_gone_rows_tell_a_blind_reviewer_nothing() -> None:
    services = services_with(waiting("looked", "suppress"), share=1.0)
    await services.cases.claim("looked", actor="asha")
    services.reviews.automated.apply(waiting("looked", country="DE", number=2))
    board = QueueBoard(services)
    await board.follow()
    await services.cases.escalate("looked", "legal", actor="zoe", reason="law")
    await board.follow()
    [gone] = board.listing(ALL, ASHA).gone
    assert (gone.why, gone.reach, gone.categories, gone.effect) == (("second_look",), None, (), "")
    assert gone.gone == "it no longer waits"


async def test_end_by_the_pipeline_is_not_laid_to_an_earlier_decider() -> None:
    services = services_with(waiting("one"), waiting("one", country="DE", number=2))
    board = QueueBoard(services)
    await services.cases.answer("one", "unsure", actor="zoe", reason="first")
    await services.cases.decide("one", "show", countries=["IN"], actor="zoe", reason="seen")
    assert tags(await listed(board)) == ["one"]
    clear = waiting("one", "clear", country="DE")
    await asyncio.sleep(0.002)  # a later millisecond
    services.reviews.automated.apply(replace(clear, version=version_of(3, 0), decided_at_ms=now_ms()))
    assert await listed(board) == []
    assert [one.gone for one in board.listing(ALL, ASHA).gone] == ["it no longer waits"]
