"""A source partition in columns against the obvious way, for any records, splits, flushes and restarts."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import BLOCK
from streams.counting.block_counts import Flush
from streams.counting.ingest import DUPLICATE_RANGE, SourcePartition
from streams.counting.records import RecordColumns, SourceRow
from streams.counting.sketch import K
from streams.counting.times import TimeRules
from tests.support.block_counts import block_counts, smallest
from tests.support.naive_ingest import Key, NaivePartition
from tests.support.native_payloads import bytes_of, ordinary_of
from tests.support.payloads import DELETION, NOTICES, V1, V2
from tests.support.sources import HASHES, SHARDS, flush, source

LOG_MS = 1_767_960_000_000
TIMES = TimeRules()


def log_of(seed: int, n: int, first: int = 0) -> list[SourceRow]:
    """Draw a log: gaps, repeated ids, times off by all limits, other shapes, controls and broken records."""
    rng, offset, found = random.Random(seed), first, []
    for number in range(n):
        offset += rng.choice([1, 1, 1, 1, 2, 40])
        log_ms = LOG_MS + 40 * number + rng.choice([0, 0, 9_000])
        created_ms = log_ms - rng.choice(
            [0, 1, 300, 5_000, 5_001, 20_000, 3_600_000, 3_600_001, -1, -120_000, -120_001]
        )
        tweet = rng.randrange(n) if rng.random() < 0.2 else n + number
        value = bytes_of(rng, tweet, created_ms)
        if rng.random() < 0.1:
            value = json.dumps(rng.choice([V1, V2, DELETION, *NOTICES])).encode()
        found.append(SourceRow(offset, log_ms, rng.choice([None, b"", b"key"]), value))
    return found


def outcome(core: SourcePartition, flushes: list[Flush]) -> tuple[Any, ...]:
    """Return the greatest count of each key with its entries, dead letters, deletions and numbers."""
    counts: dict[Key, tuple[int, Any]] = {}
    for one in flushes:
        for its in block_counts(one):
            key = (its.block, its.hashtag, its.country, its.pane)
            count, entries = counts.get(key, (0, []))
            counts[key] = (max(count, its.count), smallest([*entries, *its.entries], HASHES))
    letters = [
        (one.offset, one.log_ms, one.key, one.value, one.error.reason, one.error.field, one.error.value, one.error.fix)
        for one in core.dead_letters
    ]
    its = core.counts
    numbers = {name: getattr(its, name) for name in ("tweets", "uses", "duplicates", "clamped", "too_old")}
    numbers |= {f"control {kind}": n for kind, n in its.controls.items()}
    numbers |= {f"retraction {kind}": n for kind, n in its.retractions.items()}
    return counts, letters, core.deleted, {name: n for name, n in numbers.items() if n}


def expected(log: list[SourceRow], count_from: int = 0) -> tuple[Any, ...]:
    naive = NaivePartition(0, count_from, SHARDS, HASHES, TIMES)
    naive.read(log)
    counts = {key: (len(uses), smallest(uses, HASHES)) for key, uses in naive.entries.items()}
    return counts, naive.dead_letters, naive.deleted, {name: n for name, n in naive.numbers.items() if n}


def in_pieces(core: SourcePartition, log: list[SourceRow], rng: random.Random) -> list[Flush]:
    """Feed records in parts of random sizes, as parts of columns, joined columns or lists; flush at random times."""
    flushes, at, whole = [], 0, RecordColumns.of(log)
    while at < len(log):
        end = at + rng.choice([1, 2, 17, 300])
        parts: list[Any] = [
            whole.part(at, end),
            log[at:end],
            RecordColumns.joined([RecordColumns.of(log[at : at + 1]), whole.part(at + 1, end)]),
        ]
        core.read(rng.choice(parts))
        at = end
        if rng.random() < 0.4:
            flushes += flush(core)
    return flushes + flush(core)


@given(st.integers(0, 2**64), st.integers(0, 2**64))
@settings(max_examples=40, deadline=None)
def test_partition_equals_the_obvious_way(seed: int, hand: int) -> None:
    log, core = log_of(seed, 250), source()
    flushes = in_pieces(core, log, random.Random(hand))
    assert outcome(core, flushes) == expected(log)
    assert core.next_offset == log[-1].offset + 1
    assert core.newest_ms == max(one.timestamp for one in log)


@given(st.integers(0, 2**64), st.integers(0, 250))
@settings(max_examples=25, deadline=None)
def test_restarted_partition_equals_the_obvious_way(seed: int, stop: int) -> None:
    log = log_of(seed, 250, first=DUPLICATE_RANGE)
    replay_point = log[stop].offset // BLOCK * BLOCK if stop < 250 else DUPLICATE_RANGE
    core = source(replay_point)
    again = [one for one in log if one.offset >= replay_point - DUPLICATE_RANGE]
    flushes = in_pieces(core, again, random.Random(stop))
    assert outcome(core, flushes) == expected(again, replay_point)


@pytest.mark.parametrize("authors", [K - 1, K, K + 1, 3 * K])
def test_smallest_authors_equal_the_obvious_way(authors: int) -> None:
    rng, log = random.Random(authors), []
    for offset in range(BLOCK - 1):
        payload = {
            **ordinary_of(rng, offset, LOG_MS),
            "author_id": rng.randrange(authors),
            "hashtags": ["a"],
            "country": "IN",
        }
        payload.pop("retweet_of", None)
        log.append(SourceRow(offset, LOG_MS, None, json.dumps(payload).encode()))
    core = source()
    core.read(log)
    flushes = flush(core)
    assert outcome(core, flushes) == expected(log)
    (count,) = [its for one in flushes for its in block_counts(one)]
    ((_, sampled),) = expected(log)[0].values()
    assert len(count.entries) == len(sampled), "no entry more"


def test_many_ids_stay_known_for_the_duplicate_range() -> None:
    """The table of ids is emptied many times; ids within the range stay, older ones do not count."""
    rng = random.Random(1)
    log = [
        SourceRow(offset, LOG_MS, None, json.dumps({**ordinary_of(rng, rng.randrange(9_000), LOG_MS)}).encode())
        for offset in range(30_000)
    ]
    core = source()
    for at in range(0, len(log), 1_700):
        core.read(log[at : at + 1_700])
        core.flush()
    naive = NaivePartition(0, 0, SHARDS, HASHES, TIMES)
    naive.read(log)
    assert core.counts.duplicates == naive.numbers["duplicates"] > 5_000
