"""What whoever judged a shard before has written of it, read back before the first record is applied."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import Tags
from streams.counting.retractions import NO_ROWS, Rows
from streams.judging.side_inputs.retractions import AHEAD_MS
from streams.judging.window_store import SHORT_MS
from streams.log.author_sketches import HeardSketch, heard_records, is_heard
from streams.log.corrections import are_corrections, decode_corrections
from streams.log.decisions import Decision, Progress, decode_record
from streams.log.panes import Assembler, decode_pane_record, decode_pane_span
from streams.log.policies import read_policies
from streams.log.reading import LogReader, connection
from streams.log.retractions import are_retractions, decode_retractions, together_of
from streams.settings import Settings
from streams.windows.corrections import Corrections
from streams.windows.pane import Pane


@dataclass(slots=True)
class Legacy:
    """All of it."""

    decisions: list[Decision]
    end: int
    """Of the shard's decisions, when they were read."""
    progress: Progress | None = None
    """The last, with the bodies of its policies; None: nobody has judged the shard, and nothing else is here."""
    panes: list[Pane] = field(default_factory=list)
    """Settled ones that some window can still hold, ascending."""
    longer: list[Pane] = field(default_factory=list)
    """The same of minutes and quarters of an hour."""
    retracted: Rows = NO_ROWS
    corrected: list[Corrections] = field(default_factory=list)
    sketches: list[HeardSketch] = field(default_factory=list)


async def read_decisions(settings: Settings, shard: int) -> Legacy:
    """What it decided, and how far it came."""
    legacy = await _decisions(settings, shard)
    if legacy.progress is not None:
        bodies = await read_policies(settings)
        activations = [replace(one, policy=bodies[one.revision].policy) for one in legacy.progress.activations]
        legacy.progress = replace(legacy.progress, activations=activations)
    return legacy


async def read_panes(settings: Settings, shard: int, tags: Tags, legacy: Legacy) -> None:
    """What it counted: the settled panes, and the retractions, corrections and sketches beside them.

    Args:
        tags: numbers the hashtags of the panes and the retractions.
        legacy: with its decisions and its progress; the rest is filled in.
    """
    progress = legacy.progress
    if progress is None:
        return
    short_ms = progress.settled_ms - SHORT_MS
    since_ms = min(progress.minutes_from_ms, short_ms)
    found, retractions = Assembler(tags), []
    async with LogReader(connection(settings), settings.topic("hashtag-panes")) as reader:
        start = await reader.offset_at(shard, since_ms - AHEAD_MS - settings.max_broker_skew_ms)
        async for batch in reader.to_end({shard: start}):
            for record in batch:
                if are_retractions(record.value):
                    retractions.append(decode_retractions(record.value))
                elif are_corrections(record.value):
                    legacy.corrected.append(decode_corrections(record.value))
                elif is_heard(record.value):
                    legacy.sketches += heard_records([record.value])
                else:
                    span = decode_pane_span(record.value)
                    if span.start_ms + span.length_ms > (short_ms if span.length_ms == PANE_MS else since_ms):
                        found.add(decode_pane_record(record.value))
    for pane in found.panes():
        if pane.start_ms < progress.settled_ms:
            (legacy.panes if pane.length_ms == PANE_MS else legacy.longer).append(pane)
    legacy.retracted = together_of(retractions, tags)


async def _decisions(settings: Settings, shard: int) -> Legacy:
    decisions: list[Decision] = []
    progress: Progress | None = None
    async with LogReader(connection(settings), settings.topic("suppression-decisions")) as reader:
        end = (await reader.bounds((shard,)))[shard].end
        async for batch in reader.to_end({shard: None}, {shard: end}):
            for record in batch:
                said = decode_record(record.value)
                if isinstance(said, Decision):
                    decisions.append(said)
                elif progress is None or said.version > progress.version:
                    progress = said
    return Legacy(decisions, end, progress)
