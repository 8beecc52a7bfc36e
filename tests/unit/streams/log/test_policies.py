"""The policy topic with records that cannot be read: all readers skip them, and the last readable one stays live."""

from __future__ import annotations

import pytest

from streams.errors import ContractError
from streams.log.fillers import FILLER_KEY
from streams.log.policies import (
    INCARNATION_KEY,
    NewIncarnation,
    WorkerReport,
    decode_policy_topic,
    encode_policy_record,
    policies_of,
    read_dead_lettered,
    read_incarnation,
    read_policy_topic,
)
from streams.settings import Settings
from tests.support.policy_records import record_of
from tests.support.shells import NOW_MS, Topics

SETTINGS = Settings(topic_prefix="x.")
TOPIC = "x.policy"


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    made = Topics()
    monkeypatch.setattr("streams.log.policies.LogReader", made.reader)
    return made


UNREADABLE = [
    (b"4f1c09aa21de", None, "empty"),
    (b"4f1c09aa21de", b"", "empty"),
    (None, None, "empty"),
    (None, b"\xff\xfe", "not_json"),
    (None, b"{", "not_json"),
    (None, b'{"x":' + b"[" * 100_000, "not_json"),
    (None, b"{}", "bad_record"),
    (None, b"7", "bad_record"),
    (None, encode_policy_record(record_of(policy="[]")), "bad_record"),
    (None, encode_policy_record(record_of(policy="{")), "not_json"),
    (b"worker|w1", b"{}", "bad_record"),
    (INCARNATION_KEY, b"{}", "bad_record"),
]


@pytest.mark.parametrize(("key", "value", "reason"), UNREADABLE)
async def test_unreadable_record_is_skipped_and_named(topics, caplog, key, value, reason):
    topics.append(TOPIC, 0, encode_policy_record(record_of(1)))
    topics.append(TOPIC, 0, value, key=key)
    found = await read_policy_topic(SETTINGS)
    assert found.live == record_of(1) and found.sequence == 0 and found.end == 2
    assert {offset: one.error.reason for offset, one in found.unreadable.items()} == {1: reason}
    [line] = caplog.messages
    assert line.startswith(f"record 1 of {TOPIC} cannot be read and is skipped: {reason}")
    topics.append(TOPIC, 0, encode_policy_record(record_of(2, before=0)))
    later = await read_policy_topic(SETTINGS, found)
    assert later.live == record_of(2, before=0) and set(later.unreadable) == {1}, "the next policy goes live"


async def test_fillers_and_removed_reports_are_no_faults(topics):
    report = WorkerReport(
        worker="w1", file="p", revision="", verdict="bad", why="", at_ms=NOW_MS, began_hours=24
    )  # fmt: skip
    topics.append(TOPIC, 0, None, key=FILLER_KEY)
    topics.append(TOPIC, 0, encode_policy_record(report), key=b"worker|w1")
    assert set((await read_policy_topic(SETTINGS)).reports) == {"w1"}
    topics.append(TOPIC, 0, None, key=b"worker|w1")
    found = await read_policy_topic(SETTINGS)
    assert not found.reports and not found.unreadable and found.live is None


async def test_refused_record_never_goes_live(topics):
    for one in (record_of(1, before=-1), record_of(2, before=0), record_of(3, before=0)):
        topics.append(TOPIC, 0, encode_policy_record(one))
    found = await read_policy_topic(SETTINGS)
    assert found.live is not None and found.live.serial == 2 and set(found.refused) == {2}
    assert record_of(3).revision not in found.kept
    revisions = list(policies_of(found))
    assert revisions[0] == record_of(3).revision and revisions[-1] == record_of(2).revision, "a body, but not live"
    half = await read_policy_topic(SETTINGS, None)
    assert half == found, "read in one or in two parts"


async def test_incarnation_is_the_greatest_one(topics):
    assert await read_incarnation(SETTINGS) == 0
    for number in (2, 1):
        one = NewIncarnation(incarnation=number, why="reshard", shards=4, at_ms=1, actor="asha", reason="growth")
        topics.append(TOPIC, 0, encode_policy_record(one), key=INCARNATION_KEY)
    assert await read_incarnation(SETTINGS) == 2


async def test_dead_letters_are_found_by_origin(topics):
    topics.append("x.internal-dead-letter", 0, b"", key=b"x.policy/0/7")
    topics.append("x.internal-dead-letter", 0, b"", key=b"x.other/0/8")
    assert await read_dead_lettered(SETTINGS, {7, 8}) == {7}


def test_readable_records_are_decoded_by_key():
    assert decode_policy_topic(None, encode_policy_record(record_of())) == record_of()
    with pytest.raises(ContractError):
        decode_policy_topic(b"worker|w1", encode_policy_record(record_of()))
