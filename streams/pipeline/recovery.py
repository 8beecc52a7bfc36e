"""Recover a shard's judge from the previous owner's records, and find records of workers that have lost the shard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from streams.constants import PANE_MS, SHORT_WINDOW_MS
from streams.counting.keys import Tags
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.side_inputs.retractions import AHEAD_MS
from streams.log.decisions import Decision, Progress, decode_record
from streams.log.panes import Assembler, decode_pane_record, decode_pane_span, is_pane
from streams.log.policies import read_policies
from streams.log.reading import LogReader, connection
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.context import Context
from streams.settings import Settings


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
        facts: follower of the account facts, which all shards share.
        recovering: limits the shards that read panes at the same time.
    """
    settings = context.settings
    judge = ShardJudge(
        shard,
        categories=context.scorer.categories,
        model_revision=context.scorer.revision,
        hashes=context.hashes,
        max_lag_ms=settings.max_lag_ms,
        shards=settings.shards,
        fact_store=facts.store,
        scale_of=context.models.scale,
        is_loaded=context.models.is_loaded,
    )
    state, end = await read_decisions(settings, shard)
    if state.progress is not None:
        for activation in state.progress.activations:
            await context.models.scorer(activation.model_revision)  # the first tick needs the scale of its scores
        for mark in state.progress.facts:
            await facts.read_up_to(mark)
    async with recovering:
        await read_panes(settings, shard, judge.tags, state)
        await asyncio.to_thread(judge.recover, state)  # seconds for an hour of tweets; no task has the judge yet
    return RecoveredJudge(judge, 0 if state.progress is None else state.progress.replay_offset, end)


async def read_decisions(settings: Settings, shard: int) -> tuple[RecoveredState, int]:
    """Read the decisions of a shard and its last progress record.

    Returns:
        A state without panes, and the end of the shard's decisions when they were read.
    """
    decisions: list[Decision] = []
    progress: Progress | None = None
    async with LogReader(connection(settings), settings.topic("suppression-decisions")) as reader:
        end = (await reader.bounds((shard,)))[shard].end
        async for batch in reader.to_end({shard: None}, {shard: end}):
            for record in batch:
                entry = decode_record(record.value)
                if isinstance(entry, Decision):
                    decisions.append(entry)
                elif progress is None or entry.version > progress.version:
                    progress = entry
    if progress is not None:
        bodies = await read_policies(settings)
        activations = [replace(one, policy=bodies[one.revision].policy) for one in progress.activations]
        progress = replace(progress, activations=activations)
    return RecoveredState(decisions, progress), end


async def read_panes(settings: Settings, shard: int, tags: Tags, state: RecoveredState) -> None:
    """Add the settled panes of a shard and the records of its side inputs to a state.

    Args:
        settings: address of the broker, and the limits on time.
        shard: number of the shard.
        tags: numbers the hashtags of the panes.
        state: with its decisions and its progress; without progress there is nothing to read.
    """
    progress = state.progress
    if progress is None:
        return
    short_ms = progress.settled_ms - SHORT_WINDOW_MS
    since_ms = min(progress.minutes_from_ms, short_ms)
    found = Assembler(tags)
    async with LogReader(connection(settings), settings.topic("hashtag-panes")) as reader:
        start = await reader.offset_at(shard, since_ms - AHEAD_MS - settings.max_broker_skew_ms)
        async for batch in reader.to_end({shard: start}):
            for record in batch:
                if not is_pane(record.value):
                    state.side_records.append(record.value)
                    continue
                span = decode_pane_span(record.value)
                if span.start_ms + span.length_ms > (short_ms if span.length_ms == PANE_MS else since_ms):
                    found.add(decode_pane_record(record.value))
    for pane in found.panes():
        if pane.start_ms < progress.settled_ms:
            (state.panes if pane.length_ms == PANE_MS else state.rollups).append(pane)


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

    def acknowledged(self, offsets: Iterable[int]) -> list[int]:
        """Return the offsets of foreign records below the greatest acknowledged offset.

        >>> own = OwnOffsets(5)
        >>> own.acknowledged([5, 6]), own.acknowledged([9, 7]), own.acknowledged([]), own.acknowledged([10])
        ([], [8], [], [])
        """
        ours = {offset for offset in offsets if offset >= self._next}  # the broker reports -1 for a repeated record
        if not ours:
            return []
        foreign = [offset for offset in range(self._next, max(ours)) if offset not in ours]
        self._next = max(ours) + 1
        return foreign


async def read_foreign(settings: Settings, topic: str, shard: int, offsets: Sequence[int]) -> list[Decision]:
    """Read the decisions at some offsets, ascending.

    Raises:
        DependencyAway: the broker does not answer.
    """
    wanted, found = set(offsets), []
    async with LogReader(connection(settings), topic) as reader:
        async for batch in reader.to_end({shard: min(wanted)}, {shard: max(wanted) + 1}):
            for record in batch:
                if record.offset in wanted and isinstance(entry := decode_record(record.value), Decision):
                    found.append(entry)
    return found
