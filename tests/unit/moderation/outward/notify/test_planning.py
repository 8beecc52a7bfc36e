"""Planning of notifications: what is due, when, once, and in which message."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from moderation.domain.orders.intake_plan import OrderHead
from moderation.outward.notify import channels, planning
from moderation.outward.notify import outbox as outbox_module
from moderation.outward.notify.outbox import NotifyMark, Outbox, encode_outbox, message_id
from moderation.outward.notify.planning import REMEMBERED_MS, forgotten, later_marks
from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS
from streams.errors import ContractError
from streams.log.decisions import Decision
from tests.support.decisions import decision
from tests.support.notify_cases import CONFIG, NOW_MS, NotifyWorld, appeal, config_of, hold, outcome, undo
from tests.support.orders_world import HEAD, OrdersWorld, accounts

LAPSE_MS = NOW_MS + 8 * HOUR_MS
HOLDS = "holds"


@pytest.fixture
def world(tmp_path: Path) -> NotifyWorld:
    found = NotifyWorld(config_of(tmp_path))
    assert found.plan(NOW_MS) == [], "the marks begin now"
    return found


def test_hold_is_announced_at_each_time_before_its_lapse(world: NotifyWorld) -> None:
    world.log(hold())
    first, last = LAPSE_MS - 4 * HOUR_MS, LAPSE_MS - 30 * MINUTE_MS
    assert world.plan(first + 10 * MINUTE_MS - 1, HOLDS) == [], "the digest is still open"
    assert world.plan(first + 10 * MINUTE_MS, HOLDS) == [("mail", HOLDS, [f"hold-h1-{4 * HOUR_MS}"])]
    assert world.plan(last + 9 * MINUTE_MS, HOLDS) == [], "each announcement once"
    assert world.plan(last + 10 * MINUTE_MS, HOLDS) == [("mail", HOLDS, [f"hold-h1-{30 * MINUTE_MS}"])]
    assert world.plan(LAPSE_MS + DAY_MS, HOLDS) == []


def test_of_passed_times_only_the_last_is_announced(world: NotifyWorld) -> None:
    world.log(hold())
    assert world.plan(LAPSE_MS - 1, HOLDS) == [("mail", HOLDS, [f"hold-h1-{30 * MINUTE_MS}"])]


def test_hold_that_lapsed_while_process_was_down_is_announced(world: NotifyWorld) -> None:
    world.log(hold())
    assert world.plan(LAPSE_MS + HOUR_MS, HOLDS) == [("mail", HOLDS, [f"hold-h1-{30 * MINUTE_MS}"])]
    assert "lapses 2027-01-15 16:00 UTC (passed)" in next(iter(world.outbox.messages.values())).body


def test_ended_or_replaced_hold_is_not_announced(world: NotifyWorld) -> None:
    world.log(hold(), undo("u", "h1"))
    world.log(hold("h2", hashtag="other"), hold("b", hashtag="other", action="block", expires_at_ms=LAPSE_MS + DAY_MS))
    assert world.plan(LAPSE_MS - MINUTE_MS, HOLDS) == []


def test_holds_of_one_window_are_one_message(world: NotifyWorld) -> None:
    for number in range(3):
        world.log(hold(f"h{number}", hashtag=f"tag{number}", expires_at_ms=LAPSE_MS + number * MINUTE_MS))
    (message,) = world.plan(LAPSE_MS - 4 * HOUR_MS + 10 * MINUTE_MS, HOLDS)
    assert len(message[2]) == 3
    (sent,) = world.outbox.waiting("mail")
    assert sent.subject == "hushtag: 3 holds lapse" and len(sent.body.splitlines()) == 3


def test_large_digest_is_split(world: NotifyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "DIGEST_MAX", 2)
    for number in range(5):
        world.log(appeal(f"a{number}"), outcome(f"a{number}"))
    assert [len(one[2]) for one in world.plan(NOW_MS) if one[0] == "platform"] == [2, 2, 1]


def test_decided_appeal_is_sent_to_each_channel_once(world: NotifyWorld) -> None:
    world.log(appeal(), outcome(at_ms=NOW_MS + 5), outcome(write="again", verdict="uphold", at_ms=NOW_MS + 6))
    assert world.plan(NOW_MS + 10) == [("platform", "appeals", ["appeal-a1"])]
    assert json.loads(world.outbox.waiting("platform")[0].body)["data"]["items"][0]["verdict"] == "overturn"
    assert world.plan(NOW_MS + HOUR_MS + 5) == [("mail", "appeals", ["appeal-a1"])]
    assert world.plan(NOW_MS + 2 * HOUR_MS) == []


def test_events_before_the_first_start_are_not_sent(world: NotifyWorld) -> None:
    world.log(appeal(), outcome(at_ms=NOW_MS - 1), hold("old", action="block", at_ms=NOW_MS - 1))
    assert world.plan(NOW_MS + HOUR_MS) == []


def test_statement_of_person_and_automation_is_a_message_each(world: NotifyWorld) -> None:
    world.log(hold("b", action="block"))
    world.state.apply_decision(decision(1, ("hate", "trends", "suppress", NOW_MS + HOUR_MS), at_ms=NOW_MS))
    assert world.plan(NOW_MS + MINUTE_MS - 1) == []
    messages = world.plan(NOW_MS + MINUTE_MS)
    assert [one[:2] for one in messages] == [("platform", "statements")] * 2
    bodies = [json.loads(one.body) for one in world.outbox.waiting("platform")]
    assert {one["data"]["reference"] for one in bodies} == {one[2][0] for one in messages}
    assert all(one["type"] == "statement.issued" and one["data"]["in_force"] for one in bodies)
    renewed = decision(2, ("hate", "trends", "suppress", NOW_MS + 9 * HOUR_MS), at_ms=NOW_MS)
    world.state.apply_decision(renewed)
    assert world.plan(NOW_MS + HOUR_MS) == [], "a renewal is the same restriction"


def test_statement_of_withdrawn_restriction_says_that_it_ended(world: NotifyWorld) -> None:
    world.state.apply_decision(decision(1, ("hate", "trends", "suppress", NOW_MS + HOUR_MS), at_ms=NOW_MS))
    world.state.apply_decision(decision(2, ("hate", "trends", "clear", NOW_MS + HOUR_MS), at_ms=NOW_MS + 1))
    assert len(world.plan(NOW_MS + MINUTE_MS)) == 1
    assert json.loads(world.outbox.waiting("platform")[0].body)["data"]["in_force"] is False


def suppression(version: int, at_ms: int, *, tag: str = "tag") -> Decision:
    found = decision(version, ("hate", "trends", "suppress", at_ms + HOUR_MS), tag=tag, at_ms=NOW_MS)
    return msgspec.structs.replace(found, decided_at_ms=at_ms)


def test_changes_of_a_hashtag_keep_the_order_of_the_log(world: NotifyWorld, tmp_path: Path) -> None:
    """The second judge's clock is a minute behind."""
    world.config = config_of(tmp_path, CONFIG.replace("appeals: {digest: 0s}", "decisions: {digest: 0s}"))
    assert world.plan(NOW_MS) == []
    for version, ahead_ms, tag in ((8, MINUTE_MS, "a"), (9, 0, "a"), (3, 30_000, "b")):
        world.state.apply_decision(suppression(version, NOW_MS + ahead_ms, tag=tag))
    assert len(world.plan(NOW_MS + MINUTE_MS, "decisions")) == 1
    (message,) = (one for one in world.outbox.waiting("platform") if one.event == "decisions")
    items = json.loads(message.body)["data"]["items"]
    assert [(one["hashtag"], one["id"][5:24].lstrip("0")) for one in items] == [("b", "3"), ("a", "8"), ("a", "9")]
    world.state.apply_decision(suppression(9, NOW_MS, tag="a"))
    assert world.plan(NOW_MS + HOUR_MS, "decisions") == [], "the next owner of a shard repeats a decision"


