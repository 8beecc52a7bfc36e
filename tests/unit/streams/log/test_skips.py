"""Skips of unreadable records: their codec, and the shard's log as a judge and a replay read it with them."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from streams.errors import ContractError
from streams.judging.clearing_pause import LOST_AHEAD_MS, SkippedSpan
from streams.log.lines import LogRecord
from streams.log.moderation import OtherRecord, decode_moderation
from streams.log.partials import encode_partial
from streams.log.positions import RecordPosition
from streams.log.shard_log import read_shard_log
from streams.log.skips import Skip, SkipIndex, SkippedTopic, decode_skip, encode_skip
from streams.log.topic_specs import PARTIALS
from streams.log.unreadable import DECODERS, UnreadableRecord, sha256_of
from streams.replay import skipped_spans
from tests.support.block_counts import NEW_TOPIC_ID, flush

SKIP = Skip(
    id="1a", topic=PARTIALS, partition=2, offset=1, sha256=sha256_of(b""), actor="ann", reason="torn by a test",
    at_ms=5,
)  # fmt: skip
FLUSH = flush(watermark_ms=25_000)


def log(*values: bytes | None) -> list[LogRecord]:
    return [LogRecord(2, offset, 0, None, value) for offset, value in enumerate(values)]


def index(*skips: Skip) -> SkipIndex:
    found = SkipIndex()
    for one in skips:
        value, key = encode_skip(one)
        found.apply_raw(key, value)
    return found


def decoded(value: bytes, key: bytes) -> Skip | None:
    record = decode_moderation(value, key)
    assert isinstance(record, OtherRecord)
    return decode_skip(record)


def test_a_skip_names_each_topic_at_which_a_shard_stops() -> None:
    assert set(get_args(SkippedTopic)) == set(DECODERS)


def test_codec_round_trip() -> None:
    assert decoded(*encode_skip(SKIP)) == SKIP
    assert encode_skip(SKIP)[1] == b"record:hashtag-partials/2/1|skip|1a|*"
    assert decoded(b'{"kind": "order"}', b"k") is None


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (b'{"kind": "skip"}', b"k", "bad_record"),
        (encode_skip(SKIP)[0].replace(b"hashtag-partials", b"tweets"), encode_skip(SKIP)[1], "bad_record"),
        (encode_skip(SKIP)[0], b"record:other|skip|1a|*", "bad_key"),
    ],
)
def test_malformed_skip_is_refused(value: bytes, key: bytes, reason: str) -> None:
    with pytest.raises(ContractError) as caught:
        decoded(value, key)
    assert caught.value.reason == reason
    found = SkipIndex()
    found.apply_raw(key, value)
    assert list(found._skips) == []


def test_skipped_record_is_none_in_the_log() -> None:
    records = log(encode_partial(FLUSH), b"", b"c\xc1", encode_partial(FLUSH))
    assert list(read_shard_log(records, 2, index(SKIP))) == [FLUSH, None, FLUSH]


@pytest.mark.parametrize(
    "skip",
    [
        replace(SKIP, offset=0),
        replace(SKIP, partition=1),
        replace(SKIP, topic="hashtag-panes"),
        replace(SKIP, sha256=sha256_of(b"x")),
    ],
)
def test_skip_of_another_record_has_no_effect(skip: Skip) -> None:
    """The hash differs in a topic that was created again."""
    with pytest.raises(UnreadableRecord, match=r"hashtag-partials\[2\] at 1 cannot be read: empty"):
        list(read_shard_log(log(encode_partial(FLUSH), b""), 2, index(skip)))
    unreadable = UnreadableRecord(RecordPosition(PARTIALS, 2, 1), b"", ContractError("empty"))
    assert index(skip).find(unreadable) is None and index(SKIP).find(unreadable) == SKIP


def test_spans_follow_from_the_log() -> None:
    """Two sources: ticks settle by the slower one, the pause ends by the faster one."""
    before = [flush(watermark_ms=75_000, sources=2), flush(watermark_ms=61_000, source=1, sources=2)]
    behind = flush(watermark_ms=62_000, newest_ms=140_000, source=1, sources=2)
    assert skipped_spans([*before, None, behind, flush(watermark_ms=999_000, sources=2)], 0, 2) == [
        SkippedSpan(60_000, 140_000)
    ]
    assert skipped_spans([*before, None, None], 1, 2) == [SkippedSpan(50_000, 75_000 + LOST_AHEAD_MS)] * 2, (
        "the second shard's ticks settle 2.5 s later"
    )
    assert skipped_spans([before[0], None, before[1]], 0, 2) == [SkippedSpan(0, 75_000 + LOST_AHEAD_MS)], (
        "no tick settles before every source has sent a marker"
    )
    false = flush(source_id=NEW_TOPIC_ID)
    assert skipped_spans([*before, false, None], 0, 2) == [SkippedSpan(60_000, 75_000 + LOST_AHEAD_MS)], (
        "what has settled stays so while a new topic id holds the shard"
    )
