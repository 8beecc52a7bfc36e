"""Flushes of the open block against plain dicts, over random logs and flush times."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.constants import BLOCK, DAY_MS, PANE_MS
from streams.counting.block_counts import RETWEET, Flush
from streams.counting.keys import Sharding, country_code
from streams.counting.origins import LANGUAGES, language_code, origin_parts, origins_of
from streams.counting.records import RecordColumns, SourceRow
from streams.counting.sketch import MOST_ROWS, K, KeyedHash
from streams.counting.strata import STRATUM_SHIFT
from streams.counting.tweet_reader import read_tweets
from streams.counting.uses import OpenUses
from streams.log.partials import decode_partial, encode_partial
from tests.support.block_counts import TOPIC_ID, BlockCount, Entry, block_counts, smallest

HASHES = KeyedHash(b"k")
SOURCE = 5
NAMES = ["a", "ss", "किसान", "d", "e", "f"]
TEXTS = ["", "\n", "plain", "two\nlines\n", "carriage\r\u2028\x85 return", "é" * 200]
LIMITS = np.array([0, 5_000, 120_000, 3_600_000, 0])
START_MS = 50_000 * DAY_MS // 2
Key = tuple[int, str, str, int]
"""Block, hashtag, country and pane."""


def with_source(record: Flush) -> Flush:
    """Return a record as a source partition sends it."""
    newest_ms = int(np.frombuffer(record.panes, "<i8").max(initial=0)) * PANE_MS
    return replace(record, source_id=TOPIC_ID, source=SOURCE, sources=SOURCE + 1, newest_ms=newest_ms)


@dataclass(frozen=True)
class Given:
    """A tweet and its hashtags as (normal form, spelling)."""

    id: int
    author_id: int
    text: str
    names: list[tuple[str, str]]
    country: str
    lang: str

    def payload(self, at_ms: int, age_days: int, flags: int) -> bytes:
        """Return a native payload, which an escape or a line break sends to the parser."""
        content = {"text": self.text, "hashtags": [display for _, display in self.names], "lang": self.lang}
        fields = {"id": str(self.id), "author_id": self.author_id, "created_at_ms": at_ms}
        if self.country:
            fields["country"] = self.country
        if age_days >= 0:
            fields["author_created_at_ms"] = at_ms - age_days * DAY_MS
        fields |= {"text": "RT", "retweet_of": content} if flags & RETWEET else content
        return json.dumps(fields, ensure_ascii=self.id % 2 == 0).encode()


def tweet(number: int, author: int, text: str, names: list[tuple[str, str]], country: str = "") -> Given:
    return Given(number, author, text, names, country, LANGUAGES[number % 9])


class Log:
    """Uses of a growing log, and its block counts the obvious way."""

    def __init__(self, shards: int, most_bytes: int) -> None:
        self.sharding = Sharding(shards)
        self.uses = OpenUses(self.sharding, HASHES, most_bytes, SOURCE)
        self.truth: dict[Key, list[Entry]] = defaultdict(list)
        self.changed: set[Key] = set()

    def add(self, offset: int, pane: int, age_days: int, flags: int, one: Given) -> None:
        at_ms = START_MS + pane * PANE_MS
        pane = at_ms // PANE_MS
        records = RecordColumns.of([SourceRow(offset, at_ms, None, one.payload(at_ms, age_days, flags))])
        self.uses.admit(records, read_tweets(records, self.uses.spellings), LIMITS)
        author = int(HASHES.authors([one.author_id])[0])
        for hashtag, spelling in one.names:
            key = (offset // BLOCK, hashtag, one.country, pane)
            origin = int(origins_of(SOURCE, np.array([offset]), np.array([language_code(one.lang)], np.uint8))[0])
            display = "" if spelling == hashtag else spelling
            stratum = 1 + (at_ms - age_days * DAY_MS) // (365 * DAY_MS) % 3 if age_days >= 0 else 0
            text, marks = one.text.replace("\n", " "), flags | stratum << STRATUM_SHIFT
            self.truth[key].append(Entry(author, one.id, age_days, marks, display, text, origin))
            self.changed.add(key)

    def flush(self) -> dict[int, list[Flush]]:
        """A flush, as those who receive it see it; it must tell of all that has changed and of nothing else."""
        flushed = {
            shard: [decode_partial(encode_partial(with_source(one))) for one in records]
            for shard, records in self.uses.flush().items()
        }
        sent = [one for records in flushed.values() for record in records for one in block_counts(record)]
        found = {(one.block, one.hashtag, one.country, one.pane): one for one in sent}
        assert len(found) == len(sent), "none twice"
        assert found.keys() == self.changed
        for key, one in found.items():
            its = self.truth[key]
            assert one.count == len(its)
            assert len(one.entries) <= MOST_ROWS
            assert smallest(one.entries, HASHES) == smallest(its, HASHES)
            if len(its) > K:
                assert sorted(one.entries) == sorted(smallest(its, HASHES)), "no more than a sketch keeps"
            assert set(one.entries) <= set(its)
        for shard, records in flushed.items():
            assert records and all(record.hashtags for record in records)
            blocks = [one.block for record in records for one in block_counts(record)]
            assert blocks == sorted(blocks)
            assert {
                self.sharding.of(hashtag) for record in records for hashtag in record.hashtags.decode().split()
            } == {shard}
            assert [record.block for record in records] == [block_counts(record)[-1].block for record in records]
        self.changed = set()
        return flushed


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([150, 3_000, 500_000]), st.sampled_from([3, 40]),
    st.sampled_from([0, 3, 200_000]),
)  # fmt: skip
def test_flush_equals_plain_counts(seed, shards, most_bytes, block, most_spellings):
    rng = random.Random(seed)
    with (
        patch(f"{__name__}.BLOCK", block),
        patch("streams.counting.uses.BLOCK", block),
        patch("streams.counting.uses._MOST_SPELLINGS", most_spellings),
    ):
        log, offset = Log(shards, most_bytes), rng.randrange(1_000)
        for _ in range(rng.randrange(150)):
            offset += rng.choice([1, 1, 1, 2, block, 5 * block])
            names = [
                (name, rng.choice([name, name.upper(), name + "\u200d"]))
                for name in rng.sample(NAMES, rng.randrange(4))
            ]
            one = tweet(
                rng.randrange(2**63), rng.randrange(2**63), rng.choice(TEXTS), names, rng.choice(["", "IN", "US"])
            )
            log.add(offset, rng.randrange(3), rng.choice([-1, 0, 9_000]), rng.randrange(2), one)
            if rng.random() < 0.2:
                log.flush()
                if rng.random() < 0.7:
                    log.uses.forget_before(offset // block)
        log.flush()
        assert log.flush() == {}


@pytest.mark.parametrize("authors", [K - 1, K, K + 1, 5 * K])
def test_smallest_author_hashes_are_sent(authors):
    """All of them are sent in the first flush, and all of them again in the next."""
    log = Log(1, 10**9)
    with ExitStack() as patches:
        for module in (__name__, "streams.counting.uses", "streams.log.partials"):
            patches.enter_context(patch(f"{module}.BLOCK", 10_000))
        for number in range(2 * authors):
            log.add(number, 7, 1, 0, tweet(number, number % authors, f"text {number}", [("a", "a"), ("d", "D")]))
            if number == authors // 2:
                log.flush()
        ((record,),) = log.flush().values()
    for one in block_counts(record):
        assert len({entry.author for entry in one.entries}) == min(authors, K)


def test_long_records_are_split_without_loss():
    log = Log(2, 2_000)
    for number in range(BLOCK + 90):
        names = [(name, name) for name in (f"tag{number % 30}", "all")]
        log.add(number, 7, 1, 0, tweet(number, number, f"text {number}", names))
    flushed = log.flush()
    assert sorted(flushed) == [0, 1]
    for records in flushed.values():
        assert len(records) > 3
        for record in records:
            first, *_ = block_counts(record)
            of_first = sum(30 + len(entry.text) for entry in first.entries)
            assert len(encode_partial(record)) < 2_000 + of_first + 200, "only its first count makes a record longer"


def test_long_spellings_split_records():
    log, form, spelling = Log(1, 20_000), "\U0001e922" * 100, "\U0001e900" * 100  # letters of four bytes
    for number in range(40):
        names = [(f"{form}{number}x{other}", f"{spelling}{number}X{other}") for other in range(5)]
        log.add(number, 7, 1, 0, tweet(number, number, "text", names))
    ((*records,),) = log.flush().values()
    assert len(records) > 5
    assert all(len(encode_partial(record)) < 21_500 for record in records)


def test_dropped_uses_are_not_sent_again():
    log = Log(1, 10**9)
    for offset in (0, 1, BLOCK, BLOCK + 1):
        log.add(offset, 7, 1, 0, tweet(offset, offset, "text", [("a", "a")]))
    with pytest.raises(AssertionError):
        log.uses.forget_before(1)
    log.flush()
    log.uses.forget_before(1)
    log.add(BLOCK + 2, 7, 1, 0, tweet(5, 5, "text", [("a", "a")]))
    ((record,),) = log.flush().values()
    assert [(one.block, one.count) for one in block_counts(record)] == [(1, 3)]
    log.uses.forget_before(9)
    assert log.flush() == {}
    log.add(9 * BLOCK, 7, 1, 0, tweet(6, 6, "text", [("a", "a")]))
    ((record,),) = log.flush().values()
    assert [(one.block, one.count) for one in block_counts(record)] == [(9, 1)]


def with_twenty_ids() -> Log:
    """Add ids that differ in their upper bits alone, as a sender could choose them."""
    log = Log(1, 10**9)
    for number in range(20):
        log.add(number, 7, 1, 0, tweet(number << 46, 1, "text", [("a", "a")]))
    return log


def test_places_of_ids_are_secret():
    assert with_twenty_ids().uses._ids.tolist() != with_twenty_ids().uses._ids.tolist()


def test_ids_that_share_their_lower_bits_are_apart(monkeypatch):
    """The secret is given: one in two thousand would place half of these ids side by side."""
    monkeypatch.setattr("streams.counting.uses.secrets.randbits", lambda bits: 0x243F6A8885A308D3 >> (64 - bits))
    places = np.flatnonzero(with_twenty_ids().uses._seen_at >= 0)
    assert len(np.flatnonzero(np.diff(places) > 1)) > 5


def test_countries_differ_up_to_the_last_code():
    log = Log(1, 10**9)
    countries = ["", "AA", "AB", "ZY", "ZZ"]
    for number, country in enumerate(countries):
        log.add(number, 7, 1, 0, tweet(number, 1, "text", [("a", "a"), ("b", "b")], country))
    ((record,),) = log.flush().values()
    assert sorted(one.country for one in block_counts(record)) == sorted(2 * countries)
    assert country_code("ZZ") < 1 << 10


def test_record_columns_have_the_documented_types():
    log = Log(1, 10**9)
    log.add(5, 7, 30, 1, tweet(8, 9, "two\nlines", [("a", "A")], "IN"))
    ((record,),) = log.flush().values()
    author = int(HASHES.authors([9])[0])
    ((entry,),) = [one.entries for one in block_counts(record)]
    assert entry[:-1] == (author, 8, 30, 1 | 3 << STRATUM_SHIFT, "A", "two lines")
    assert origin_parts(entry.origin) == (SOURCE, 5, LANGUAGES[8])
    pane = START_MS // PANE_MS + 7
    assert block_counts(record) == [BlockCount("a", "IN", pane, 1, [entry])]
