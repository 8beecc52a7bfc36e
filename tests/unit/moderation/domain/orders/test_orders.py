"""The order service: outcomes in force, revocation, the two-person rule, and refused records."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from moderation.domain.orders import view
from moderation.domain.orders.errors import OrderRefused, StaleOrder
from moderation.domain.orders.selection import Selection
from moderation.domain.speakers import registry
from streams.errors import CallerMistake, ContractError
from streams.log.moderation import OtherRecord
from streams.orders.order import open_orders, order_deadlines
from streams.orders.records import OrderNote, OrderRuling, OrderStep, Target, decode_legal, encode_legal, ranges_of
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts, run

TAG = Target("hashtag", "harmtag", "HarmTag")
TWEET = Target("tweet", "900")
LEGAL = {"account|IN|legal|1": "suppress", "account|IN|legal|2": "suppress"}


def test_order_from_intake_to_revocation() -> None:
    world = OrdersWorld()
    order = world.intake([*accounts(1, 2, 3, 4), TAG, TWEET])
    world.review(order)
    world.rule(order, "withheld", "1", "2", "https://x.com/any/status/900")
    world.rule(order, "reduced", "#HARMTAG")
    world.rule(order, "suspended", "3")
    world.rule(order, "declined", "4")
    assert world.held() == {"account|*|human|3": "suppress"}, "a suspension is in force at once"
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    everything = {
        **LEGAL,
        "tweet|IN|legal|900": "suppress",
        "trends|IN|legal|harmtag": "suppress",
        "search|IN|legal|harmtag": "suppress",
        "account|*|human|3": "suppress",
    }
    assert world.held() == everything
    world.now_ms += HOUR_MS
    assert world.held() == {"account|*|human|3": "suppress"}, "an interim decision expires"
    world.step(order, "final")
    assert world.held() == everything
    world.now_ms += 10_000 * HOUR_MS
    assert world.held() == everything, "a final decision is in force until revoked"
    world.step(order, "revoked")
    assert world.held() == {"account|*|human|3": "suppress"}
    world.rule(order, "declined", "3", reason="appeal")
    assert world.held() == {}


def test_revoked_order_keeps_restrictions_of_others() -> None:
    world = OrdersWorld()
    first = world.intake([*accounts(1, 2), TAG])
    second = world.intake([*accounts(1, 2, 3), TAG], replace(HEAD, reference="EX/8"))
    for order in (first, second):
        world.review(order)
        world.rule(order, "withheld", selection=Selection(kinds=("account",)))
        world.rule(order, "reduced", "#harmtag")
        world.step(order, "final")
    world.rule(second, "suspended", "2")
    world.step(second, "revoked")
    assert world.held() == {
        **LEGAL,
        "account|*|human|2": "suppress",
        "trends|IN|legal|harmtag": "suppress",
        "search|IN|legal|harmtag": "suppress",
    }
    world.step(first, "revoked")
    assert world.held() == {"account|*|human|2": "suppress"}


def test_final_order_holds_after_interim_one_expires() -> None:
    world = OrdersWorld()
    first = world.intake(accounts(1))
    second = world.intake(accounts(1), replace(HEAD, reference="EX/8"))
    for order in (first, second):
        world.review(order)
        world.rule(order, "withheld", "1")
    world.step(first, "final")
    world.step(second, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.now_ms += 2 * HOUR_MS
    assert world.held() == {"account|IN|legal|1": "suppress"}, "the final order remains in force"


def test_restricting_protected_speaker_needs_two_people() -> None:
    world = OrdersWorld()
    world.protect("1")
    order = world.intake(accounts(1, 2))
    world.review(order)
    spared = world.rule(order, "withheld", selection=Selection()).plan
    assert (spared.decides, spared.proposes, spared.spared) == (1, 0, 1), "a filter leaves out protected speakers"
    first = world.rule(order, "withheld", "1", against_protected=True).plan
    assert (first.decides, first.proposes) == (0, 1)
    with pytest.raises(OrderRefused, match="1 of 2 targets has no outcome, or waits for a second person"):
        world.step(order, "final")
    assert world.rule(order, "withheld", "1", actor=" ANN", against_protected=True).plan.unchanged == 1
    assert world.desk.get(order).rows[0].ruling is None
    second = world.rule(order, "withheld", "1", actor="ben", against_protected=True).plan
    assert (second.decides, second.proposes, second.replaces) == (1, 0, ())
    ruling = world.desk.get(order).rows[0].ruling
    assert ruling is not None
    assert ruling.actors == ("ann", "ben")
    world.step(order, "final")
    assert world.held() == LEGAL


def test_ruling_names_the_outcomes_that_it_replaces() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2, 3))
    world.review(order)
    world.rule(order, "declined", "1")
    world.rule(order, "withheld", "2")
    again = world.rule(order, "withheld", selection=Selection(), reason="another").plan
    assert (again.decides, again.replaces) == (3, (("declined", 1), ("withheld", 1)))


@pytest.mark.parametrize(
    "name", [" ANN", "ann\u200b", "a\u00adnn", "\u202eann", "\u0430nn", "\uff41nn", "\u00e0nn", "a.nn", "Ann\u00a0"]
)
def test_look_alike_name_is_no_second_person(name: str) -> None:
    world = OrdersWorld()
    world.protect("1")
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1", against_protected=True)
    version = world.desk.get(order).version
    ruling = OrderRuling(
        id="r", order=order, targets=((0, 0),), outcome="withheld", ground="local_law", actor=name, reason="r",
        at_ms=NOW_MS, edits=version,
    )  # fmt: skip
    world.log.append(*encode_legal(ruling))
    assert world.desk.get(order).rows[0].ruling is None
    world.rule(order, "withheld", "1", actor="an", against_protected=True)  # a different name, although similar
    assert world.desk.get(order).rows[0].ruling is not None


def test_records_of_one_person_do_not_restrict_protected_speaker() -> None:
    world = OrdersWorld()
    world.protect("1", "news_media")
    order = world.intake(accounts(1))
    world.review(order)
    for number in range(3):
        ruling = OrderRuling(
            id=f"r{number}", order=order, targets=((0, 0),), outcome="suspended", ground="own_rules",
            actor="Ann" if number else "ann",
            reason="r", at_ms=NOW_MS, edits=world.desk.get(order).version,
        )  # fmt: skip
        world.log.append(*encode_legal(ruling))
    [row] = world.desk.get(order).rows
    assert row.ruling is None
    assert row.proposed is not None
    assert world.held() == {}


def test_other_outcome_is_a_new_proposal_and_declining_needs_one() -> None:
    world = OrdersWorld()
    world.protect("1")
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1", against_protected=True)
    assert world.rule(order, "suspended", "1", actor="ben", against_protected=True).plan.proposes == 1
    world.rule(order, "declined", "1", actor="cat", reason="protected speech")
    [row] = world.desk.get(order).rows
    assert row.ruling is not None
    assert (row.ruling.outcome, row.proposed) == ("declined", None)


def test_actor_of_registry_removal_cannot_rule_alone() -> None:
    world = OrdersWorld()
    world.protect("1")
    gone = registry.RegistryPlan(removed=("1",))
    run(world.desk.change_registry(lambda _: gone, actor="Eve", reason="no longer a journalist"))
    order = world.intake(accounts(1))
    world.review(order)
    alone = world.rule(order, "withheld", "1", actor="eve").plan
    assert (alone.decides, alone.spared) == (0, 1)
    assert world.rule(order, "withheld", "1", actor="eve", against_protected=True).plan.proposes == 1
    assert world.desk.get(order).rows[0].ruling is None
    assert world.rule(order, "withheld", "1", actor="ben").plan.decides == 1
    ruling = world.desk.get(order).rows[0].ruling
    assert ruling is not None
    assert ruling.outcome == "withheld"


def test_speaker_registered_after_ruling_blocks_step_until_confirmed() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2, 3))
    world.review(order)
    world.rule(order, "withheld", selection=Selection())
    world.protect("1")
    message = "1 of 3 targets waits for a second person: .* rule on it again, and a second person confirms"
    for to, expires_at_ms in (("interim", NOW_MS + HOUR_MS), ("final", 0)):
        with pytest.raises(OrderRefused, match=message):
            world.step(order, to, expires_at_ms=expires_at_ms)
    assert world.held() == {}
    world.protect("2")
    with pytest.raises(OrderRefused, match=r"2 of 3 targets wait .* rule on them again"):
        world.step(order, "final")
    waiting = Selection(waiting=True)
    assert world.rule(order, "withheld", selection=waiting, against_protected=True).plan.unchanged == 2
    seconded = world.rule(order, "withheld", "1", actor="ben", against_protected=True).plan
    assert (seconded.decides, seconded.proposes, seconded.unchanged) == (1, 0, 0)
    world.rule(order, "declined", selection=waiting, actor="ben")
    world.step(order, "final")
    assert world.held() == {"account|IN|legal|1": "suppress", "account|IN|legal|3": "suppress"}
    ruling = world.desk.get(order).rows[0].ruling
    assert ruling is not None
    assert ruling.actors == ("ann", "ben")


def test_order_in_force_is_not_prolonged_for_new_speaker() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.protect("1")
    assert world.held() == {"account|IN|legal|1": "suppress"}
    for to, expires_at_ms in (("interim", NOW_MS + 2 * HOUR_MS), ("final", 0)):
        with pytest.raises(OrderRefused, match="waits for a second person"):
            world.step(order, to, expires_at_ms=expires_at_ms)
    again = world.rule(order, "withheld", "1", reason="in other words", against_protected=True).plan
    assert again.unchanged == 1, "the same person cannot confirm"
    assert view.order_view(world.desk.get(order), world.desk.fold, NOW_MS).waiting == 1
    [row] = world.desk.get(order).rows
    waits_for = view.target_view(world.desk.get(order), row, world.desk.fold).waiting
    assert waits_for == "withheld by ann alone, before the account was protected"
    world.rule(order, "withheld", "1", actor="ben", against_protected=True)
    world.step(order, "final")
    assert world.held() == {"account|IN|legal|1": "suppress"}


def test_actor_who_ruled_and_removed_speaker_needs_another() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.protect("1")
    run(world.desk.change_registry(lambda _: registry.RegistryPlan(removed=("1",)), actor="ann", reason="r"))
    with pytest.raises(OrderRefused, match="second person"):
        world.step(order, "final")
    world.protect("1")
    run(world.desk.change_registry(lambda _: registry.RegistryPlan(removed=("1",)), actor="ben", reason="r"))
    world.step(order, "final")
    assert world.held() == {"account|IN|legal|1": "suppress"}


def test_order_is_declined_only_on_a_declining_ground() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    for ground in ("own_rules", "local_law"):
        with pytest.raises(OrderRefused, match=r"the ground of declined is one of protected_speech, .*, other"):
            run(world.desk.step(order, "declined", actor="ann", reason="r", ground=ground))
    assert world.desk.get(order).state == "received"
    legal_order = run(world.desk.step(order, "declined", actor="ann", reason="r", ground="overbroad"))
    assert legal_order.state == "declined"


def test_concurrent_ruling_makes_the_second_stale() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    world.review(order)
    seen = world.desk.get(order).version
    world.log.before_send = lambda: world.rule(order, "declined", "1", actor="ben", reason="quick")
    with pytest.raises(StaleOrder, match=r"ben ruled declined on 1 target, .*: quick") as caught:
        world.rule(order, "withheld", "1")
    assert caught.value.exit_code == 3
    with pytest.raises(StaleOrder):
        run(world.desk.step(order, "declined", actor="cat", reason="r", expected=seen))
    ruling = world.desk.get(order).rows[0].ruling
    assert ruling is not None
    assert ruling.outcome == "declined"


@pytest.mark.parametrize(
    ("states", "to", "message"),
    [
        ((), "final", "received cannot become final, only acknowledged, declined, revoked"),
        (("acknowledged",), "interim", "acknowledged cannot become interim"),
        (("declined",), "revoked", "declined cannot become revoked, only nothing"),
        (("acknowledged", "under_review"), "final", "2 of 2 targets have no outcome"),
    ],
)
def test_invalid_step_is_refused(states: tuple[str, ...], to: str, message: str) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    if states:
        world.step(order, *states)
    with pytest.raises(OrderRefused, match=message):
        world.step(order, to, expires_at_ms=NOW_MS + 1 if to == "interim" else 0)


def test_invalid_ruling_is_refused() -> None:
    world = OrdersWorld()
    order = world.intake([*accounts(1), TAG])
    with pytest.raises(OrderRefused, match="ruled on once it is under review"):
        world.rule(order, "withheld", "1")
    world.review(order)
    with pytest.raises(CallerMistake, match="none of these 1 targets can be withheld"):
        world.rule(order, "withheld", "#harmtag")
    assert world.rule(order, "withheld", selection=Selection()).plan.unfit == 1
    with pytest.raises(CallerMistake, match="'7' is not a target"):
        world.rule(order, "withheld", "7")
    with pytest.raises(OrderRefused, match="needs the surfaces"):
        world.rule(order, "reduced", "#harmtag", surfaces=())
    with pytest.raises(CallerMistake, match="no order"):
        world.step("IN-0000000000", "acknowledged")
    with pytest.raises(OrderRefused, match="expire before it begins"):
        world.step(order, "interim", expires_at_ms=NOW_MS)


def test_dry_run_writes_nothing() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    world.review(order)
    written = len(world.log.records)
    assert world.rule(order, "withheld", selection=Selection(), dry_run=True).plan.decides == 2
    assert len(world.log.records) == written
    assert world.rule(order, "withheld", selection=Selection()).plan.decides == 2
    assert world.rule(order, "withheld", selection=Selection()).plan.unchanged == 2
    assert len(world.log.records) == written + 1, "a bulk ruling is one record, or none if nothing changes"


def test_clock_runs_to_deadline_then_to_interim_end() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    other = world.intake(accounts(1), replace(HEAD, country="DE", deadline_ms=NOW_MS - 5_000))
    fold = world.desk.fold.by_id
    assert [legal_order.id for legal_order in open_orders(fold.values())] == [other, order]
    found = [(one.order, one.country, one.seconds) for one in order_deadlines(open_orders(fold.values()), NOW_MS)]
    assert found == [(other, "DE", -5.0), (order, "IN", 48 * 3600.0)]
    world.review(order)
    world.step(order, "interim", expires_at_ms=NOW_MS + 1_000)
    world.step(other, "declined")
    [running] = order_deadlines(open_orders(fold.values()), NOW_MS)
    assert (running.order, running.seconds) == (order, 1.0)
    world.step(order, "revoked")
    assert order_deadlines(open_orders(fold.values()), NOW_MS) == []


def test_notes_and_assignment_keep_the_version() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    version = world.desk.get(order).version
    run(world.desk.note(order, actor="ann", text="asked counsel", assignee="ben"))
    legal_order = run(world.desk.note(order, actor="ben", text="answered"))
    assert (legal_order.version, legal_order.assignee, [note.text for note in legal_order.notes]) == (
        version, "ben", ["asked counsel", "answered"],
    )  # fmt: skip


def test_record_that_readers_would_reject_is_not_sent() -> None:
    """The codec would drop such a record, and its writer would get no error."""
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    written = len(world.log.records)
    with pytest.raises(
        OrderRefused, match="nothing was written, readers would reject endless in expires_at_ms"
    ) as endless:
        world.step(order, "interim")
    assert endless.value.fix == "give the interim decision an expiry"
    with pytest.raises(OrderRefused, match=r"bad_record.*expires_at_ms"):
        world.step(order, "interim", expires_at_ms=10**15)
    with pytest.raises(OrderRefused, match=r"bad_record.*at `\$.text`") as long:
        run(world.desk.note(order, actor="ann", text=" " + "x" * 2000))
    assert long.value.fix
    entry = registry.SpeakerEntry("77x", "journalist")
    with pytest.raises(OrderRefused, match=r"^77x: nothing was written"):
        run(
            world.desk.change_registry(lambda fold: registry.plan_import([entry], fold.speakers), actor="a", reason="r")
        )
    assert len(world.log.records) == written
    assert world.desk.get(order).state == "under_review"


@pytest.mark.parametrize(("name", "message"), [("x" * 2001, "longer than 2000"), ("\udcff", "control characters")])
def test_invalid_assignee_is_refused(name: str, message: str) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    with pytest.raises(CallerMistake, match=message) as caught:
        run(world.desk.note(order, actor="ann", assignee=name))
    assert caught.value.fix
    assert run(world.desk.note(order, actor="ann", assignee="x" * 2000)).assignee == "x" * 2000
    assert run(world.desk.note(order, actor="ann", assignee="")).assignee == ""


def test_incomplete_intake_creates_no_order() -> None:
    whole = OrdersWorld()
    order = whole.intake(accounts(*range(5_000)))
    assert len(whole.log.records) == 4
    for missing in range(4):
        world = OrdersWorld()
        for at, record in enumerate(whole.log.records):
            if at != missing:
                world.log.append(*record)
        assert world.desk.fold.by_id == {}
    assert [row.target.value for row in whole.desk.get(order).rows] == [str(n) for n in range(5_000)]


def test_records_round_trip_and_malformed_ones_are_refused() -> None:
    step = OrderStep(id="a", order=HEAD.id, to="final", actor="ann", reason="r", at_ms=1, edits="")
    ruling = OrderRuling(id="b", order=HEAD.id, targets=((0, 3), (5, 5)), outcome="declined", actor="a", reason="r",
                         at_ms=1, edits="")  # fmt: skip
    for record in (step, ruling, OrderNote(id="c", order=HEAD.id, text="t", actor="a", at_ms=1)):
        value, key = encode_legal(record)
        kind = json.loads(value)["kind"]
        assert decode_legal(OtherRecord(kind, key, value)) == record
        with pytest.raises(ContractError, match="bad_key"):
            decode_legal(OtherRecord(kind, key + b"x", value))
    assert decode_legal(OtherRecord("appeal", b"k", b"{}")) is None
    for reason, bad in {
        "endless": {"kind": "order_step", **_plain(step), "to": "interim"},
        "bad_ranges": {"kind": "order_ruling", **_plain(ruling), "targets": [[3, 5], [5, 6]]},
        "bad_record": {"kind": "order_step", **_plain(step), "to": "closed"},
    }.items():
        kind, key = str(bad["kind"]), f"order:{HEAD.id}|legal|{bad['id']}|IN".encode()
        with pytest.raises(ContractError) as caught:
            decode_legal(OtherRecord(kind, key, json.dumps(bad).encode()))
        assert caught.value.reason == reason
    world = OrdersWorld()
    world.log.append(b'{"kind":"order_step"}', b"k")
    assert [bad.offset for bad in world.log.view.bad] == [0]
    assert ranges_of([]) == ()


def _plain(record: object) -> dict[str, object]:
    return dict(json.loads(encode_legal(record)[0]))  # type: ignore[arg-type]
