"""Scoring at firehose density, where each use of a tag lies in another block."""

from __future__ import annotations

import json

import numpy as np

from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.log.lines import LogRecord
from streams.policy.activation import Activation
from streams.scoring import TextScorer
from tests.support.word_policy import POLICY, WordScorer, make_policy

AUTHORS = 1_000
WINDOW_MS = 600_000
PARTITIONS = 4
TWEETS_PER_SECOND = 20_000
START_MS = 1_611_600_000_000


def test_sampled_authors_are_scored_at_firehose_density():
    policy = make_policy(
        POLICY.replace("[2m]", "[10m]").replace("_floor: 2", "_floor: 5").replace("authors: 4", "authors: 5")
    )
    hashes, scorer = KeyedHash(b""), TextScorer(WordScorer())
    judge = ShardJudge(ShardState(0, categories=scorer.categories, model_revision=scorer.revision, hashes=hashes))
    judge.apply(0, Activation(policy.revision, 0, 0, policy.canonical, scorer.revision))
    sources = [
        SourcePartition(number, PARTITIONS, "t", 0, sharding=Sharding(1), hashes=hashes, times=TimeRules())
        for number in range(PARTITIONS)
    ]
    gap_ms = WINDOW_MS // AUTHORS
    offsets = [0] * PARTITIONS
    blocks = set()
    for author in range(AUTHORS):
        at_ms = START_MS + author * gap_ms
        number = author % PARTITIONS
        offsets[number] += TWEETS_PER_SECOND * gap_ms // 1_000  # what lies between has other tags
        blocks.add((number, offsets[number] // 256))
        tweet = {
            "id": str(author),
            "author_id": str(author),
            "created_at_ms": at_ms,
            "text": f"good {author}",
            "hashtags": ["t"],
        }
        sources[number].read([LogRecord(number, offsets[number], at_ms, None, json.dumps(tweet).encode())])
        for source in sources:
            source.advance_idle(at_ms)
            for records in source.flush().values():
                for record in records:
                    judge.apply(author + 1, record)
            source.reset_counts()
        while (job := judge.next_tick()) is not None:
            judge.settle(job, scorer(job.texts.batch.lines))
    assert len(blocks) == AUTHORS
    while (job := judge.next_tick(START_MS + WINDOW_MS)) is not None:
        judge.settle(job, scorer(job.texts.batch.lines))
    window = judge.state.store.windows[WINDOW_MS]
    key = judge.state.tags.find("t", "*")
    assert key is not None and window.counts.of(np.array([key])) >= AUTHORS * 0.98
    sample = window.sample(np.array([key]))
    assert len(sample.group) == 64
    assert np.mean(~np.isnan(sample.scores[:, 0])) >= 0.95
