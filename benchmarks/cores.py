"""The worker's cores without Kafka and Redis: ingest of one source partition, and the judges of all shards.

What goes over the log is encoded and decoded, so that all is kept in the form in which a worker keeps it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from streams.constants import PANE_MS
from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.judging.evidence_codec import records_of
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.ticks import SettledTick, TickJob
from streams.log.evidence import encode_evidence_record
from streams.log.lines import LogRecord
from streams.log.panes import encode_pane, topic_of
from streams.log.partials import decode_partial, encode_partial
from streams.log.topic_specs import EVIDENCE, PARTIALS
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.scoring import load_text_scorer, score_batches
from streams.windows.pane import Pane

SHARDS = 8


@dataclass(slots=True)
class Spent:
    """CPU time of a part of the work; no list, for others measure the memory of the cores."""

    times: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    """Longest single call, in CPU seconds."""


class Cores:
    """A source partition and the judges of all shards.

    Args:
        keep: called with every settled pane's shard, the pane, and its records.
    """

    def __init__(
        self, policy: Policy, hash_key: bytes = b"", keep: Callable[[int, Pane, list[bytes]], object] | None = None
    ) -> None:
        hashes = KeyedHash(hash_key)
        self._keep = keep
        self.scorer = load_text_scorer()
        self._columns = 1 + len(self.scorer.categories)
        self.source = SourcePartition(
            0, 1, "6f1c2a53-84d4-4d1e-9d7e-1f3b8c5a9e70", 0, sharding=Sharding(SHARDS), hashes=hashes, times=TimeRules()
        )  # fmt: skip
        self.judges = [
            ShardJudge(
                ShardState(
                    shard,
                    categories=self.scorer.categories,
                    model_revision="",
                    hashes=hashes,
                    shards=SHARDS,
                    scale_of=lambda _: self.scorer.scale,
                )
            )
            for shard in range(SHARDS)
        ]
        for judge in self.judges:
            judge.apply(0, activation_of(policy))
        self.given_up = 0
        self.written: Counter[str] = Counter()
        """Bytes of the records of partials, panes and evidence, by topic, without Kafka's overhead."""
        self.spent: dict[str, Spent] = {}
        """CPU time by part of the work."""
        self._offset = 0

    def read(self, records: list[LogRecord]) -> None:
        """One batch, all the way."""
        with self._timed("read"):
            self.source.read(records)
            self.source.reset_counts()
        with self._timed("flush"):
            flushed = self.source.flush()
        for shard, flushes in flushed.items():
            judge = self.judges[shard]
            for flush in flushes:
                self._offset += 1
                with self._timed("apply"):
                    value = encode_partial(flush)
                    judge.apply(self._offset, decode_partial(value))
                self.written[PARTIALS] += len(value)
            while (job := self._next_tick(judge)) is not None:
                with self._timed("score"):
                    scores = self.scorer(job.texts.batch.lines)
                with self._timed("settle"):
                    settled = judge.settle(job, scores)
                with self._timed("write"):
                    self._write(judge, settled)
            with self._timed("look"):
                firing = judge.next_early()
                if firing is not None:
                    judge.decide_early(firing, score_batches(firing.batches, lambda _: self.scorer, self._columns))
            while judge.may_score_ahead:
                with self._timed("ahead"):
                    texts = judge.next_ahead()
                    if texts is not None:
                        texts.score(self.scorer(texts.batch.lines))

    def _next_tick(self, judge: ShardJudge) -> TickJob | None:
        with self._timed("close"):
            return judge.next_tick()

    def _write(self, judge: ShardJudge, settled: SettledTick) -> None:
        for pane in settled.panes:
            written = encode_pane(pane, judge.state.shard, judge.state.tags)
            self.written[topic_of(pane.length_ms)] += sum(map(len, written))
            if self._keep is not None:
                self._keep(judge.state.shard, pane, written)
            self.given_up += pane.trimmed.tweets if pane.length_ms == PANE_MS else 0
        if settled.evidence is not None:
            for record in records_of(settled.evidence, judge.state.shard, judge.state.tags):
                self.written[EVIDENCE] += len(encode_evidence_record(record))

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = time.thread_time()
        yield
        seconds = time.thread_time() - start
        spent = self.spent.setdefault(part, Spent())
        spent.times += 1
        spent.seconds += seconds
        spent.longest = max(spent.longest, seconds)

    def count(self, hashtag: str, window_ms: int) -> int:
        """Tweets of a tag in a window, by the judge of its shard."""
        judge = self.judges[Sharding(SHARDS).of(hashtag)]
        key = judge.state.tags.find(hashtag, "*")
        return 0 if key is None else int(judge.state.store.windows[window_ms].counts.of(np.array([key]))[0])


def activation_of(policy: Policy, sequence: int = 0, from_tick_ms: int = 0) -> Activation:
    """The record that puts a policy in force."""
    return Activation(policy.revision, sequence, from_tick_ms, policy.canonical, "")
