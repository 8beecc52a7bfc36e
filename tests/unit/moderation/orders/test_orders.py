"""Orders from their records: what is put in force, what is undone, who may decide, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from moderation import speakers
from moderation.orders import view
from moderation.orders.errors import NotAllowed, StaleOrder
from moderation.orders.select import Selection
from streams.errors import CallerMistake, ContractError
from streams.log.moderation import OtherRecord
from streams.orders.deadlines import clocks, open_cases
from streams.orders.records import OrderNote, OrderRuling, OrderStep, Target, decode_case, encode_case, ranges_of
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, World, accounts, run

TAG = Target("hashtag", "harmtag", "HarmTag")
TWEET = Target("tweet", "900")
LEGAL = {"account|IN|legal|1": "suppress", "account|IN|legal|2": "suppress"}


def test_an_order_from_intake_to_revocation() -> None:
    world = World()
    order = world.intake([*accounts(1, 2, 3, 4), TAG, TWEET])
    world.review(order)
    world.rule(order, "withheld", "1", "2", "https://x.com/any/status/900")
    world.rule(order, "reduced", "#HARMTAG")
    world.rule(order, "suspended", "3")
    world.rule(order, "declined", "4")
    assert world.held() == {"account|*|human|3": "suppress"}, "a suspension is under our own rules, and stands at once"
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
    assert world.held() == {"account|*|human|3": "suppress"}, "an interim decision ends by itself"
    world.step(order, "final")
    assert world.held() == everything
    world.now_ms += 10_000 * HOUR_MS
    assert world.held() == everything, "a final one stands until revoked"
    world.step(order, "revoked")
    assert world.held() == {"account|*|human|3": "suppress"}
    world.rule(order, "declined", "3", reason="appeal")
    assert world.held() == {}


def test_revoking_ends_nothing_that_another_order_or_a_person_holds() -> None:
    world = World()
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


def test_a_second_order_over_an_interim_one_and_back() -> None:
    world = World()
    first = world.intake(accounts(1))
    second = world.intake(accounts(1), replace(HEAD, reference="EX/8"))
    for order in (first, second):
        world.review(order)
        world.rule(order, "withheld", "1")
    world.step(first, "final")
    world.step(second, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.now_ms += 2 * HOUR_MS
    assert world.held() == {"account|IN|legal|1": "suppress"}, "the final one stands below the one that ran out"


def test_two_people_act_against_a_protected_speaker() -> None:
    world = World()
    world.protect("1")
    order = world.intake(accounts(1, 2))
    world.review(order)
    spared = world.rule(order, "withheld", selection=Selection()).plan
    assert (spared.decides, spared.proposes, spared.spared) == (1, 0, 1), "a filter does not mean them by chance"
    first = world.rule(order, "withheld", "1", against_protected=True).plan
    assert (first.decides, first.proposes) == (0, 1)
    with pytest.raises(NotAllowed, match="1 of 2 targets has no outcome, or waits for a second person"):
        world.step(order, "final")
    assert world.rule(order, "withheld", "1", actor=" ANN", against_protected=True).plan.unchanged == 1
    assert world.desk.case(order).rows[0].ruling is None
    second = world.rule(order, "withheld", "1", actor="ben", against_protected=True).plan
    assert (second.decides, second.proposes) == (1, 0)
    ruling = world.desk.case(order).rows[0].ruling
    assert ruling is not None
    assert ruling.actors == ("ann", "ben")
    world.step(order, "final")
    assert world.held() == LEGAL


@pytest.mark.parametrize(
    "name", [" ANN", "ann\u200b", "a\u00adnn", "\u202eann", "\u0430nn", "\uff41nn", "\u00e0nn", "a.nn", "Ann\u00a0"]
)
def test_a_name_in_disguise_is_no_second_person(name: str) -> None:
    world = World()
    world.protect("1")
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1", against_protected=True)
    version = world.desk.case(order).version
    ruling = OrderRuling(
        id="r", order=order, targets=((0, 0),), outcome="withheld", ground="local_law", actor=name, reason="r",
        at_ms=NOW_MS, edits=version,
    )  # fmt: skip
    world.log.append(*encode_case(ruling))
    assert world.desk.case(order).rows[0].ruling is None
    world.rule(order, "withheld", "1", actor="an", against_protected=True)  # another name, however like it
    assert world.desk.case(order).rows[0].ruling is not None


def test_one_person_alone_cannot_even_by_writing_to_the_log() -> None:
    world = World()
    world.protect("1", "news_media")
    order = world.intake(accounts(1))
    world.review(order)
    for number in range(3):
        ruling = OrderRuling(
            id=f"r{number}", order=order, targets=((0, 0),), outcome="suspended", ground="own_rules",
            actor="Ann" if number else "ann",
            reason="r", at_ms=NOW_MS, edits=world.desk.case(order).version,
        )  # fmt: skip
        world.log.append(*encode_case(ruling))
    [row] = world.desk.case(order).rows
    assert row.ruling is None
    assert row.proposed is not None
    assert world.held() == {}


def test_another_outcome_is_a_proposal_of_its_own_and_declining_needs_one() -> None:
    world = World()
    world.protect("1")
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1", against_protected=True)
    assert world.rule(order, "suspended", "1", actor="ben", against_protected=True).plan.proposes == 1
    world.rule(order, "declined", "1", actor="cat", reason="protected speech")
    [row] = world.desk.case(order).rows
    assert row.ruling is not None
    assert (row.ruling.outcome, row.proposed) == ("declined", None)


def test_nobody_removes_a_speaker_and_acts_alone() -> None:
    world = World()
    world.protect("1")
    gone = speakers.Plan(removed=("1",))
    run(world.desk.change_registry(lambda _: gone, actor="Eve", reason="no longer a journalist"))
    order = world.intake(accounts(1))
    world.review(order)
    alone = world.rule(order, "withheld", "1", actor="eve").plan
    assert (alone.decides, alone.spared) == (0, 1)
    assert world.rule(order, "withheld", "1", actor="eve", against_protected=True).plan.proposes == 1
    assert world.desk.case(order).rows[0].ruling is None
    assert world.rule(order, "withheld", "1", actor="ben").plan.decides == 1
    ruling = world.desk.case(order).rows[0].ruling
    assert ruling is not None
    assert ruling.outcome == "withheld"


def test_whoever_is_registered_after_a_ruling_needs_a_second_person_before_the_order_moves_on() -> None:
    world = World()
    order = world.intake(accounts(1, 2, 3))
    world.review(order)
    world.rule(order, "withheld", selection=Selection())
    world.protect("1")
    told = "1 of 3 targets waits for a second person: .* rule on it again, and a second person confirms"
    for to, expires_at_ms in (("interim", NOW_MS + HOUR_MS), ("final", 0)):
        with pytest.raises(NotAllowed, match=told):
            world.step(order, to, expires_at_ms=expires_at_ms)
    assert world.held() == {}
    world.protect("2")
    with pytest.raises(NotAllowed, match=r"2 of 3 targets wait .* rule on them again"):
        world.step(order, "final")
    waiting = Selection(waiting=True)
    assert world.rule(order, "withheld", selection=waiting, against_protected=True).plan.unchanged == 2
    seconded = world.rule(order, "withheld", "1", actor="ben", against_protected=True).plan
    assert (seconded.decides, seconded.proposes, seconded.unchanged) == (1, 0, 0)
    world.rule(order, "declined", selection=waiting, actor="ben")
    world.step(order, "final")
    assert world.held() == {"account|IN|legal|1": "suppress", "account|IN|legal|3": "suppress"}
    ruling = world.desk.case(order).rows[0].ruling
    assert ruling is not None
    assert ruling.actors == ("ann", "ben")


def test_an_order_in_force_keeps_its_effect_when_a_speaker_is_registered_and_is_not_prolonged() -> None:
    world = World()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.protect("1")
    assert world.held() == {"account|IN|legal|1": "suppress"}
    for to, expires_at_ms in (("interim", NOW_MS + 2 * HOUR_MS), ("final", 0)):
        with pytest.raises(NotAllowed, match="waits for a second person"):
            world.step(order, to, expires_at_ms=expires_at_ms)
    again = world.rule(order, "withheld", "1", reason="in other words", against_protected=True).plan
    assert again.unchanged == 1, "the same person is no second one"
    assert view.case_as_dict(world.desk.case(order), world.desk.cases, NOW_MS)["waiting"] == 1
    [row] = world.desk.case(order).rows
    told = view.row_as_dict(world.desk.case(order), row, world.desk.cases)["waiting"]
    assert told == "withheld by ann alone, before the account was protected"
    world.rule(order, "withheld", "1", actor="ben", against_protected=True)
    world.step(order, "final")
    assert world.held() == {"account|IN|legal|1": "suppress"}


def test_whoever_ruled_alone_and_removes_the_speaker_is_still_one_person() -> None:
    world = World()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.protect("1")
    run(world.desk.change_registry(lambda _: speakers.Plan(removed=("1",)), actor="ann", reason="r"))
    with pytest.raises(NotAllowed, match="second person"):
        world.step(order, "final")
    world.protect("1")
    run(world.desk.change_registry(lambda _: speakers.Plan(removed=("1",)), actor="ben", reason="r"))
    world.step(order, "final")
    assert world.held() == {"account|IN|legal|1": "suppress"}


def test_a_whole_order_is_declined_on_a_ground_for_declining() -> None:
    world = World()
    order = world.intake(accounts(1))
    for ground in ("own_rules", "local_law"):
        with pytest.raises(NotAllowed, match=r"the ground of declined is one of protected_speech, .*, other"):
            run(world.desk.step(order, "declined", actor="ann", reason="r", ground=ground))
    assert world.desk.case(order).state == "received"
    case = run(world.desk.step(order, "declined", actor="ann", reason="r", ground="overbroad"))
    assert case.state == "declined"


def test_only_one_of_two_decisions_at_once_counts() -> None:
    world = World()
    order = world.intake(accounts(1, 2))
    world.review(order)
    seen = world.desk.case(order).version
    world.log.before_send = lambda: world.rule(order, "declined", "1", actor="ben", reason="quick")
    with pytest.raises(StaleOrder, match=r"ben ruled declined on 1 target, .*: quick") as caught:
        world.rule(order, "withheld", "1")
    assert caught.value.exit_code == 3
    with pytest.raises(StaleOrder):
        run(world.desk.step(order, "declined", actor="cat", reason="r", expected=seen))
    ruling = world.desk.case(order).rows[0].ruling
    assert ruling is not None
    assert ruling.outcome == "declined"


@pytest.mark.parametrize(
    ("states", "to", "told"),
    [
        ((), "final", "received cannot become final, only acknowledged, declined, revoked"),
        (("acknowledged",), "interim", "acknowledged cannot become interim"),
        (("declined",), "revoked", "declined cannot become revoked, only nothing"),
        (("acknowledged", "under_review"), "final", "2 of 2 targets have no outcome"),
    ],
)
def test_steps_that_there_are_not(states: tuple[str, ...], to: str, told: str) -> None:
    world = World()
    order = world.intake(accounts(1, 2))
    if states:
        world.step(order, *states)
    with pytest.raises(NotAllowed, match=told):
        world.step(order, to, expires_at_ms=NOW_MS + 1 if to == "interim" else 0)


def test_what_a_target_cannot_be() -> None:
    world = World()
    order = world.intake([*accounts(1), TAG])
    with pytest.raises(NotAllowed, match="ruled on once it is under review"):
        world.rule(order, "withheld", "1")
    world.review(order)
    with pytest.raises(CallerMistake, match="none of these 1 targets can be withheld"):
        world.rule(order, "withheld", "#harmtag")
    assert world.rule(order, "withheld", selection=Selection()).plan.unfit == 1
    with pytest.raises(CallerMistake, match="'7' is not a target"):
        world.rule(order, "withheld", "7")
    with pytest.raises(NotAllowed, match="on which surfaces"):
        world.rule(order, "reduced", "#harmtag", surfaces=())
    with pytest.raises(CallerMistake, match="no order"):
        world.step("IN-0000000000", "acknowledged")
    with pytest.raises(NotAllowed, match="over before it begins"):
        world.step(order, "interim", expires_at_ms=NOW_MS)


def test_a_dry_run_writes_nothing() -> None:
    world = World()
    order = world.intake(accounts(1, 2))
    world.review(order)
    written = len(world.log.records)
    assert world.rule(order, "withheld", selection=Selection(), dry_run=True).plan.decides == 2
    assert len(world.log.records) == written
    assert world.rule(order, "withheld", selection=Selection()).plan.decides == 2
    assert world.rule(order, "withheld", selection=Selection()).plan.unchanged == 2
    assert len(world.log.records) == written + 1, "a bulk decision is one record, and none where nothing changes"


def test_the_clock_runs_to_the_deadline_and_then_to_the_end_of_the_interim_decision() -> None:
    world = World()
    order = world.intake(accounts(1))
    other = world.intake(accounts(1), replace(HEAD, country="DE", deadline_ms=NOW_MS - 5_000))
    cases = world.desk.cases.cases
    assert [case.id for case in open_cases(cases.values())] == [other, order]
    found = {clock.country: (clock.nearest_seconds, clock.open_orders) for clock in clocks(cases.values(), NOW_MS)}
    assert found == {"DE": (-5.0, 1), "IN": (48 * 3600.0, 1)}
    world.review(order)
    world.step(order, "interim", expires_at_ms=NOW_MS + 1_000)
    world.step(other, "declined")
    assert [(c.country, c.nearest_seconds) for c in clocks(cases.values(), NOW_MS)] == [("IN", 1.0)]


def test_notes_and_assignment_move_no_version() -> None:
    world = World()
    order = world.intake(accounts(1))
    version = world.desk.case(order).version
    run(world.desk.note(order, actor="ann", text="asked counsel", assignee="ben"))
    case = run(world.desk.note(order, actor="ben", text="answered"))
    assert (case.version, case.assignee, [note.text for note in case.notes]) == (
        version, "ben", ["asked counsel", "answered"],
    )  # fmt: skip


def test_what_no_reader_takes_is_refused_before_it_is_sent() -> None:
    """Its codec would drop it, no fold would hear of it, and its writer would believe that it counts."""
    world = World()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    written = len(world.log.records)
    with pytest.raises(
        NotAllowed, match="nothing was written, for no reader takes endless in expires_at_ms"
    ) as endless:
        world.step(order, "interim")
    assert endless.value.fix == "an interim decision needs an expiry of its own"
    with pytest.raises(NotAllowed, match=r"bad_record.*expires_at_ms"):
        world.step(order, "interim", expires_at_ms=10**15)
    with pytest.raises(NotAllowed, match=r"bad_record.*at `\$.text`") as long:
        run(world.desk.note(order, actor="ann", text=" " + "x" * 2000))
    assert long.value.fix
    entry = speakers.Entry("77x", "journalist")
    with pytest.raises(NotAllowed, match=r"^77x: nothing was written"):
        run(world.desk.change_registry(lambda cases: speakers.plan([entry], cases.speakers), actor="a", reason="r"))
    assert len(world.log.records) == written
    assert world.desk.case(order).state == "under_review"


@pytest.mark.parametrize(("name", "told"), [("x" * 2001, "longer than 2000"), ("\udcff", "control characters")])
def test_a_name_that_cannot_have_an_order_is_told(name: str, told: str) -> None:
    world = World()
    order = world.intake(accounts(1))
    with pytest.raises(CallerMistake, match=told) as caught:
        run(world.desk.note(order, actor="ann", assignee=name))
    assert caught.value.fix
    assert run(world.desk.note(order, actor="ann", assignee="x" * 2000)).assignee == "x" * 2000
    assert run(world.desk.note(order, actor="ann", assignee="")).assignee == ""


def test_an_intake_that_breaks_off_is_no_order() -> None:
    whole = World()
    order = whole.intake(accounts(*range(5_000)))
    assert len(whole.log.records) == 4
    for missing in range(4):
        world = World()
        for at, record in enumerate(whole.log.records):
            if at != missing:
                world.log.append(*record)
        assert world.desk.cases.cases == {}
    assert [row.target.value for row in whole.desk.case(order).rows] == [str(n) for n in range(5_000)]


def test_records_survive_the_topic_and_bad_ones_are_told() -> None:
    step = OrderStep(id="a", order=HEAD.id, to="final", actor="ann", reason="r", at_ms=1, edits="")
    ruling = OrderRuling(id="b", order=HEAD.id, targets=((0, 3), (5, 5)), outcome="declined", actor="a", reason="r",
                         at_ms=1, edits="")  # fmt: skip
    for record in (step, ruling, OrderNote(id="c", order=HEAD.id, text="t", actor="a", at_ms=1)):
        value, key = encode_case(record)
        kind = json.loads(value)["kind"]
        assert decode_case(OtherRecord(kind, key, value)) == record
        with pytest.raises(ContractError, match="bad_key"):
            decode_case(OtherRecord(kind, key + b"x", value))
    assert decode_case(OtherRecord("appeal", b"k", b"{}")) is None
    for reason, bad in {
        "endless": {"kind": "order_step", **_plain(step), "to": "interim"},
        "bad_ranges": {"kind": "order_ruling", **_plain(ruling), "targets": [[3, 5], [5, 6]]},
        "bad_record": {"kind": "order_step", **_plain(step), "to": "closed"},
    }.items():
        kind, key = str(bad["kind"]), f"order:{HEAD.id}|legal|{bad['id']}|IN".encode()
        with pytest.raises(ContractError) as caught:
            decode_case(OtherRecord(kind, key, json.dumps(bad).encode()))
        assert caught.value.reason == reason
    world = World()
    world.log.append(b'{"kind":"order_step"}', b"k")
    assert [bad.offset for bad in world.log.view.bad] == [0]
    assert ranges_of([]) == ()


def _plain(record: object) -> dict[str, object]:
    return dict(json.loads(encode_case(record)[0]))  # type: ignore[arg-type]
