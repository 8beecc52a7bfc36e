"""Fields of audit entries: types and days that a report is recounted from, and the way back to the record."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.leaf_fields import Values, fields_of, input_of
from streams.errors import ContractError
from streams.log.decisions import Decision, DecisionReason, ScopeDecision, encode_record, version_of
from streams.log.moderation import Override, TagRecord, Undo, encode_moderation
from streams.log.topic_specs import DECISIONS, MODERATION, POLICY
from streams.orders.records import (
    LegalRecord,
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderReceived,
    OrderRuling,
    OrderStep,
    encode_legal,
)

DAY_MS = 86_400_000
AT_MS = 1_612_800_000_000
TODAY, BEFORE = "2021-02-08", "2021-02-06"
VERSION = version_of(7, 10_000)


def fields(value: bytes | None, key: bytes | None = b"", topic: str = MODERATION, note: str = "") -> Values:
    return fields_of(AuditInput(SourcePosition(topic, 0, 7, AT_MS), key, value, note))


def of_people(record: TagRecord) -> Values:
    return fields(*encode_moderation(record))


def of_order(record: LegalRecord) -> Values:
    return fields(*encode_legal(record))


def override(action: str = "block", **changes: object) -> Override:
    given = {
        "id": "b1", "hashtag": "rumour", "display": "Rumour", "country": "IN", "surfaces": ("trends",), "actor": "ann",
        "reason": "a false alarm", "at_ms": AT_MS - 2 * DAY_MS, "expires_at_ms": AT_MS + DAY_MS, "action": action,
    }  # fmt: skip
    return Override(**given | changes)  # type: ignore[arg-type]


def received(**changes: object) -> OrderReceived:
    given = {
        "order": "IN-3f9a2c71b0", "intake": "i1", "parts": 1, "added": 3, "authority": "Ministry", "country": "IN",
        "legal_basis": "69A", "reference": "R/1", "issued_ms": 0, "received_ms": AT_MS - 2 * DAY_MS,
        "deadline_ms": AT_MS, "confidential": False, "actor": "counsel", "at_ms": AT_MS,
    }  # fmt: skip
    return OrderReceived(**given | changes)  # type: ignore[arg-type]


def decision(*actions: str, country: str = "IN") -> Decision:
    rulings = tuple(
        ScopeDecision(category="abuse", surface=surface, action=action, since_ms=0, expires_at_ms=1,
                      reasons=(DecisionReason("harmful_share_lower", 0.41, 0.35),))  # type: ignore[arg-type]
        for surface, action in zip(("search", "trends"), actions, strict=False)
    )  # fmt: skip
    return Decision(
        hashtag="rumour", display="Rumour", country=country, rulings=rulings, version=VERSION, tick_ms=0, settled_ms=0,
        decided_at_ms=AT_MS - 2 * DAY_MS, policy_revision="p1", model_revision="m1",
    )  # fmt: skip


def test_override_counts_by_verb_country_and_log_day() -> None:
    found = of_people(override())
    assert (found["type"], found["period"], found["time"]) == ("override/block/IN", TODAY, f"{TODAY}T16:00:00.000Z")
    assert (found["hashtag"], found["country"], found["action"], found["reason"]) == (
        "rumour", "IN", "block", "a false alarm",
    )  # fmt: skip
    assert (found["source"], found["policy_revision"]) == ("moderation/0/7", None)


def test_pause_and_undo_are_verbs_of_their_own() -> None:
    assert of_people(override("allow", hashtag="*", display="*"))["type"] == "override/pause/IN"
    undo = Undo(
        id="u1", hashtag="rumour", display="Rumour", country="*", surfaces=("trends",), actor="ann", reason="over",
        at_ms=AT_MS, undoes=("b1",),
    )  # fmt: skip
    assert of_people(undo)["type"] == "override/undo/*"


def test_decision_opens_each_restricting_ruling() -> None:
    found = fields(encode_record(decision("discount", "suppress")), topic=DECISIONS)
    assert (found["type"], found["period"]) == ("decision/suppress/IN", BEFORE)
    assert (found["hashtag"], found["action"], found["policy_revision"]) == ("rumour", "suppress, discount", "p1")
    assert found["reason"] == (
        "abuse on search: discount (harmful_share_lower 0.41 past 0.35); "
        "abuse on trends: suppress (harmful_share_lower 0.41 past 0.35)"
    )


def test_decision_opens_no_ruling_that_restricts_nothing() -> None:
    found = fields(encode_record(decision("shadow", "suppress")), topic=DECISIONS)
    assert (found["type"], found["action"]) == ("decision/suppress/IN", "suppress")
    assert found["reason"] == "abuse on trends: suppress (harmful_share_lower 0.41 past 0.35)"
    cleared = fields(encode_record(decision("review", "clear")), topic=DECISIONS)
    assert (cleared["type"], cleared["action"], cleared["reason"]) == ("decision/review/IN", None, None)


def test_order_counts_by_its_receipt() -> None:
    found = of_order(received())
    assert (found["type"], found["period"], found["country"]) == ("order/received/IN", BEFORE, "IN")


@pytest.mark.parametrize(
    "record",
    [
        received(confidential=True),
        received(edits=VERSION),
        OrderStep(id="s", order="IN-3f9a2c71b0", to="final", actor="a", reason="r", at_ms=AT_MS, edits=""),
        OrderRuling(
            id="r", order="IN-3f9a2c71b0", targets=((0, 1),), outcome="withheld", actor="a", reason="r", at_ms=AT_MS,
            edits="",
        ),
        OrderAmendment(id="m", order="IN-3f9a2c71b0", dropped=((0, 1),), actor="a", reason="r", at_ms=AT_MS, edits=""),
    ],
)  # fmt: skip
def test_confidential_orders_look_like_any_record_of_people(record: LegalRecord) -> None:
    found = of_order(record)
    assert (found["type"], found["period"]) == ("record", TODAY)


def test_ruling_opens_outcome_ground_and_reason() -> None:
    ruling = OrderRuling(
        id="r", order="IN-3f9a2c71b0", targets=((0, 1),), outcome="declined", ground="protected_speech", actor="a",
        reason="news media", at_ms=AT_MS, edits="",
    )  # fmt: skip
    found = of_order(ruling)
    assert (found["country"], found["action"], found["reason"]) == ("IN", "declined", "protected_speech: news media")


def test_amendment_opens_its_answer_and_reason() -> None:
    verdict = OrderAmendmentVerdict(
        id="v", order="IN-3f9a2c71b0", amendment="m", verdict="approve", actor="b", reason="checked", at_ms=AT_MS,
        edits="",
    )  # fmt: skip
    opened = of_order(verdict)
    assert (opened["country"], opened["action"], opened["reason"]) == ("IN", "approve amendment", "checked")


@pytest.mark.parametrize(
    ("topic", "value", "note", "type_"),
    [
        (POLICY, b'{"serial":1}', "", "policy"),
        (MODERATION, b'{"kind":"audit_erasure"}', "", "erasure"),
        (MODERATION, b'{"kind":"appeal"}', "", "record"),
        (MODERATION, None, "kept as its hash, for it names people: speaker", "record"),
        (MODERATION, None, "lost: offsets 3 to 7 were gone", "note"),
        (MODERATION, b'{"kind":"override"}', "", "record"),
        (MODERATION, b"\xff", "", "record"),
        (DECISIONS, None, "", "record"),
        (DECISIONS, encode_record(decision("suppress", country="India")), "", "record"),
        (DECISIONS, encode_record(decision()), "", "record"),
        ("elsewhere", b"{}", "", "record"),
    ],
)
def test_type_is_a_closed_word(topic: str, value: bytes | None, note: str, type_: str) -> None:
    found = fields(value, topic=topic, note=note)
    assert (found["type"], found["period"]) == (type_, TODAY)


@given(st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=20), st.integers(-1, 2**42))
def test_record_returns_from_fields(key: bytes | None, value: bytes | None, at_ms: int) -> None:
    one = AuditInput(SourcePosition(MODERATION, 0, 3, at_ms), key, value)
    assert input_of(fields_of(one)) == one


@pytest.mark.parametrize("changes", [{"source": "moderation/0"}, {"time": "yesterday"}, {"record": "base64:?"}])
def test_foreign_fields_are_no_entry(changes: Values) -> None:
    with pytest.raises(ContractError):
        input_of(fields(b"") | changes)


def test_fields_have_the_order_of_leaves() -> None:
    disclosure = pytest.importorskip("moderation.publiclog.disclosure")
    assert tuple(fields(b"")) == disclosure.FIELDS
    assert [name for name, _ in groupby(fields(b""))] == list(fields(b""))
