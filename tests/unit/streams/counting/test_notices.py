"""Retractions of deletions and withholdings: rows for their shards, with the marker or before it."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest

from streams.constants import BLOCK, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding, Tags, country_of
from streams.counting.retractions import NO_PANE, Retractions, retraction_rows_of
from streams.log.partials import decode_partial, encode_partial
from tests.support.block_counts import TOPIC_ID
from tests.support.sources import SHARDS, START_MS, flush, record, source, tweet

DELETION = {"kind": "delete", "id": "7", "created_at_ms": START_MS, "hashtags": ["A", "b", "#a"], "country": "IN"}
PANE = START_MS // PANE_MS
SHARD_OF = Sharding(SHARDS).of


def flush_of(
    core: SourcePartition, *payloads: dict[str, object], log_ms: int = START_MS + 60_000
) -> dict[int, list[Flush]]:
    """Return the flush after these records."""
    first = core.next_offset
    core.read([record(first + at, json.dumps(one).encode(), log_ms=log_ms) for at, one in enumerate(payloads)])
    return core.flush()


def rows(retractions: Retractions | None) -> list[tuple[str, str, int, int, int]]:
    """Return rows of (hashtag, country, pane, tweet, received)."""
    if retractions is None:
        return []
    found = retraction_rows_of(retractions, Tags())
    columns = (found.panes.tolist(), found.tweets.tolist(), found.received.tolist())
    return list(zip(retractions.hashtags, map(country_of, found.keys.tolist()), *columns, strict=True))


def sent(flushed: dict[int, list[Flush]]) -> dict[int, list[tuple[str, str, int, int, int]]]:
    return {shard: [row for one in records for row in rows(one.retractions)] for shard, records in flushed.items()}


def test_exact_deletion_goes_to_the_shards_of_its_hashtags():
    core = source()
    expected = {
        shard: [(tag, "IN", PANE, 7, PANE + 6) for tag in ("a", "b") if SHARD_OF(tag) == shard]
        for shard in range(SHARDS)
    }
    assert sent(flush_of(core, DELETION)) == expected
    assert core.counts.retractions == {"deletion": 1}
    assert core.counts.controls == {"delete": 1}
    assert not any(sent(core.flush()).values()), "it was sent"


@pytest.mark.parametrize(
    ("notice", "kind", "countries"),
    [
        ({"kind": "delete", "id": "7"}, "notice", ["*"]),
        ({"delete": {"status": {"id": 7, "id_str": "7", "user_id": 3}}}, "notice", ["*"]),
        ({"data": {"delete": {"tweet": {"id": "7", "author_id": "3"}}}}, "notice", ["*"]),
        ({"status_withheld": {"id": 7, "withheld_in_countries": ["IN", "DE"]}}, "tweet_withheld", ["DE", "IN"]),
        ({"data": {"withheld": {"tweet": {"id": "7"}, "withheld_in_countries": ["XX"]}}}, "tweet_withheld", ["*"]),
        ({"status_withheld": {"id": 7}}, "tweet_withheld", []),
        ({"user_withheld": {"id": 7, "withheld_in_countries": ["IN"]}}, "account_withheld", []),
        ({**DELETION, "created_at_ms": START_MS - 7_200_000}, "too_old", []),
    ],
)  # fmt: skip
def test_notice_by_id_goes_to_every_shard(notice, kind, countries):
    core = source()
    expected = [("", country, NO_PANE, 7, PANE + 6) for country in countries]
    assert sent(flush_of(core, notice)) == dict.fromkeys(range(SHARDS), expected)
    assert core.counts.retractions == {kind: 1}


def test_deletion_of_a_future_tweet_is_a_dead_letter():
    core = source()
    flush_of(core, {**DELETION, "created_at_ms": START_MS + 300_000})
    (letter,) = core.dead_letters
    assert (letter.error.reason, letter.error.field) == ("event_ahead", "created_at_ms")
    assert str(START_MS + 300_000) in letter.error.value
    assert "120000 ms ahead" in letter.error.fix
    assert not core.counts.retractions and not core.counts.controls


def test_incomplete_deletion_changes_samples_only():
    for field in ("created_at_ms", "hashtags"):
        core = source()
        flush_of(core, {name: value for name, value in DELETION.items() if name != field})
        assert core.counts.retractions == {"notice": 1}


def test_surplus_retractions_go_before_the_marker():
    with patch("streams.counting.ingest._RECORD_BYTES", 200):
        core = source()
    flushed = flush_of(core, *({"kind": "delete", "id": str(one)} for one in range(20)))
    for records in flushed.values():
        assert len(records) > 2
        assert [one.watermark_ms >= 0 for one in records] == [False] * (len(records) - 1) + [True]
        assert [row[3] for one in records for row in rows(one.retractions)] == list(range(20))
        assert {(one.source_id, one.newest_ms) for one in records} == {(TOPIC_ID, START_MS + 60_000)}


def test_counts_and_retractions_share_the_last_record():
    core = source()
    core.read([record(0, tweet(7, tags=("a",))), record(1, json.dumps(DELETION).encode())])
    (last,) = core.flush()[SHARD_OF("a")]
    assert last.hashtags == b"a\n" and last.watermark_ms >= 0
    assert ("a", "IN", PANE, 7, PANE) in rows(last.retractions)


def test_restart_resends_retractions_of_the_open_block():
    payloads = [json.dumps({"kind": "delete", "id": str(one)}).encode() for one in range(BLOCK + 9)]
    log = [record(offset, value) for offset, value in enumerate(payloads)]
    core = source()
    core.read(log)
    core.flush()
    again = source(core.replay_point)
    again.read(log)
    assert [row[3] for row in sent(again.flush())[0]] == list(range(BLOCK, BLOCK + 9))


def test_repeated_deleted_tweet_is_a_duplicate():
    core = source()
    core.read([record(0, tweet(7)), record(1, json.dumps(DELETION).encode()), record(2, tweet(7))])
    assert core.counts.duplicates == 1
    assert [one.counts for one in flush(core) if one.hashtags] == [b"\x01\x00\x00\x00"]


@pytest.mark.parametrize("log_ms", [-1, -5_000_000_000_000])
@pytest.mark.parametrize(
    "control", [{"kind": "delete", "id": "7"}, {"status_withheld": {"id": 7, "withheld_in_countries": ["DE"]}}]
)
def test_notice_without_a_timestamp_stops_no_shard(control: dict[str, object], log_ms: int) -> None:
    core = source()
    flushed = [flush_of(core, control, log_ms=log_ms), flush_of(core, DELETION), flush_of(core, control, log_ms=log_ms)]
    records = [record for one in flushed for records in one.values() for record in records]
    read = [decode_partial(encode_partial(one)) for one in records]
    assert [isinstance(one, Flush) and rows(one.retractions) for one in read] == [
        rows(one.retractions) for one in records
    ]
    assert core.dead_letters == []
    assert sum(core.counts.retractions.values()) == 3
