"""The judge stage: each shard's log to settled panes, decisions and progress.

A shard has a task of its own, fed by a short queue: a tick waits for its scores, the loop does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streams.clock import now_ms
from streams.counting.block_counts import PANE_MS, Flush
from streams.counting.retractions import NO_PANE
from streams.errors import ContractError
from streams.judging.evidence_codec import records_of
from streams.judging.shard_judge import Settled, ShardJudge, TickJob
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch, encode_heard
from streams.log.corrections import encode_rows
from streams.log.decisions import Decision, Progress, encode_record
from streams.log.evidence import encode_evidence_record
from streams.log.panes import encode_pane
from streams.log.partials import Partial, decode_partial, encode_partial
from streams.log.producer import Ack
from streams.log.retractions import encode_retractions
from streams.pipeline.account_facts import FactsFollower
from streams.pipeline.context import Context
from streams.pipeline.foreign_records import OwnOffsets, read_foreign
from streams.pipeline.gaps import Gap, explain_gap
from streams.pipeline.recovery import read_decisions, read_panes
from streams.pipeline.stage_2 import StageTwo
from streams.pipeline.stage_2_texts import RecentTexts
from streams.policy.activation import Activation

_QUEUED_BATCHES = 4
"""So many wait for a shard before no more is fetched of it: one that still reads back holds up nobody else."""
_READING_BACK = 2
"""So many shards read panes back at once, one from Kafka while one computes: the first are ready long before the last.
Whoever is dropped makes room at once, though its thread may compute on for a moment."""
_GAUGE_SECONDS = 0.5
_TEXTS_BYTES = 64 * 1024 * 1024
"""For stage 2, shared out over the shards."""
PROGRESS_KEY = b"progress"


class JudgePartition:
    """One shard; implements `streams.pipeline.stages.Partition`."""

    def __init__(self, stage: JudgeStage, shard: int) -> None:
        self.replay_point: int | None = None
        self.judge: ShardJudge | None = None
        self.shard = shard
        self.judged_offset = 0
        """Everything before it is judged."""
        self._stage = stage
        self._context = stage.context
        self._next_offset: int | None = None
        self._first = 0
        self._lost_at_start = False
        self.dropped = False
        self._own = OwnOffsets(0)
        self._texts = RecentTexts(_TEXTS_BYTES // stage.context.settings.shards)
        self._queue: asyncio.Queue[Sequence[Any]] = asyncio.Queue()
        self._task = stage.context.spawn(self._work(), f"judge-{shard}")

    def start(self, committed: int | None, first: int) -> int:
        start = max(committed or 0, first)
        if self._next_offset is None:
            self._next_offset = self.judged_offset = start
            self._first = first
            self._lost_at_start = committed is not None and committed < first
        return self._next_offset

    async def take(self, batch: Sequence[Any]) -> None:
        if not self.dropped:
            self._queue.put_nowait(batch)

    def drop(self) -> None:
        self.dropped = True
        self.judge = None
        self.replay_point = None
        self._task.cancel()
        self._context.metrics.forget_shard(self.shard)
        if self._stage.stage_2 is not None:
            self._stage.stage_2.forget(self.shard)

    @property
    def full(self) -> bool:
        return self._queue.qsize() >= _QUEUED_BATCHES

    @property
    def position(self) -> int | None:
        return None if self.judge is None else self.judged_offset

    @property
    def reached(self) -> int | None:
        return None if self.judge is None else max(self.judged_offset, self.judge.known_offset + 1)

    @property
    def ready(self) -> bool:
        """Whether the shard has caught up with what its predecessor said."""
        return self.judge is not None and self.judge.caught_up

    async def _work(self) -> None:
        judge, needed_from = await self._recover()
        self.judge = judge
        batch = await self._queue.get()
        if self._lost_at_start or needed_from < self._first:
            self._context.metrics.gaps.labels(kind=Gap.RETENTION.value).inc()
            self._hold(judge)
        while True:
            records = [*await self._admit(judge, batch)]
            following: Sequence[Any] | None = None
            while following is None and not self._queue.empty():  # one look at all that waits: who lags looks less
                following = self._queue.get_nowait()
                if following[0].offset <= (self._next_offset or 0):  # behind a gap it waits: a hold begins with it
                    records += await self._admit(judge, following)
                    following = None
            if records:
                await self._judge(judge, records)
                self.judged_offset = records[-1].offset + 1
            batch = following or await self._queue.get()

    async def _admit(self, judge: ShardJudge, batch: Sequence[Any]) -> Sequence[Any]:
        expected = self._next_offset
        assert expected is not None
        first = batch[0].offset
        if first > expected:
            context = self._context
            kind = await explain_gap(context.settings, self._stage.topic, self.shard, expected, first)
            context.metrics.gaps.labels(kind=kind.value).inc()
            if kind is Gap.RETENTION:
                self._hold(judge)
        records = batch if first >= expected else [record for record in batch if record.offset >= expected]
        if records:
            self._next_offset = records[-1].offset + 1
        return records

    def _hold(self, judge: ShardJudge) -> None:
        judge.hold()
        self._stage.log.warning("records were lost to retention: holding", shard=self.shard)

    async def _judge(self, judge: ShardJudge, records: Sequence[Any]) -> None:
        acks: list[Ack] = []
        last: Progress | None = None
        newest: Flush | None = None
        for record in records:
            partial = await self._decoded(record, acks)
            if partial is None:
                continue
            if isinstance(partial, FactsMark):
                await self._stage.facts.reached(partial)
            if isinstance(partial, Activation):
                await self._context.shelf.scorer(partial.model_revision)  # it is at hand when its tick comes
            judge.apply(record.offset, partial)
            while (job := judge.next_tick()) is not None:
                scored = await self._context.score(job.batches)
                with self._context.metrics.tick_seconds.time():
                    settled = judge.settle(job, scored)
                self._ask_stage_2(judge, job)
                acks += await self._say(judge, settled)
                last = settled.progress or last
            if isinstance(partial, Flush):
                newest = partial
        if newest is not None:
            acks += await self._look(judge, newest)
        said = await self._context.sender.acknowledged(acks)
        if last is not None and not self.dropped:
            sent = await self._send(self._stage.decisions_topic, encode_record(last), PROGRESS_KEY)
            said += await self._context.sender.acknowledged([sent])
            if not self.dropped:
                self.replay_point = last.replay_offset
        await self._answer_for_others(judge, said)
        self._stage.note(judge)

    async def _decoded(self, record: Any, acks: list[Ack]) -> Partial | None:
        """A record of the shard's log; None of corrections that cannot be read, which nothing counted rests on."""
        try:
            return decode_partial(record.value)
        except ContractError as error:
            self._context.metrics.corrections_refused.labels(reason=error.reason).inc()
            acks.append(await self._stage.send_dead_letter(self.shard, record, error))
            return None

    def _ask_stage_2(self, judge: ShardJudge, job: TickJob) -> None:
        stage_2 = self._stage.stage_2
        if stage_2 is not None and not self.dropped:
            self._texts.keep(job)
            self._texts.forget_before(judge.corrected.model_from_ms // PANE_MS)
            if stage_2.reads_along and judge.model_revision == self._context.scorer.revision:
                stage_2.offer(self.shard, judge.candidates(), self._texts.find)

    async def _answer_for_others(self, judge: ShardJudge, said: Sequence[Any]) -> None:
        """Adopt what somebody else has said of this shard meanwhile; see `streams.pipeline.foreign_records`."""
        topic = self._stage.decisions_topic
        foreign = self._own.acknowledged(one.offset for one in said if one.topic == topic)
        if foreign:
            for decision in await read_foreign(self._context.settings, topic, self.shard, foreign):
                judge.rulings.adopt(decision)
            self._context.metrics.foreign_decisions.inc(len(foreign))
            self._stage.log.warning("somebody else has decided on this shard", shard=self.shard, records=len(foreign))

    async def _look(self, judge: ShardJudge, newest: Flush) -> list[Ack]:
        """One early look at all that a batch of records has touched."""
        if not self._stage.timely(newest):
            judge.looks.pass_over()
            return []
        look = judge.next_look()
        if look is None:
            return []
        scored = await self._context.score(look.batches)
        return await self._send_decisions(judge.look(look, scored)) if self._stage.timely(newest) else []

    async def _say(self, judge: ShardJudge, settled: Settled) -> list[Ack]:
        acks = [
            await self._send(self._stage.panes_topic, record, None)
            for pane in settled.panes
            for record in encode_pane(pane, self.shard, judge.tags)
        ]
        acks += [
            await self._send(self._stage.panes_topic, record, None)
            for record in encode_retractions(settled.retracted, judge.tags)
        ]
        if settled.corrected:
            acks += [
                await self._send(self._stage.panes_topic, record, None)
                for record in encode_rows(settled.corrected, judge.tags, judge.corrected.revisions)
            ]
        acks += [await self._send(self._stage.panes_topic, encode_heard(one), None) for one in settled.heard]
        if settled.evidence is not None:
            acks += [
                await self._send(self._stage.evidence_topic, encode_evidence_record(record), None)
                for record in records_of(settled.evidence, self.shard, judge.tags)
            ]
        await self._tell_all_shards(settled.sketches)
        acks += await self._send_decisions(settled.decisions)
        metrics = self._context.metrics
        metrics.retracted_uses.inc(int((settled.retracted.panes != NO_PANE).sum()) - settled.unmatched)
        metrics.retractions_unmatched.inc(settled.unmatched)
        metrics.corrections.inc(len(settled.corrected or ()))
        metrics.early_confirmed.inc(settled.confirmed)
        metrics.early_withdrawn.inc(settled.withdrawn)
        for valve in settled.refused:
            metrics.valve_reviews.labels(valve=valve.signal).inc()
        metrics.scorer_fault.labels(shard=str(self.shard)).set(settled.scorer_fault is not None)
        for pane in settled.panes:
            metrics.given_up_tweets.labels(pane=f"{pane.length_ms // 1000}s").inc(pane.given_up.tweets)
        metrics.settled_seconds.labels(shard=str(self.shard)).set(settled.tick_ms / 1000)
        if judge.views.shortest is not None:
            metrics.candidate_tags.labels(shard=str(self.shard)).set(len(judge.views.shortest.busy()))
        return acks

    async def _tell_all_shards(self, sketches: Sequence[AuthorSketch]) -> None:
        """Before their decisions are sent: a successor that reads one of these back does not send its sketch."""
        sender, shards = self._context.sender, range(self._context.settings.shards)
        values = [encode_partial(one) for one in sketches]
        await sender.acknowledged(
            [await sender.send(self._stage.topic, shard, value) for value in values for shard in shards]
        )

    async def _send_decisions(self, decisions: Sequence[Decision]) -> list[Ack]:
        for decision in decisions:
            self._stage.note_decision(decision)
        topic = self._stage.decisions_topic
        return [
            await self._send(topic, encode_record(one), f"{one.hashtag}|{one.country}".encode()) for one in decisions
        ]

    async def _send(self, topic: str, value: bytes, key: bytes | None) -> Ack:
        return await self._context.sender.send(topic, self.shard, value, key=key)

    async def _recover(self) -> tuple[ShardJudge, int]:
        """Read back what a predecessor said, before the first record is applied.

        Returns:
            The judge, and the first offset that it needs.
        """
        settings = self._context.settings
        judge = ShardJudge(
            self.shard,
            categories=self._context.scorer.categories,
            model_revision=self._context.scorer.revision,
            hashes=self._context.hashes,
            max_lag_ms=settings.max_lag_ms,
            shards=settings.shards,
            book=self._stage.facts.book,
            scale_of=self._context.shelf.scale,
            at_hand=self._context.shelf.is_at_hand,
        )
        legacy = await read_decisions(settings, self.shard)
        self._own = OwnOffsets(legacy.end)
        if legacy.progress is not None:
            for one in legacy.progress.activations:
                await self._context.shelf.scorer(one.model_revision)  # the first tick asks what its scores mean
            for heard in legacy.progress.facts:
                await self._stage.facts.reached(heard)
        async with self._stage.reading_back:
            await read_panes(settings, self.shard, judge.tags, legacy)
            judge.sketches.recover(legacy.sketches)
            await asyncio.to_thread(  # some seconds for an hour of tweets, and nobody else has the judge yet
                judge.recover,
                legacy.progress,
                legacy.decisions,
                legacy.panes,
                legacy.longer,
                legacy.retracted,
                legacy.corrected,
            )
        return judge, 0 if legacy.progress is None else legacy.progress.replay_offset


class JudgeStage:
    """All shards of this worker.

    Args:
        facts: what is known about authors.
        end_offset: the last known end of a shard's log; None while nobody knows.
        stage_2: reads along; None: stage 1 alone.
    """

    def __init__(
        self,
        context: Context,
        log: Any,
        facts: FactsFollower,
        end_offset: Callable[[int], int | None],
        stage_2: StageTwo | None = None,
    ) -> None:
        settings = context.settings
        self.context = context
        self.facts = facts
        self.stage_2 = stage_2
        self._end_offset = end_offset
        self.reading_back = asyncio.Semaphore(_READING_BACK)
        """Held while a shard reads panes back."""
        self.log = log
        self.topic = settings.topic("hashtag-partials")
        self.decisions_topic = settings.topic("suppression-decisions")
        self.panes_topic = settings.topic("hashtag-panes")
        self.evidence_topic = settings.topic("hashtag-evidence")
        self._dead_letter_topic = settings.topic("tweets-dead-letter")
        self._partitions: dict[int, JudgePartition] = {}

    def partition(self, number: int) -> JudgePartition:
        self._partitions[number] = JudgePartition(self, number)
        return self._partitions[number]

    async def run(self) -> None:
        """Gauges of the backlog."""
        backlog = self.context.metrics.judge_backlog
        while True:
            await asyncio.sleep(_GAUGE_SECONDS)
            for shard, one in self._partitions.items():
                if not one.dropped:
                    end = self._end_offset(shard)
                    backlog.labels(shard=str(shard)).set(max(0, (end or 0) - one.judged_offset))

    def watermark_ms(self) -> int:
        """The lowest watermark over all sources, as the shard here knows it that has read most; -1 while none has heard
        of all. A shard that has just read back knows the one at which its predecessor stopped."""
        judges = [one.judge for one in self._partitions.values() if not one.dropped and one.judge is not None]
        return max((judge.open.watermark_ms for judge in judges), default=-1)

    def unready(self, owned: Mapping[int, JudgePartition]) -> list[int]:
        """Shards that have not caught up."""
        return [shard for shard, one in owned.items() if not one.ready]

    def timely(self, flush: Flush) -> bool:
        """Whether what a record counts is new enough for early looks."""
        return now_ms() - flush.newest_ms <= self.context.settings.timely_ms

    def note(self, judge: ShardJudge) -> None:
        """Gauges of a shard."""
        metrics, shard = self.context.metrics, str(judge.shard)
        metrics.open_panes.labels(shard=shard).set(len(judge.open.panes))
        metrics.registers_after_settling.inc(judge.open.late_registers)
        judge.open.late_registers = 0
        metrics.account_facts_late.inc(judge.facts.late)
        judge.facts.late = 0
        metrics.retractions_late.inc(judge.views.retracted.late)
        judge.views.retracted.late = 0
        metrics.corrections_refused.labels(reason="other_columns").inc(judge.corrected.foreign)
        judge.corrected.foreign = 0
        metrics.sketches_late.inc(judge.sketches.late)
        metrics.sketches_given_up.inc(judge.sketches.given_up)
        judge.sketches.late = judge.sketches.given_up = 0
        metrics.replaying.labels(shard=shard).set(judge.replaying)
        metrics.model.info({"revision": judge.model_revision})

    async def send_dead_letter(self, shard: int, record: Any, error: ContractError) -> Ack:
        """A record of a shard's log that cannot be read, as it came; why and from where in the headers."""
        self.log.warning("a record of corrections cannot be read", shard=shard, offset=record.offset, why=str(error))
        headers = {
            "reason": error.reason,
            "field": error.field,
            "value": error.value,
            "fix": error.fix,
            "source-topic": self.topic,
            "source-partition": str(shard),
            "source-offset": str(record.offset),
        }
        origin = f"{self.topic}/{shard}/{record.offset}".encode()
        encoded = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
        return await self.context.sender.send(
            self._dead_letter_topic, None, record.value, key=origin, headers=encoded
        )  # fmt: skip

    def note_decision(self, decision: Decision) -> None:
        """Counts of decisions; whoever wants to be told is."""
        if self.context.webhook is not None:
            self.context.webhook.offer(decision)
        for ruling in decision.rulings:
            self.context.metrics.decisions.labels(
                category=ruling.category,
                surface=ruling.surface,
                country=decision.country,
                action=ruling.action,
                provisional=str(ruling.provisional).lower(),
            ).inc()
