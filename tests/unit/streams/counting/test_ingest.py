"""One source partition: its records depend on blocks of the log alone, not on reads, flushes and restarts."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import BLOCK, DAY_MS, UNKNOWN_AGE
from streams.counting.block_counts import RETWEET, RULES, Flush
from streams.counting.ingest import DUPLICATE_RANGE, SourcePartition
from streams.counting.keys import Sharding
from streams.counting.strata import STRATUM_SHIFT, stratum_of
from streams.log.lines import LogRecord
from tests.support.block_counts import Entry, block_counts, smallest
from tests.support.sources import HASHES, SHARDS, START_MS, flush, record, source, tweet


def random_log(seed: int, n: int) -> list[LogRecord]:
    rng = random.Random(seed)
    return [
        record(
            offset,
            tweet(
                rng.randrange(n) if rng.random() < 0.1 else offset,
                at_ms=START_MS + offset * 40,
                tags=tuple(rng.sample(["a", "B", "c", "Dd"], rng.randrange(3))),
                country=rng.choice(["IN", ""]),
            ),
            log_ms=START_MS + offset * 40 + rng.choice([0, 9_000]),
        )
        for offset in range(n)
    ]


def greatest(flushes: list[Flush]) -> dict[tuple[int, str, str, int], tuple[int, list[Entry]]]:
    """Return the greatest count of each key and block, and the union of its entries."""
    found: dict[tuple[int, str, str, int], tuple[int, list[Entry]]] = {}
    for one in flushes:
        for its in block_counts(one):
            key = (its.block, its.hashtag, its.country, its.pane)
            count, entries = found.get(key, (0, []))
            found[key] = (max(count, its.count), smallest([*entries, *its.entries], HASHES))
    return found


def read_in_pieces(core: SourcePartition, records: list[LogRecord], rng: random.Random) -> list[Flush]:
    flushes, at = [], 0
    while at < len(records):
        size = rng.choice([1, 7, 60, 400])
        core.read(records[at : at + size])
        at += size
        if rng.random() < 0.6:
            flushes += flush(core)
    return flushes + flush(core)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_greatest_counts_do_not_depend_on_flushes(seed, hand):
    records = random_log(seed, 600)
    whole = source()
    whole.read(records)
    at_once = greatest(flush(whole))
    assert greatest(read_in_pieces(source(), records, random.Random(hand))) == at_once
    assert {block for block, *_ in at_once} <= {0, 1, 2}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 900))
def test_restart_at_a_replay_point_sends_the_same(seed, stop):
    records = random_log(seed, 900)
    first = source()
    sent = read_in_pieces(first, records[:stop], random.Random(seed))
    again = source(first.replay_point)
    sent_again = read_in_pieces(again, records[max(0, first.replay_point - DUPLICATE_RANGE) :], random.Random(stop))

    expected = source()
    expected.read(records)
    assert greatest(sent + sent_again) == greatest(flush(expected))
    assert min((its.block for one in sent_again for its in block_counts(one)), default=9) >= first.replay_point // BLOCK


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=8, unique=True))
def test_replay_point_is_the_start_of_the_next_block(offsets):
    core = source()
    assert core.replay_point == 0
    for offset in sorted(offsets):
        core.read([record(offset, None)])
        assert core.replay_point % BLOCK == 0
        assert core.replay_point <= offset + 1 < core.replay_point + BLOCK


def test_changed_count_is_sent_in_full():
    core = source()
    core.read([record(0, tweet(0)), record(1, tweet(1))])
    first = greatest(flush(core))
    core.read([record(2, tweet(2))])
    second = greatest(flush(core))
    core.read([])
    third = flush(core)

    (key,) = first
    assert (first[key][0], second[key][0]) == (2, 3)
    assert [sorted(one.tweet for one in found[key][1]) for found in (first, second)] == [[0, 1], [0, 1, 2]]
    assert [block_counts(one) for one in third] == [[]] * SHARDS


def test_entry_has_author_age_stratum_and_text():
    core, born_ms = source(), START_MS - 3 * DAY_MS - 1
    core.read(
        [
            record(0, tweet(7, tags=("Straße",), author_created_at_ms=born_ms)),
            record(1, tweet(8, tags=("strasse",), retweet_of=json.loads(tweet(9, tags=("strasse",))))),
        ]
    )
    ((_, entries),) = greatest(flush(core)).values()
    first, second = sorted(entries, key=lambda one: one.tweet)
    assert (first.author, first.age_days, first.display) == (HASHES.authors([7])[0], 3, "Straße")
    assert first.flags == stratum_of(born_ms) << STRATUM_SHIFT
    assert (second.age_days, second.flags, second.display) == (UNKNOWN_AGE, RETWEET, "")
    assert first.text == "text 7"


@pytest.mark.parametrize(("gap", "counted"), [(1, 1), (DUPLICATE_RANGE, 1), (DUPLICATE_RANGE + 1, 2)])
@pytest.mark.parametrize("restarted", [False, True])
def test_id_of_the_last_4096_offsets_is_a_duplicate(gap, counted, restarted):
    begin = 4 * BLOCK + DUPLICATE_RANGE
    records = [record(begin - gap, tweet(5)), record(begin, tweet(5))]
    core = source(begin if restarted else 0)
    core.read(records)
    expected = 1 if restarted else 2
    assert core.counts.tweets == expected, "what is only read back is not counted"
    assert core.counts.duplicates == 2 - counted
    total = sum(count for count, _ in greatest(flush(core)).values())
    assert total == expected - core.counts.duplicates


def test_duplicate_extends_its_range():
    core = source()
    core.read([record(offset, tweet(5)) for offset in (0, 4_000, 8_000, 12_097)])
    assert core.counts.duplicates == 2


def test_ids_are_kept_for_the_duplicate_range():
    core = source()
    for offset in range(0, 40_000, 10):
        core.read([record(offset, tweet(offset))])
    core.read([record(40_000, tweet(40_000 - DUPLICATE_RANGE // 10 * 10)), record(40_001, tweet(10))])
    assert core.counts.duplicates == 1


def test_id_at_the_edge_of_the_range_outlives_pruning():
    """New ids come at even offsets, so the table is pruned at odd ones: each repeats the id of 4,096 offsets before."""
    last, core = 20_000, source()
    core.read([record(offset, tweet(offset % DUPLICATE_RANGE if offset % 2 else offset)) for offset in range(last)])
    assert core.counts.duplicates == (last - DUPLICATE_RANGE) // 2


def test_bad_record_becomes_a_dead_letter():
    core = source()
    core.read(
        [
            record(0, tweet(0)),
            record(1, b"{"),
            record(2, None),
            record(3, tweet(3, at_ms=START_MS + 500_000)),
            record(4, tweet(4, at_ms=START_MS - 4_000_000)),
            record(5, tweet(5, at_ms=START_MS - 60_000)),
        ]
    )
    assert [letter.offset for letter in core.dead_letters] == [1, 2, 3]
    assert core.dead_letters[2].error.reason == "event_ahead"
    assert core.dead_letters[0].value == b"{" and core.dead_letters[0].log_ms == START_MS
    assert (core.counts.tweets, core.counts.too_old, core.counts.clamped) == (4, 1, 1)
    panes = {pane: count for (_, _, _, pane), (count, _) in greatest(flush(core)).items()}
    assert panes == {START_MS // 10_000: 1, (START_MS - 5_000) // 10_000: 1}
    core.reset_counts()
    assert (core.counts.tweets, core.dead_letters) == (0, [])


def test_last_record_of_each_shard_has_the_marker():
    with patch("streams.counting.ingest._RECORD_BYTES", 6_000):
        core = source()
    tags = [f"tag{number}" for number in range(40)]
    core.read([record(offset, tweet(offset, tags=tuple(tags[:4]))) for offset in range(300)])
    core.read([record(offset, tweet(offset, tags=tuple(tags[offset % 40 :][:4]))) for offset in range(300, 600)])
    flushed = core.flush()
    assert sorted(flushed) == [0, 1, 2]
    for shard, records in flushed.items():
        assert len(records) > 2
        *early, last = records
        assert {one.watermark_ms for one in early} == {-1}
        assert last.watermark_ms == START_MS - 5_500
        assert (last.block, last.rules, last.newest_ms) == (600 // BLOCK, RULES, START_MS)
        blocks = [its.block for one in records for its in block_counts(one)]
        assert blocks == sorted(blocks)
        assert all(one.block == block_counts(one)[-1].block for one in early)
        sent = [(r.block, r.hashtag, r.country, r.pane) for one in records for r in block_counts(one)]
        assert len(sent) == len(set(sent)), "none goes out twice in one flush"
        assert {Sharding(SHARDS).of(hashtag) for _, hashtag, *_ in sent} == {shard}
    assert all(sum(len(r.entries) for r in block_counts(one)) for one in flushed[0][:-1])


def test_shard_without_counts_gets_the_marker():
    core = source()
    core.read([record(0, tweet(0, tags=("a",)))])
    flushed = core.flush()
    assert [len(block_counts(one)) for records in flushed.values() for one in records].count(0) == SHARDS - 1
    assert [one.watermark_ms for records in flushed.values() for one in records] == [START_MS - 5_500] * SHARDS


def test_idle_source_advances_its_watermark():
    core = source()
    assert [one.watermark_ms for one in flush(core)] == [-1] * SHARDS
    core.advance_idle(START_MS)
    assert [one.watermark_ms for one in flush(core)] == [START_MS - 5_500] * SHARDS
    core.read([record(0, tweet(0), log_ms=START_MS - 3_000)])
    assert core.watermark_ms == START_MS - 5_500, "it never runs back"
    core.read([record(1, tweet(1), log_ms=START_MS + 3_000)])
    assert core.watermark_ms == START_MS - 2_500
    assert core.newest_ms == START_MS + 3_000


def test_watermark_is_below_every_later_record():
    records = random_log(3, 500)
    core = source()
    for one, following in pairwise(records):
        core.read([one])
        before = core.watermark_ms
        core.read([])
        assert core.watermark_ms == before <= following.timestamp - 5_000 + 9_000


def test_partition_may_begin_at_a_later_block():
    core = source()
    core.begin_at(4 * BLOCK)
    core.read([record(4 * BLOCK + 3, tweet(0))])
    assert {block for block, *_ in greatest(flush(core))} == {4}
    assert core.counts.tweets == 1


def test_sharding_is_fixed():
    assert [Sharding(8).of(tag) for tag in ("a", "straße", "नमस्ते")] == [3, 5, 3]
