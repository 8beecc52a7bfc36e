"""One shard of the judge: its queue of batches, the judging of its records, and the commit of what they settle.

Each shard has its own task, fed by a short queue. The task awaits each step, and long steps run in a thread. So one
thread at a time uses a judge, and the event loop waits for none of them. While a step runs, other tasks read watermarks
and offsets of the judge alone, which are plain numbers. Shards share the account facts, which have a lock, and the
loaded models.

At a record that cannot be read the shard stops: it judges what comes before, renews its flags, and waits for a person
(`streams.pipeline.stopped_shard`). The other shards of the worker go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import Any, Protocol

from streams.constants import PANE_MS
from streams.counting.block_counts import Flush
from streams.errors import ContractError
from streams.judging.shard_judge import ShardJudge
from streams.judging.stage_2_candidates import Candidate
from streams.judging.ticks import SettledTick, TickJob
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch
from streams.log.corrections import are_corrections
from streams.log.decisions import Decision, LanguageCoverage, Progress, encode_record
from streams.log.partials import Partial, encode_partial
from streams.log.positions import RecordPosition
from streams.log.producer import Ack
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import PARTIALS
from streams.log.unreadable import UnreadableRecord, read_record
from streams.pipeline.gaps import Gap, explain_gap
from streams.pipeline.recovery import OwnOffsets, RecoveredJudge, read_foreign, recover_judge
from streams.pipeline.stage_2 import Stage2
from streams.pipeline.stage_2_texts import RecentTexts
from streams.pipeline.stopped_shard import ShardStop, StopPort
from streams.pipeline.tick_output import TickOutput, history_of
from streams.policy.activation import Activation
from streams.windows.open_pane import Scores

_QUEUED_BATCHES = 4
"""Batches queued per shard before its fetch pauses, so that a recovering shard does not block the others."""
_TEXTS_BYTES = 64 * 1024 * 1024
"""Memory for the texts of stage 2, divided by the number of shards."""
PROGRESS_KEY = b"progress"
COVERAGE_KEY = b"coverage"


Decoded = tuple[Any, Partial | ContractError]
"""A record of the log, and what it decodes to or why it does not."""


def _has_counts(decoded: Decoded) -> bool:
    return isinstance(decoded[1], Flush)


class ShardPort(StopPort, Protocol):
    """The parts of the judge stage that one shard uses; see `streams.pipeline.judge_stage`."""

    topic: str
    stage_2: Stage2 | None
    recovering: asyncio.Semaphore

    def is_timely(self, flush: Flush) -> bool:
        """Return whether the newest tweet of a record is recent enough for early decisions."""

    def report(self, judge: ShardJudge) -> None:
        """Update the metrics of a shard after a batch."""

    def report_tick(self, judge: ShardJudge, settled: SettledTick) -> None:
        """Update the metrics of a shard after a settled tick."""

    def report_decision(self, decision: Decision) -> None:
        """Count a decision by its rulings."""

    async def send_dead_letter(self, shard: int, record: Any, error: ContractError) -> Ack:
        """Send corrections that cannot be decoded to the internal dead-letter topic."""


class JudgePartition:
    """The state of one shard; implements `streams.pipeline.stages.PartitionState`."""

    def __init__(self, stage: ShardPort, shard: int) -> None:
        self.replay_point: int | None = None
        self.judge: ShardJudge | None = None
        """None until the shard has recovered, and after it was dropped."""
        self.shard = shard
        self.judged_offset = 0
        """The offset before which all records are judged."""
        self.dropped = False
        self._stage = stage
        self._context = stage.context
        self._next_offset: int | None = None
        self._first = 0
        """The log's first offset at assignment."""
        self._lost_at_start = False
        """Whether retention has removed records after the committed offset."""
        self._own = OwnOffsets(0)
        self._stop = ShardStop(stage, shard, self._note_own)
        self._texts = RecentTexts(_TEXTS_BYTES // stage.context.settings.shards)
        self._queue: asyncio.Queue[Sequence[Any]] = asyncio.Queue()
        self._task = stage.context.spawn(self._work(), f"judge-{shard}")

    def start_at(self, committed: int | None, first: int) -> int:
        """Return the next offset to queue, at first the committed one or the start of the log."""
        start = max(committed or 0, first)
        if self._next_offset is None:
            self._next_offset = self.judged_offset = start
            self._first = first
            self._lost_at_start = committed is not None and committed < first
        return self._next_offset

    async def process(self, batch: Sequence[Any]) -> None:
        """Queue a batch for the task of the shard."""
        if not self.dropped:
            self._queue.put_nowait(batch)

    def drop(self) -> None:
        """Cancel the task, and remove the judge, its metrics and its queue of stage 2."""
        self.dropped = True
        self.judge = None
        self.replay_point = None
        self._task.cancel()
        self._stop.end()
        self._context.metrics.remove_shard(self.shard)
        if self._stage.stage_2 is not None:
            self._stage.stage_2.remove(self.shard)

    @property
    def is_full(self) -> bool:
        """Return whether the queue of batches is full."""
        return self._queue.qsize() >= _QUEUED_BATCHES

    @property
    def position(self) -> int | None:
        """Return the offset up to which records are judged; None until the judge is recovered, and while it stops."""
        return None if self.judge is None or self.stopped_at is not None else self.judged_offset

    @property
    def stopped_at(self) -> UnreadableRecord | None:
        """Return the record at which the shard has stopped; None while it works."""
        return self._stop.record

    @property
    def required_end(self) -> int | None:
        """Return the end that the judged records and the known offset imply; None before recovery."""
        judge = self.judge  # another thread may drop the shard meanwhile
        return None if judge is None else max(self.judged_offset, judge.state.position.known_offset + 1)

    @property
    def is_ready(self) -> bool:
        """Whether the shard has replayed the log up to the previous owner's position, or has stopped."""
        judge = self.judge  # another thread may drop the shard meanwhile
        return self.stopped_at is not None or (judge is not None and judge.state.position.caught_up)

    async def _work(self) -> None:
        recovered = await self._recover()
        self._own = OwnOffsets(recovered.decisions_end)
        judge = self.judge = recovered.judge
        batch = await self._queue.get()
        if self._lost_at_start or recovered.replay_offset < self._first:
            self._context.metrics.gaps.labels(kind=Gap.RETENTION.value).inc()
            self._pause_clearing(judge)
        await self._read_back(judge, max(recovered.replay_offset, self._first))
        while True:
            records = [*await self._admit(judge, batch)]
            following: Sequence[Any] | None = None
            # Take all queued batches at once: a shard that lags then makes fewer early decisions.
            while following is None and not self._queue.empty():
                following = self._queue.get_nowait()
                # Keep a batch behind a gap for later: the records before the gap must be judged before the pause.
                if following[0].offset <= (self._next_offset or 0):
                    records += await self._admit(judge, following)
                    following = None
            await self._judge_all(judge, records)
            batch = following or await self._next_batch(judge)

    async def _next_batch(self, judge: ShardJudge) -> Sequence[Any]:
        """Wait for a batch, and score ahead meanwhile what the next tick will take."""
        while self._queue.empty() and judge.may_score_ahead:
            await self._context.run(partial(self._score_ahead, judge))
        return await self._queue.get()

    def _score_ahead(self, judge: ShardJudge) -> None:
        """Score some texts of a pane that waits for its tick. Blocks."""
        texts = judge.next_ahead()
        if texts is not None:
            texts.score(self._context.score_here([texts.batch]))

    async def _recover(self) -> RecoveredJudge:
        while True:
            try:
                return await recover_judge(self._context, self.shard, self._stage.facts, self._stage.recovering)
            except UnreadableRecord as record:
                await self._stop.wait_for_skip(record)

    async def _read_back(self, judge: ShardJudge, start: int) -> None:
        """Judge the records from an offset to the committed one, which a skipped progress record had named."""
        end = self._next_offset
        assert end is not None
        if start >= end:
            return
        self._next_offset = start
        async with LogReader(connection(self._context.settings), self._stage.topic) as reader:
            async for batch in reader.to_end({self.shard: start}, {self.shard: end}):
                await self._judge_all(judge, await self._admit(judge, batch))
        self._next_offset = end

    async def _judge_all(self, judge: ShardJudge, records: Sequence[Any]) -> None:
        """Judge a batch; stop at each record that cannot be read until a person skips it."""
        while records:
            record = await self._judge(judge, records)
            if record is None:
                self.judged_offset = records[-1].offset + 1
                break
            offset = record.position.offset
            self.judged_offset = offset
            await self._stop.wait_for_skip(record)
            judge.skip(offset)
            self.judged_offset = offset + 1
            records = [record for record in records if record.offset > offset]
        self._stop.note_position(self.judged_offset, judge.state.settled_ms)

    def _note_own(self, offset: int) -> None:
        self._own.note(offset)

    async def _admit(self, judge: ShardJudge, batch: Sequence[Any]) -> Sequence[Any]:
        expected = self._next_offset
        assert expected is not None
        first = batch[0].offset
        if first > expected:
            context = self._context
            kind = await explain_gap(context.settings, self._stage.topic, self.shard, expected, first)
            context.metrics.gaps.labels(kind=kind.value).inc()
            if kind is Gap.RETENTION:
                self._pause_clearing(judge)
        records = batch if first >= expected else [record for record in batch if record.offset >= expected]
        if records:
            self._next_offset = records[-1].offset + 1
        return records

    def _pause_clearing(self, judge: ShardJudge) -> None:
        judge.state.pause_clearing()
        self._stage.log.warning("retention removed partials: clearing is paused for one window", shard=self.shard)

    async def _judge(self, judge: ShardJudge, records: Sequence[Any]) -> UnreadableRecord | None:
        """Judge a batch of records, publish what it settles, and commit. The order of publication is numbered below.

        Returns:
            The first record that cannot be read, after all before it are committed; None: all are judged.
        """
        settings = self._context.settings
        acks: list[Ack] = []
        progress: Progress | None = None
        newest: Flush | None = None
        unreadable: UnreadableRecord | None = None
        waiting = await self._context.run(partial(self._decode, records))
        while waiting:
            try:
                applied = await self._apply(judge, waiting, acks)
            except UnreadableRecord as found:
                unreadable = found
                acks += await self._send_decisions(await self._decide_early(judge, newest))
                break
            newest = next((flush for _, flush in reversed(waiting[:applied]) if isinstance(flush, Flush)), newest)
            waiting = waiting[applied:]
            self._context.metrics.judged_records.labels(shard=str(self.shard)).inc(applied)
            if judge.state.due() is not None or not waiting:
                # An early decision does not wait for a tick; see step 3.
                acks += await self._send_decisions(await self._decide_early(judge, newest))
            while (output := await self._settle_next(judge)) is not None:
                settled = output.settled
                # 1. Panes, side records (retractions, corrections, sketches received) and evidence of the tick: the
                #    next owner recovers its windows from them. They are acknowledged before step 4.
                acks += [await self._send(settings.topic(topic), value) for topic, value in output.history]
                # 2. Sketches of the tick's campaigns, to every shard. They are acknowledged before step 3: the next
                #    owner does not send the sketch of a decision that it recovers.
                await self._send_sketches(settled.sketches)
                # 3. Decisions of the tick, and the hours that it ends. They are acknowledged before step 4.
                acks += await self._send_decisions(settled.decisions)
                acks += await self._send_coverage(settled.coverage)
                self._stage.report_tick(judge, settled)
                progress = settled.progress or progress
        acknowledged = await self._context.sender.acknowledged(acks)
        if progress is not None and not self.dropped:
            # 4. Progress of the last tick: everything up to its position is in the log. It is acknowledged before step
            #    5, because the next owner takes the settled tick from it and the partials from the replay point.
            ack = await self._send(self._stage.decisions_topic, encode_record(progress), PROGRESS_KEY)
            acknowledged += await self._context.sender.acknowledged([ack])
            if not self.dropped:
                # 5. The replay point: the first record of any pane that has not settled.
                self.replay_point = progress.replay_offset
        await self._adopt_foreign(judge, acknowledged)
        self._stage.report(judge)
        return unreadable

    def _decode(self, records: Sequence[Any]) -> list[Decoded]:
        """Decode records, or return the errors of those that cannot be read. Blocks."""
        decoded: list[Decoded] = []
        for record in records:
            try:
                decoded.append((record, read_record(PARTIALS, self.shard, record)))
            except ContractError as error:
                decoded.append((record, error))
        return decoded

    async def _apply(self, judge: ShardJudge, waiting: Sequence[Decoded], acks: list[Ack]) -> int:
        """Apply the first record, or the first counts up to a tick that may be due; return their number.

        Raises:
            UnreadableRecord: the first record cannot be read; it was not applied.
        """
        record, first = waiting[0]
        if isinstance(first, Flush):
            counts = [
                (record.offset, flush) for record, flush in takewhile(_has_counts, waiting) if isinstance(flush, Flush)
            ]
            return await self._context.run(partial(judge.apply_flushes, counts))
        if isinstance(first, ContractError):
            await self._pass_over(record, first, acks)
            return 1
        if isinstance(first, FactsMark):
            await self._stage.facts.read_up_to(first)
        if isinstance(first, Activation):
            await self._context.models.scorer(first.model_revision)  # loaded before its first tick
        judge.apply(record.offset, first)
        return 1

    async def _pass_over(self, record: Any, error: ContractError, acks: list[Ack]) -> None:
        """Make unreadable corrections a dead letter, since no count rests on them.

        Raises:
            UnreadableRecord: it is another record.
        """
        if not are_corrections(record.value or b""):
            position = RecordPosition(PARTIALS, self.shard, record.offset)
            raise UnreadableRecord(position, record.value, error) from None
        self._context.metrics.corrections_refused.labels(reason=error.reason).inc()
        acks.append(await self._stage.send_dead_letter(self.shard, record, error))

    async def _settle_next(self, judge: ShardJudge) -> TickOutput | None:
        """Settle the next tick that is due; None: none is."""
        if judge.state.due() is None:
            return None
        job = await self._context.run(judge.next_tick)
        assert job is not None, "it was due"
        scores = await self._context.score([job.texts.batch])
        output = await self._context.run(partial(self._settle, judge, job, scores))
        if output.candidates is not None and self._stage.stage_2 is not None and not self.dropped:
            self._stage.stage_2.offer(self.shard, output.candidates, self._texts.find)
        return output

    def _settle(self, judge: ShardJudge, job: TickJob, scores: Scores) -> TickOutput:
        """Settle a tick, and encode its history. Blocks."""
        with self._context.metrics.tick_seconds.time():
            settled = judge.settle(job, scores)
        history = history_of(settled, self.shard, judge.state.tags)
        return TickOutput(settled, history, self._candidates(judge, job))

    def _candidates(self, judge: ShardJudge, job: TickJob) -> list[Candidate] | None:
        """Keep the texts of a tick for stage 2, and return what that should read; None: nothing from this model."""
        stage_2 = self._stage.stage_2
        if stage_2 is None:
            return None
        self._texts.keep(job)
        self._texts.evict_before(judge.state.corrections.model_from_ms // PANE_MS)
        is_wanted = stage_2.is_up and judge.state.timeline.model_revision == self._context.scorer.revision
        return judge.state.stage_2_candidates() if is_wanted else None

    async def _decide_early(self, judge: ShardJudge, newest: Flush | None) -> Sequence[Decision]:
        """Decide early on the hashtags that a batch has touched, if its newest tweet is recent enough."""
        if newest is None:
            return ()
        if not self._stage.is_timely(newest):
            judge.state.trigger.skip()
            return ()
        return await self._context.run(partial(self._look, judge, newest))

    def _look(self, judge: ShardJudge, newest: Flush) -> Sequence[Decision]:
        """Score the texts of the hashtags that have grown, and decide early. Blocks.

        A model that is not loaded hides nothing, so only ticks wait for one.
        """
        firing = judge.next_early()
        if firing is None:
            return ()
        scores = self._context.score_here(firing.batches)
        return judge.decide_early(firing, scores) if self._stage.is_timely(newest) else ()

    async def _send_sketches(self, sketches: Sequence[AuthorSketch]) -> None:
        sender, shards = self._context.sender, range(self._context.settings.shards)
        values = [encode_partial(sketch) for sketch in sketches]
        await sender.acknowledged(
            [await sender.send(self._stage.topic, shard, value) for value in values for shard in shards]
        )

    async def _send_decisions(self, decisions: Sequence[Decision]) -> list[Ack]:
        for decision in decisions:
            self._stage.report_decision(decision)
        topic = self._stage.decisions_topic
        # A renewal goes first: else its flag would lapse for a moment.
        records = [record for decision in decisions for record in (*self._stop.follow(decision), decision)]
        return [
            await self._send(topic, encode_record(decision), f"{decision.hashtag}|{decision.country}".encode())
            for decision in records
        ]

    async def _send_coverage(self, hours: Sequence[LanguageCoverage]) -> list[Ack]:
        return [await self._send(self._stage.decisions_topic, encode_record(hour), COVERAGE_KEY) for hour in hours]

    async def _send(self, topic: str, value: bytes, key: bytes | None = None) -> Ack:
        return await self._context.sender.send(topic, self.shard, value, key=key)

    async def _adopt_foreign(self, judge: ShardJudge, acknowledged: Sequence[Any]) -> None:
        """Adopt the early decisions that a worker without the shard has published; see `OwnOffsets`."""
        topic = self._stage.decisions_topic
        foreign = self._own.acknowledged(ack.offset for ack in acknowledged if ack.topic == topic)
        # Our own renewals may be among these offsets: their acknowledgement can come later.
        adopted = await read_foreign(self._context.settings, topic, self.shard, foreign) if foreign else []
        for decision in adopted:
            judge.state.decisions.adopt(decision)
        if adopted:
            self._context.metrics.foreign_decisions.inc(len(adopted))
            self._stage.log.warning("another worker has decided on this shard", shard=self.shard, records=len(adopted))