def test_change_is_a_line_of_a_mail(world: NotifyWorld, tmp_path: Path) -> None:
    world.config = config_of(tmp_path, CONFIG.replace("appeals: {digest: 1h}", "decisions: {digest: 1m}"))
    assert world.plan(NOW_MS) == []
    world.state.apply_decision(suppression(1, NOW_MS))
    assert len(world.plan(NOW_MS + MINUTE_MS, "decisions")) == 1
    (mail,) = world.outbox.waiting("mail")
    assert mail.subject == "hushtag: an automated decision"
    assert mail.body == "2027-01-15 08:00 UTC  #TAG is hidden everywhere on trends: hate\n"


def final_order(world: NotifyWorld, head: OrderHead = HEAD, *, suspended: str = "") -> None:
    """Log an order that withholds two accounts, after an older order led to the suspension of one."""
    orders = OrdersWorld()
    orders.now_ms = NOW_MS
    if suspended:
        orders.now_ms = NOW_MS - DAY_MS
        older = orders.intake(accounts(int(suspended)), replace(head, reference="older"))
        orders.review(older)
        orders.rule(older, "suspended", suspended)
        orders.now_ms = NOW_MS
    order = orders.intake(accounts(11, 12), head)
    orders.review(order)
    orders.rule(order, "withheld", "11", "12")
    orders.step(order, "final")
    for value, key in orders.log.records:
        world.log_raw(value, key)


