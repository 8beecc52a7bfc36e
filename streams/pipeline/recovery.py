"""Recover a shard's judge from the previous owner's records, and find records of workers that have lost the shard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hushtag_client.normalise import normalise
from msgspec.structs import replace

from streams.constants import PANE_MS, SHORT_WINDOW_MS
from streams.counting.keys import Tags
from streams.errors import ContractError
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.side_inputs.retractions import AHEAD_MS
from streams.log.decisions import Decision, Progress, decision_in
from streams.log.pane_assembly import Assembler
from streams.log.panes import decode_pane_record, decode_pane_span, is_pane
from streams.log.policies import read_incarnation, read_policies
from streams.log.positions import RecordPosition
from streams.log.reading import LogReader, connection
from streams.log.sense import absurd
from streams.log.topic_specs import DECISIONS, PANES, PARTIALS, SHORT_PANES
from streams.log.unreadable import UnreadableRecord, check_place, decode_settled, read_record, read_value
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.context import Context
from streams.settings import Settings

_COUNTRY = re.compile(r"[A-Z]{2}|\*")


@dataclass(frozen=True, slots=True)
class RecoveredJudge:
    """A judge that continues where the previous owner stopped."""

    judge: ShardJudge
    replay_offset: int
    """The first partials record that the judge needs."""
    decisions_end: int
    """The end of the shard's decisions when they were read."""


async def recover_judge(
    context: Context, shard: int, facts: AccountFactsFollower, recovering: asyncio.Semaphore
) -> RecoveredJudge:
    """Create the judge of a shard and recover it, before the first record is applied.

    Args:
        context: shared parts of the worker.
        shard: number of the shard.
        facts: follower of the account facts and of the skips, which all shards share.
        recovering: limits the shards that read panes at the same time.

    Raises:
        UnreadableRecord: a record that the judge needs cannot be read, and no person has skipped it.
    """
    settings = context.settings
    judge = ShardJudge(
        ShardState(
            shard,
            categories=context.scorer.categories,
            model_revision=context.scorer.revision,
            hashes=context.hashes,
            max_lag_ms=settings.max_lag_ms,
            shards=settings.shards,
            fact_store=facts.store,
            scale_of=context.models.scale,
            is_loaded=context.models.is_loaded,
            incarnation=await read_incarnation(settings),
        )
    )

    def skipped(record: UnreadableRecord) -> bool:
        return facts.skips.find(record) is not None

    state, end = await read_decisions(settings, shard, skipped)
    if state.progress is not None:
        for activation in state.progress.activations:
            await context.models.scorer(activation.model_revision)  # the first tick needs the scale of its scores
        for mark in state.progress.facts:
            await facts.read_up_to(mark)
    async with recovering:
        await read_panes(settings, shard, judge.state.tags, state, skipped, columns=1 + len(context.scorer.categories))
        await asyncio.to_thread(judge.state.recover, state)  # seconds for an hour of tweets; no task has the judge yet
    if state.lost_pane_ms is not None:  # it has left all windows a window after its log time
        judge.state.pause.extend(min(state.settled_ms, state.lost_pane_ms + settings.max_broker_skew_ms))
    if state.lost_decisions:
        judge.state.decisions.write_again(state.lost_decisions, await end_of_log(settings, shard))
    return RecoveredJudge(judge, 0 if state.progress is None else state.progress.replay_offset, end)


async def end_of_log(settings: Settings, shard: int) -> int:
    """Query the end of a shard's log."""
    async with LogReader(connection(settings), settings.topic(PARTIALS)) as reader:
        return (await reader.bounds((shard,)))[shard].end


PassOver = Callable[[UnreadableRecord], bool]
"""Returns whether a reader may pass over a record that cannot be read."""


async def read_decisions(settings: Settings, shard: int, pass_over: PassOver) -> tuple[RecoveredState, int]:
    """Read the decisions of a shard and its last progress record.

    Returns:
        A state without panes, and the end of the shard's decisions when they were read.

    Raises:
        UnreadableRecord: a record cannot be read, and may not be passed over.
    """
    state = RecoveredState()
    greatest: list[tuple[Progress, Any]] = []
    """The two greatest progress records: the earlier one stands in for one that a person has skipped."""
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        end = (await reader.bounds((shard,)))[shard].end
        async for batch in reader.to_end({shard: None}, {shard: end}):
            for record in batch:
                try:
                    entry = read_record(DECISIONS, shard, record)
                except ContractError as error:
                    _refuse(DECISIONS, shard, record, error, pass_over)
                    state.lost_decisions += _key_of(record.key)
                    continue
                if isinstance(entry, Decision):
                    (state.renewals if entry.is_renewal else state.decisions).append(entry)
                elif isinstance(entry, Progress) and not (greatest and entry.version <= greatest[-1][0].version):
                    greatest = [*greatest[-1:], (entry, record)]
    bodies = await read_policies(settings) if greatest else {}
    while greatest and state.progress is None:
        progress, record = greatest.pop()
        unknown = next(
            (activation.revision for activation in progress.activations if activation.revision not in bodies), None
        )
        if unknown is None:
            activations = [
                replace(activation, policy=bodies[activation.revision].policy) for activation in progress.activations
            ]
            state.progress = replace(progress, activations=activations)
        else:
            _refuse(
                DECISIONS, shard, record, absurd("activations", unknown, "a revision in the policy topic"), pass_over
            )
    return state, end


