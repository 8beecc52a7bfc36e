"""Compiles the kernels of the engine, or reads them from disk, before a record waits for them.

Two minutes of tweets run nearly all of them, with the types of real records. The others are called with small arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import numpy as np

from streams.constants import MINUTE_MS
from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding
from streams.counting.records import COLUMNS, RecordColumns
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.judging.kernels.equal_pairs import equal_pairs
from streams.log.kernels.record_split import split_records
from streams.log.lines import LogRecord
from streams.log.pane_assembly import assemble
from streams.log.panes import decode_pane_record, encode_pane
from streams.log.partials import decode_partial, encode_partial
from streams.policy import parse_policy
from streams.replay import Replay
from streams.scoring import TextScorer, silent
from streams.windows.kernels.last_counts import COLUMNS as COUNT_COLUMNS
from streams.windows.kernels.last_counts import refill
from streams.windows.shared_texts import collect, earlier_ages

_POLICY = """
serial: 1
windows: [30s, 2m]
score_floor: 2
evidence_floor: 2
categories:
  {category}:
    mode: review
    min_tweets: 2
    min_authors: 2
    suppress_at: 0.5
    clear_at: 0.4
    confidence: 0.9
    dwell: 10s
    expiry: 1m
"""
_V1 = b'{"id_str":"1","created_at":"Thu Jan 01 00:01:00 +0000 1970","text":"#a","user":{"id_str":"1"}}'
_FOR_THE_PARSER = b'{"id":2,"author_id":2,"created_at_ms":60000,"text":"\\n","hashtags":["A","\\u00e9"]}'
_TOO_NEW = b'{"id":3,"author_id":3,"created_at_ms":9000000,"text":"#a"}'
_PLAIN = b'{"id":%d,"author_id":%d,"created_at_ms":%d,"text":"#a","hashtags":["a"]}'
_TWEETS = 120


def warm_up_ingest() -> None:
    """Read a few tweets, and flush them."""
    split_records(np.frombuffer(b"\0", np.uint8), 0, 0, 0, -1, np.empty((1, COLUMNS), np.int64))
    source = SourcePartition(0, 1, str(UUID(int=0)), 0, sharding=Sharding(1), hashes=KeyedHash(b""), times=TimeRules())
    source.read(RecordColumns.of(_log()))
    for flush in source.flush()[0]:
        decode_partial(encode_partial(flush))


def warm_up(scorer: TextScorer) -> None:
    """Run the engine on a few tweets; this takes minutes on a machine that has compiled no kernel before."""
    warm_up_ingest()
    policy = parse_policy(_POLICY.format(category=scorer.categories[0]), "the warm-up's policy", categories=None)
    replay = Replay([0], policy, scorer, shards=1, early=True)
    for _ in replay.run(_log()):
        pass
    (judge,) = replay.judges
    panes = (*judge.state.store.short_panes, *judge.state.store.rollups.panes)
    assemble(
        [decode_pane_record(record) for pane in panes for record in encode_pane(pane, 0, judge.state.tags)],
        judge.state.tags,
    )

    judge.state.tags.find("a", "*")
    silent(b"text\n", 1)
    use = np.ones(1, np.uint64)
    earlier_ages(
        [collect(np.ones(1, np.int64), np.array([0, 1]), use, np.ones(1, np.int64))], np.ones(1, np.int64), use
    )
    equal_pairs(np.ones(1, np.int64), np.ones(1, np.int64))  # as side inputs call it
    refill(np.full((2, COUNT_COLUMNS), -1, np.int64), np.zeros((1, COUNT_COLUMNS), np.int64))


def _log() -> Iterator[LogRecord]:
    for offset, value in enumerate((_V1, _FOR_THE_PARSER, _TOO_NEW)):
        yield LogRecord(0, offset, MINUTE_MS, None, value)
    for number in range(4, _TWEETS):
        at_ms = MINUTE_MS + 1_000 * number
        yield LogRecord(0, number, at_ms, None, _PLAIN % (number, number, at_ms))