def test_statements_of_confidential_order_need_consent_in_file(world: NotifyWorld, tmp_path: Path) -> None:
    final_order(world, replace(HEAD, confidential=True))
    assert world.plan(NOW_MS + MINUTE_MS) == []
    world.config = config_of(tmp_path, CONFIG.replace("{digest: 1m}", "{digest: 1m, confidential: true}"))
    assert len(world.plan(NOW_MS + MINUTE_MS)) == 2
    assert all("Ministry" not in one.body and "69A" not in one.body for one in world.outbox.waiting("platform"))


def test_statements_of_order_name_its_targets(world: NotifyWorld) -> None:
    final_order(world)
    assert len(world.plan(NOW_MS + MINUTE_MS)) == 2
    bodies = [json.loads(one.body)["data"]["restriction"] for one in world.outbox.waiting("platform")]
    assert {(one["kind"], one["target"], one["country"]) for one in bodies} == {
        ("account", "11", "IN"), ("account", "12", "IN"),
    }  # fmt: skip


def test_statement_of_ended_interim_decision_says_that_it_ended(world: NotifyWorld) -> None:
    orders = OrdersWorld()
    orders.now_ms = NOW_MS
    order = orders.intake(accounts(11))
    orders.review(order)
    orders.rule(order, "withheld", "11")
    orders.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    for value, key in orders.log.records:
        world.log_raw(value, key)
    assert len(world.plan(NOW_MS + 2 * HOUR_MS, "statements")) == 1, "the process was away for its whole time"
    data = json.loads(world.outbox.waiting("platform")[0].body)["data"]
    assert data["in_force"] is data["restriction"]["in_force"] is False
    assert data["text"]["en"].startswith("This decision is not in force now.")


def test_statement_of_suspended_account_claims_no_visibility(world: NotifyWorld) -> None:
    final_order(world, suspended="12")
    assert len(world.plan(NOW_MS + MINUTE_MS)) == 2
    texts = [
        json.loads(message.body)["data"]["text"]["en"].splitlines()[0] for message in world.outbox.waiting("platform")
    ]
    assert sorted(texts) == [
        "Your account is not visible to viewers in India. Everywhere else it is.",
        "Your account is not visible to viewers in India. Other decisions hide it everywhere else too.",
    ]


def test_order_deadline_is_announced_without_its_authority(world: NotifyWorld) -> None:
    orders = OrdersWorld()
    orders.now_ms = NOW_MS
    due_ms = NOW_MS + 48 * HOUR_MS
    order = orders.intake(accounts(11), head=replace(HEAD, deadline_ms=due_ms))
    for value, key in orders.log.records:
        world.log_raw(value, key)
    assert world.plan(due_ms - 24 * HOUR_MS - 1) == []
    (first,) = world.plan(due_ms - 24 * HOUR_MS)
    assert first == ("mail", "deadlines", [f"order-{order}-{due_ms}-{24 * HOUR_MS}"])
    (message,) = world.outbox.waiting("mail")
    assert "Ministry" not in message.body and "1 of 1 targets undecided" in message.body
    assert [one[1] for one in world.plan(due_ms)] == ["deadlines"], "and the moment itself"


def test_order_taken_in_after_its_deadline_is_announced_once(world: NotifyWorld) -> None:
    orders = OrdersWorld()
    orders.now_ms = NOW_MS + HOUR_MS
    orders.intake(accounts(11), head=replace(HEAD, deadline_ms=NOW_MS - DAY_MS))
    for value, key in orders.log.records:
        world.log_raw(value, key)
    assert [one[1] for one in world.plan(NOW_MS + HOUR_MS)] == ["deadlines"]
    assert world.plan(NOW_MS + 2 * HOUR_MS) == []


def test_restart_keeps_waiting_messages_and_repeats_none(world: NotifyWorld) -> None:
    world.log(appeal(), outcome())
    world.plan(NOW_MS)
    before = world.outbox.waiting("platform")
    world.outbox = world.restarted()
    assert world.outbox.waiting("platform") == before and before[0].body
    assert world.plan(NOW_MS + 1) == []
    sent = msgspec.structs.replace(before[0], sent_ms=NOW_MS + 1, body="")
    world.write(sent)
    world.outbox = world.restarted()
    assert world.outbox.waiting("platform") == [] and world.plan(NOW_MS + 2) == []