def _refuse(topic: str, shard: int, record: Any, error: ContractError, pass_over: PassOver) -> None:
    unreadable = UnreadableRecord(RecordPosition(topic, shard, record.offset), record.value, error)
    if not pass_over(unreadable):
        raise unreadable from None


def _key_of(key: bytes | None) -> list[tuple[str, str]]:
    """Return the hashtag and the country of a decision's key; [] for another key."""
    hashtag, separator, country = (key or b"").decode("utf-8", "ignore").rpartition("|")
    is_key = separator and hashtag and normalise(hashtag) == hashtag and _COUNTRY.fullmatch(country)
    return [(hashtag, country)] if is_key else []


async def read_panes(
    settings: Settings, shard: int, tags: Tags, state: RecoveredState, pass_over: PassOver, *, columns: int
) -> None:
    """Add the settled panes of a shard and the records of its side inputs to a state.

    Args:
        settings: address of the broker, and the limits on time.
        shard: number of the shard.
        tags: numbers the hashtags of the panes.
        state: with its decisions and its progress; without progress there is nothing to read.
        pass_over: whether a record that cannot be read may be passed over.
        columns: score columns of a text.

    Raises:
        UnreadableRecord: a record cannot be read, and may not be passed over.
    """
    progress = state.progress
    if progress is None:
        return
    settled = _SettledRecords(progress, tags, columns, shard)
    for topic, since_ms in ((PANES, settled.since_ms), (SHORT_PANES, settled.short_ms)):
        async with LogReader(connection(settings), settings.topic(topic)) as reader:
            start = await reader.offset_at(shard, since_ms - AHEAD_MS - settings.max_broker_skew_ms)
            async for batch in reader.to_end({shard: start}):
                # In a thread, so that the reader fetches meanwhile, and other shards go on.
                for record, error in await asyncio.to_thread(settled.add, batch):
                    _refuse(topic, shard, record, error, pass_over)
                    state.lost_pane_ms = max(state.lost_pane_ms or 0, record.timestamp)
    state.side_records += settled.side_records
    for pane in settled.panes.panes():
        if pane.start_ms < progress.settled_ms:
            (state.panes if pane.length_ms == PANE_MS else state.rollups).append(pane)


class _SettledRecords:
    """Records of both topics of panes that windows can still hold: panes as they are assembled, and side records."""

    def __init__(self, progress: Progress, tags: Tags, columns: int, shard: int) -> None:
        self._columns = columns
        self._shard = shard
        self.short_ms = progress.settled_ms - SHORT_WINDOW_MS
        self.since_ms = min(progress.minutes_from_ms, self.short_ms)
        self.panes = Assembler(tags)
        self.side_records: list[bytes] = []

    def add(self, batch: Sequence[Any]) -> list[tuple[Any, ContractError]]:
        """Add records in their order; return those that cannot be read."""
        refused = []
        for record in batch:
            try:
                read_value(partial(self._add, record.timestamp), record.value)
            except ContractError as error:
                refused.append((record, error))
        return refused

    def _add(self, log_ms: int, value: bytes) -> None:
        if not is_pane(value):
            check_place(decode_settled(value), self._shard, log_ms)
            self.side_records.append(value)
            return
        span = decode_pane_span(value)
        if span.start_ms + span.length_ms > (self.short_ms if span.length_ms == PANE_MS else self.since_ms):
            record = decode_pane_record(value)
            check_place(record, self._shard, log_ms)
            if record.columns != self._columns:
                raise ValueError(f"a pane with {record.columns} score columns, the model has {self._columns}")
            self.panes.add(record)


class OwnOffsets:
    """Finds records of other workers by gaps in the offsets of a judge's own records.

    A worker that was paused past its session may publish an early decision after the next owner has recovered. The next
    owner would never confirm or withdraw it, and it would stand until it expires. But only the owner of a shard writes
    its decisions, so the offsets of its acknowledged records have no gaps. A gap holds foreign records, and the owner
    adopts their decisions.

    Args:
        end: the end of the shard's decisions when they were read; records below it are known.
    """

    def __init__(self, end: int) -> None:
        self._next = end
        self._noted: set[int] = set()

    def note(self, offset: int) -> None:
        """Note an acknowledged record that `acknowledged` does not get: of the renewal of flags."""
        self._noted.add(offset)

    def acknowledged(self, offsets: Iterable[int]) -> list[int]:
        """Return the offsets of foreign records below the greatest acknowledged offset.

        >>> own = OwnOffsets(5)
        >>> own.acknowledged([5, 6]), own.acknowledged([9, 7]), own.acknowledged([]), own.acknowledged([10])
        ([], [8], [], [])
        """
        ours = {offset for offset in offsets if offset >= self._next}  # the broker reports -1 for a repeated record
        if not ours:
            return []
        foreign = [at for at in range(self._next, max(ours)) if at not in ours and at not in self._noted]
        self._next = max(ours) + 1
        self._noted = {at for at in self._noted if at >= self._next}
        return foreign


async def read_foreign(settings: Settings, topic: str, shard: int, offsets: Sequence[int]) -> list[Decision]:
    """Read the judge's decisions at some offsets, ascending. The publish stage reports what cannot be read.

    Raises:
        DependencyAway: the broker does not answer.
    """
    awaited, decisions = set(offsets), []
    async with LogReader(connection(settings), topic) as reader:
        async for batch in reader.to_end({shard: min(awaited)}, {shard: max(awaited) + 1}):
            for record in batch:
                if record.offset in awaited and (entry := decision_in(record.value)) and not entry.is_renewal:
                    decisions.append(entry)
    return decisions
