"""Ingest workers of a simulated history: they send block counts, and marks of the moderation log."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding
from streams.log.account_facts import FactsMark
from streams.log.partials import encode_partial
from tests.support.block_counts import TOPIC_ID
from tests.support.simulated_run import Run
from tests.support.simulated_sizes import BLOCK, DUPLICATE_RANGE, HASHES, PARTITIONS, SHARDS, TIMES


class Ingest(Run):
    """One life of a source partition, as `streams.pipeline.ingest_partition.IngestPartition`."""

    topic = "tweets"

    def work(self) -> Iterator[None]:
        world, rng = self.world, self.world.rng
        replay_point = self.start // BLOCK * BLOCK
        core = SourcePartition(
            self.number, PARTITIONS, TOPIC_ID, replay_point, sharding=Sharding(SHARDS), hashes=HASHES, times=TIMES
        )
        at, unsent, rules = max(0, replay_point - DUPLICATE_RANGE), 0, rng.choice(world.rules)
        while True:
            records = world.visible(self.number)[at : at + rng.randint(1, 30)]
            core.read(records)
            at += len(records)
            unsent += len(records)
            if not records and not world.calm and rng.random() < 0.1:
                core.advance_idle(world.now_ms)
            self.done = not unsent and not records
            yield
            if (not unsent and (world.calm or rng.random() < 0.97)) or rng.random() < world.span.patience:
                continue
            unsent = 0
            flushed, replay_point = core.flush(), core.replay_point
            for one in (one for flushes in flushed.values() for one in flushes):
                one.rules = rules
                if rules in world.other_grammar:
                    one.hashtags = re.sub(rb"^all$", b"everything", one.hashtags, flags=re.MULTILINE)
            encoded = {shard: [encode_partial(one) for one in flushes] for shard, flushes in flushed.items()}
            core.reset_counts()
            for shard, values in encoded.items():
                for value in values[:-1]:
                    self.outbox.put(("partials", shard), value)
            yield from self.acknowledged()
            if self.dropped:
                return
            for shard, values in encoded.items():
                self.outbox.put(("partials", shard), values[-1])
            yield from self.acknowledged()
            if self.dropped:
                return
            self.replay_point = replay_point


class Marks(Run):
    """Marks by an ingest worker, as those of `AccountFactsFollower`; it is often so slow that marks are late."""

    topic = "moderation"

    def work(self) -> Iterator[None]:
        marked = 0
        while True:
            upto = len(self.world.moderation_log())
            self.done = upto <= marked
            yield
            if upto > marked:
                for shard in range(SHARDS):
                    self.outbox.put(("partials", shard), encode_partial(FactsMark("", upto)))
                yield from self.acknowledged()
                if self.dropped:
                    return
                marked = upto