def test_delivered_messages_are_forgotten_after_mark_and_stay_sent(world: NotifyWorld) -> None:
    world.log(appeal(), outcome())
    world.plan(NOW_MS)
    (message,) = world.outbox.waiting("platform")
    world.write(msgspec.structs.replace(message, sent_ms=NOW_MS, body=""))
    assert later_marks(world.config, world.outbox, NOW_MS + REMEMBERED_MS) == []
    world.write(*later_marks(world.config, world.outbox, NOW_MS + REMEMBERED_MS + 1))
    assert forgotten(world.config, world.outbox, NOW_MS) == [message.key]
    world.records.append((None, message.key))
    world.outbox = world.restarted()
    assert not world.outbox.messages
    assert [one for one in world.plan(NOW_MS + REMEMBERED_MS + 2) if one[0] == "platform"] == []


def test_mark_stays_while_a_message_waits(world: NotifyWorld) -> None:
    world.log(appeal(), outcome())
    world.plan(NOW_MS)
    late = NOW_MS + 5 * REMEMBERED_MS
    assert {one.channel for one in later_marks(world.config, world.outbox, late)} == {"mail"}
    assert forgotten(world.config, world.outbox, late) == []


def test_message_of_a_removed_channel_is_deleted_after_a_week(world: NotifyWorld) -> None:
    world.log(appeal(), outcome())
    world.plan(NOW_MS)
    (message,) = world.outbox.waiting("platform")
    others = {name: one for name, one in world.config.channels.items() if name != "platform"}
    config = world.config.model_copy(update={"channels": others})
    assert forgotten(config, world.outbox, message.planned_ms + REMEMBERED_MS) == []
    assert message.key in forgotten(config, world.outbox, message.planned_ms + REMEMBERED_MS + 1)


def test_full_channel_plans_no_more_and_loses_nothing(world: NotifyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "WAITING_MAX", 2)
    for number in range(3):
        world.log(hold(f"b{number}", action="block"))
    assert len(world.plan(NOW_MS + MINUTE_MS)) == 2
    for message in world.outbox.waiting("platform"):
        world.write(msgspec.structs.replace(message, sent_ms=NOW_MS, body=""))
    assert len(world.plan(NOW_MS + 2 * MINUTE_MS)) == 1


def test_mark_stays_while_notices_wait_for_a_full_channel(world: NotifyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process was away for longer than marks reach back."""
    monkeypatch.setattr(planning, "WAITING_MAX", 2)
    for number in range(3):
        world.log(hold(f"b{number}", action="block"))
    back_ms = NOW_MS + REMEMBERED_MS + DAY_MS
    assert len(world.plan(back_ms)) == 2
    world.write(*later_marks(world.config, world.outbox, back_ms))
    for message in world.outbox.waiting("platform"):
        world.write(msgspec.structs.replace(message, sent_ms=back_ms, body=""))
    assert len(world.plan(back_ms + MINUTE_MS)) == 1


def test_reason_cannot_add_lines_to_a_mail(world: NotifyWorld) -> None:
    world.log(hold(reason="x\r\nBcc: eve@example.org\u2028y"))
    world.plan(LAPSE_MS)
    (message,) = world.outbox.waiting("mail")
    assert len(message.body.splitlines()) == 1


@pytest.mark.parametrize("value", [b"", b"{}", b'{"kind":"mark"}', b"\xff"])
def test_unreadable_outbox_record_is_refused(value: bytes) -> None:
    with pytest.raises(ContractError, match="bad_record"):
        Outbox().apply(b"k", value)


def test_outbox_record_with_other_key_is_refused() -> None:
    value, _ = encode_outbox(NotifyMark(channel="mail", event="holds", from_ms=1))
    with pytest.raises(ContractError, match="bad_key"):
        Outbox().apply(b"mark|mail|appeals", value)


def test_message_id_depends_on_channel_event_and_notices_only() -> None:
    assert message_id("a", "holds", ["x", "y"]) == message_id("a", "holds", ["y", "x"])
    assert (
        len({message_id("a", "holds", ["x"]), message_id("b", "holds", ["x"]), message_id("a", "appeals", ["x"])}) == 3
    )


def test_doctests() -> None:
    for module in (outbox_module, channels):
        assert doctest.testmod(module).failed == 0
