"""Encoding of registers and replies: round trips, and malformed values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hushtag_client import Reason, Register, RegisterError
from hushtag_client.keys import field_bytes, field_text
from hushtag_client.registers import decode, encode
from hushtag_client.replica import read_register
from hushtag_client.wire import MarkPosition, PollState, ReadChanges, ScanRegisters, ServerPosition, commands, reply
from hypothesis import given, settings
from hypothesis import strategies as st

FULL = Register(
    version="0000.0000000000000000009.000001800000000",
    action="hold",
    hashtag="किसान",
    surface="trends",
    country="IN",
    expires_at_ms=5,
    keep_until_ms=9,
    display="किसान",
    category="abuse",
    weight=0.25,
    reasons=(Reason(signal="share_lower", value=0.41, threshold=0.35),),
    evidence={"authors": 40, "sampled": ["1", "2"], "burst": None},
    actor="hushtag",
    policy_revision="ab12",
    model_revision="cd34",
    provisional=True,
    decided_at_ms=4,
)


def test_register_round_trips() -> None:
    value = encode(FULL)
    assert decode(value) == FULL
    assert value.startswith(b'{"version":"0000.0000000000000000009.000001800000000","action":"hold",')
    assert value.isascii()
    assert read_register(FULL.field, value) == FULL


def test_unknown_and_optional_members() -> None:
    read = json.loads(encode(FULL))
    assert decode(json.dumps(read | {"added_later": {"x": 1}})) == FULL
    for optional in (
        "display",
        "category",
        "weight",
        "reasons",
        "evidence",
        "actor",
        "policy_revision",
        "decided_at_ms",
    ):
        assert decode(json.dumps({k: v for k, v in read.items() if k != optional})).version == FULL.version


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": ""}, {"version": "x"}, {"version": 7}, {"action": "Ban!"}, {"action": ""}, {"action": None},
        {"source": "robot"},
        {"surface": "a|b"}, {"surface": ""}, {"country": ""}, {"hashtag": ""}, {"expires_at_ms": "5"},
        {"expires_at_ms": True}, {"expires_at_ms": -1}, {"expires_at_ms": 1.5}, {"keep_until_ms": -1},
        {"category": 3}, {"expires_at_ms": 0},
        {"weight": -0.01}, {"weight": 1.01}, {"weight": float("nan")}, {"weight": 10**400}, {"weight": "1"},
        {"weight": True}, {"weight": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_register_is_refused(wrong: dict[str, object]) -> None:
    value = json.dumps(json.loads(encode(FULL)) | wrong)
    with pytest.raises(RegisterError):
        decode(value)
    assert read_register(FULL.field, value.encode()) is None


REASON = {"signal": "share_lower", "value": 0.41, "threshold": 0.35}


@pytest.mark.parametrize(
    ("wrong", "read"),
    [
        ({"reasons": "x"}, {"reasons": ()}),
        ({"reasons": [{"signal": "x"}, REASON | {"value": None}, REASON | {"value": 10**400}, 7, REASON]}, {}),
        ({"evidence": []}, {"evidence": {}}), ({"evidence": "many"}, {"evidence": {}}),
        ({"provisional": "no"}, {"provisional": False}), ({"decided_at_ms": 1.5}, {"decided_at_ms": 0}),
        ({"display": 7}, {"display": ""}), ({"actor": {}}, {"actor": ""}),
        ({"policy_revision": 1}, {"policy_revision": ""}),
    ],
    ids=str,
)  # fmt: skip
def test_member_that_decides_nothing_costs_no_flag(wrong: dict[str, object], read: dict[str, object]) -> None:
    value = json.dumps(json.loads(encode(FULL)) | wrong)
    assert decode(value) == replace(FULL, **read)  # type: ignore[arg-type]


def test_missing_weight_is_one() -> None:
    read = json.loads(encode(FULL))
    assert read["weight"] == 0.25
    for value in (None, 1):
        assert decode(json.dumps(read | {"weight": value})).weight == 1.0
    del read["weight"]
    assert decode(json.dumps(read)).weight == 1.0


def test_unknown_action_is_read_and_written_as_it_is() -> None:
    value = json.dumps(json.loads(encode(FULL)) | {"action": "added_later"})
    found = read_register(FULL.field, value.encode())
    assert found is not None and found.action == "added_later" and found.in_force(4)
    assert json.loads(encode(found))["action"] == "added_later"


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b"NaN", b'{"version":'])
def test_malformed_value_is_refused(value: bytes) -> None:
    assert read_register(FULL.field, value) is None


def test_register_under_another_field_is_ignored() -> None:
    assert read_register("search|IN|automated|किसान", encode(FULL)) is None


def test_nan_is_refused() -> None:
    register = Register(version="1", action="clear", hashtag="a", surface="trends", evidence={"share": float("nan")})
    with pytest.raises(RegisterError):
        encode(register)


@settings(deadline=None)
@given(st.text())
def test_field_bytes_round_trip(text: str) -> None:
    assert field_text(field_bytes(text)) == text


def test_replies_of_empty_server() -> None:
    assert reply(PollState(), [None, None, {}, {}]) == ServerPosition("", 0)
    assert reply(MarkPosition(), [None, None, []]) == ServerPosition("", 0, "0-0")
    assert reply(ReadChanges("0-0", 0), [[]]) == reply(ReadChanges("0-0", 0), [None]) == []


def test_malformed_heartbeats_and_changes_count_as_missing() -> None:
    beats = {
        b"0": b"{",
        b"x": b"{}",
        b"1": b"[]",
        b"2": b'{"settled_ms":1}',
        b"3": b'{"settled_ms":1,"at_ms":2,"partitions":4}',
    }
    position = reply(PollState(), [b"a-1", b"7", beats, {}])
    assert isinstance(position, ServerPosition)
    assert list(position.heartbeats) == [3]
    changes = reply(ReadChanges("0-0", 0), [[[b"key", [(b"1-0", {b"seq": b"x"}), (b"2-0", None)]]]])
    assert isinstance(changes, list)
    assert [change.seq for change in changes] == [-1, -1]


def test_numbers_that_are_none_end_no_reader() -> None:
    beat = b'{"settled_ms":1,"at_ms":2,"partitions":4}'
    for digits in (b"9" * 5_000, b"9" * 19, b"many", b"-1"):
        position = reply(PollState(), [b"a-1", digits, {digits: beat}, {}])
        assert position == ServerPosition("a-1", 0)
        (change,) = reply(ReadChanges("0-0", 0), [[[b"key", [(b"1-0", {b"seq": digits})]]]])  # type: ignore[misc]
        assert change.seq == -1


def test_reason_too_large_for_a_number_is_left_out() -> None:
    reason = '{"signal":"a","threshold":1,"value":1' + "0" * 400 + "}"
    found = decode(
        '{"version":"1","action":"suppress","hashtag":"a","surface":"trends","country":"*","source":"human",'
        f'"expires_at_ms":9,"reasons":[{reason}]}}'
    )
    assert found.action == "suppress" and found.reasons == ()


def test_read_without_wait_does_not_block() -> None:
    assert "BLOCK" not in commands(ReadChanges("0-0", 0))[0]
    assert commands(ReadChanges("0-0", 7))[0][3:5] == ("BLOCK", 7)
    assert commands(ScanRegisters(4))[0][2] == 4
