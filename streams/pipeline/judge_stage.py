"""The judge stage: all shards of this worker, their metrics, and what they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from streams.clock import now_ms
from streams.counting.block_counts import Flush
from streams.errors import ContractError
from streams.judging.shard_judge import ShardJudge
from streams.judging.ticks import SettledTick
from streams.log.decisions import Decision
from streams.log.producer import Ack
from streams.log.topic_specs import INTERNAL_DEAD_LETTER
from streams.log.unreadable import UnreadableRecord
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.context import Context
from streams.pipeline.dead_letters import send_dead_letter
from streams.pipeline.gaps import Gap
from streams.pipeline.judge_partition import JudgePartition
from streams.pipeline.stage_2 import Stage2

_RECOVERING_AT_ONCE = 2
"""Shards that read panes at once: one reads from Kafka while another computes. So the first shards are ready early."""
_GAUGE_SECONDS = 0.5


class JudgeStage:
    """All shards of this worker; implements `streams.pipeline.stages.Stage`.

    Args:
        facts: the account facts.
        end_offset: returns the last known end of a shard's log; None while unknown.
        stage_2: None if stage 1 decides alone.
    """

    def __init__(
        self,
        context: Context,
        log: Any,
        facts: AccountFactsFollower,
        end_offset: Callable[[int], int | None],
        stage_2: Stage2 | None = None,
    ) -> None:
        settings = context.settings
        self.context = context
        self.log = log
        self.facts = facts
        self.stage_2 = stage_2
        self.recovering = asyncio.Semaphore(_RECOVERING_AT_ONCE)
        """Acquired by a shard while it reads panes. A dropped shard releases it at once, even if its thread goes on."""
        self.topic = settings.topic("hashtag-partials")
        self.decisions_topic = settings.topic("suppression-decisions")
        self._end_offset = end_offset
        self._partitions: dict[int, JudgePartition] = {}

    def partition(self, number: int) -> JudgePartition:
        """Create the state of a shard in place of an older one."""
        self._partitions[number] = JudgePartition(self, number)
        return self._partitions[number]

    async def run(self) -> None:
        """Update the gauges of the backlog until cancelled."""
        backlog = self.context.metrics.judge_backlog
        while True:
            await asyncio.sleep(_GAUGE_SECONDS)
            for shard, partition in self._partitions.items():
                if not partition.dropped:
                    end = self._end_offset(shard)
                    backlog.labels(shard=str(shard)).set(max(0, (end or 0) - partition.judged_offset))

    def watermark_ms(self) -> int:
        """Return the lowest watermark over all sources, by the shard of this worker that has read most.

        It is -1 until one shard has received a marker of every source. A recovered shard begins with the watermark at
        which the previous owner stopped. A shard that has stopped does not count: no source waits for it.
        """
        working = (
            partition
            for partition in self._partitions.values()
            if not partition.dropped and partition.stopped_at is None
        )
        return max(
            (partition.judge.state.open.watermark_ms for partition in working if partition.judge is not None),
            default=-1,
        )

    def unready(self, shards: Iterable[int]) -> list[int]:
        """Return the shards that have not caught up."""
        return [shard for shard in shards if not self._partitions[shard].is_ready]

    def stopped(self) -> dict[int, UnreadableRecord]:
        """Return the shards that have stopped, each with the record that cannot be read."""
        shards = [*self._partitions.items()]  # the health server's thread calls it
        return {
            number: at
            for number, partition in shards
            if not partition.dropped and (at := partition.stopped_at) is not None
        }

    def report_stop(self, shard: int, record: UnreadableRecord | None) -> None:
        """Report that a shard has stopped at a record, or that it goes on."""
        self.context.metrics.shard_stopped.labels(shard=str(shard)).set(record is not None)
        if record is not None:
            at = record.position
            self.log.error(
                "a shard has stopped at a record that cannot be read", shard=shard, topic=at.topic,
                partition=at.partition, offset=at.offset, why=str(record), fix=record.fix,
            )  # fmt: skip

    def is_timely(self, flush: Flush) -> bool:
        """Return whether the newest tweet of a record is recent enough for early decisions."""
        present_ms = self.context.log_clock.present_ms(now_ms())
        return present_ms - flush.newest_ms <= self.context.settings.timely_ms

    def report(self, judge: ShardJudge) -> None:
        """Update the metrics of a shard after a batch."""
        metrics, shard = self.context.metrics, str(judge.state.shard)
        metrics.open_panes.labels(shard=shard).set(len(judge.state.open.panes))
        for name, count in judge.state.take_counts().items():
            getattr(metrics, name).inc(count)
        if judge.state.open.recreations:
            self.log.warning("tweets was created again: its unread records were not counted", shard=judge.state.shard)
            metrics.gaps.labels(kind=Gap.RECREATED.value).inc(judge.state.open.recreations)
            judge.state.open.recreations = 0
        if judge.state.open.returns:
            self.log.warning("a new id of tweets sent nothing more: its former id counts", shard=judge.state.shard)
            judge.state.open.returns = 0
        metrics.awaited_sources.labels(shard=shard).set(judge.state.open.awaited_sources)
        metrics.replaying.labels(shard=shard).set(judge.state.position.is_replaying)
        metrics.model.info({"revision": judge.state.timeline.model_revision})

    def report_tick(self, judge: ShardJudge, settled: SettledTick) -> None:
        """Update the metrics of a shard after a settled tick."""
        metrics, shard = self.context.metrics, str(judge.state.shard)
        metrics.early_confirmed.inc(settled.changes.confirmed)
        metrics.early_withdrawn.inc(settled.changes.withdrawn)
        for breaker in settled.changes.refused:
            metrics.valve_reviews.labels(valve=breaker.signal).inc()
        metrics.scorer_fault.labels(shard=shard).set(settled.changes.scorer_fault is not None)
        for pane in settled.panes:
            metrics.given_up_tweets.labels(pane=f"{pane.length_ms // 1000}s").inc(pane.trimmed.tweets)
        metrics.settled_seconds.labels(shard=shard).set(settled.tick_ms / 1000)
        metrics.candidate_tags.labels(shard=shard).set(settled.busy_keys)

    def report_decision(self, decision: Decision) -> None:
        """Count a decision by its rulings."""
        for ruling in decision.rulings:
            self.context.metrics.decisions.labels(
                category=ruling.category,
                surface=ruling.surface,
                country=decision.country,
                action=ruling.action,
                provisional=str(ruling.provisional).lower(),
            ).inc()

    async def send_dead_letter(self, shard: int, record: Any, error: ContractError) -> Ack:
        """Send corrections that cannot be decoded to the internal dead-letter topic."""
        self.log.warning("a record of corrections cannot be decoded", shard=shard, offset=record.offset, why=str(error))
        return await send_dead_letter(
            self.context, self.topic, shard, record.offset, record.value, error, into=INTERNAL_DEAD_LETTER
        )
