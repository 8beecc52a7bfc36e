"""The kept evidence of one shard, as ticks in order: each window's table, many ticks of it judged in one go.

Records come as they were written: repeated, and again from an earlier tick on where a successor replayed. A tick that
has passed is not opened again; whoever settled it, it said the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import Tags
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import table_of
from streams.log.evidence import Conditions, EvidenceRecord

CHUNK_ROWS = 50_000
"""Rows that are judged at once: enough that NumPy's overhead is small, few enough to stay in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of one window at one tick: a slice of the chunk's table."""

    block: Block
    rows: dict[int, int]
    """Row by key, in the chunk's table."""
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rows of one window at all ticks of a chunk, end to end. Identity is what judgements are kept by."""

    table: EvidenceTable


@dataclass(frozen=True, slots=True)
class Tick:
    """What a judge saw at one tick, windows that were not counted anew included."""

    tick_ms: int
    holding: bool
    windows: dict[int, Rows]


@dataclass(slots=True)
class Chunk:
    """Some ticks of a shard, in order, all judged under one revision, and the blocks that they refer to."""

    revision: str
    blocks: list[Block]
    ticks: list[Tick]


@dataclass(slots=True)
class _Pending:
    tick_ms: int
    holding: bool
    conditions: Conditions
    parts: dict[tuple[int, int], EvidenceRecord] = field(default_factory=dict)


class Past:
    """One shard's evidence, record by record."""

    def __init__(self, tags: Tags) -> None:
        self.conditions: dict[Conditions, int] = {}
        """All that the signals were measured under, each with its last tick."""
        self._eager = False
        self.panes = 0
        """Tag-panes so far: rows of the shortest window."""
        self._tags = tags
        self._ticks: list[_Pending] = []
        self._rows = 0
        self._passed_ms = -1
        self._standing: dict[int, Rows] = {}
        self._ended_ms = -1

    def add(self, record: EvidenceRecord) -> Chunk | None:
        """Take a record; now and then it completes a chunk."""
        last_ms = self._ticks[-1].tick_ms if self._ticks else self._passed_ms
        if record.tick_ms < last_ms or record.tick_ms <= self._passed_ms:
            return None
        chunk = None
        if record.tick_ms > last_ms:
            if self._ticks and (self._eager or self._rows >= CHUNK_ROWS or self._switches(record)):
                chunk = self._cut()
            self._ticks.append(_Pending(record.tick_ms, record.holding, record.conditions))
            self.conditions[record.conditions] = record.tick_ms
        parts = self._ticks[-1].parts
        if (record.window_ms, record.part) not in parts:
            parts[record.window_ms, record.part] = record
            self._rows += record.rows
            if record.window_ms == record.conditions.windows_ms[0]:
                self.panes += record.rows
        return chunk

    def _switches(self, record: EvidenceRecord) -> bool:
        """Whether another policy judged, or the scores mean something else: what is judged at once is one table."""
        last = self._ticks[-1].conditions
        return (record.conditions.policy_revision, record.conditions.scale) != (last.policy_revision, last.scale)

    @property
    def passed_ms(self) -> int:
        """The last tick that was given out; -1: none."""
        return self._passed_ms

    def keys(self) -> set[int]:
        """Those of the windows that stand."""
        return {key for rows in self._standing.values() for key in rows.rows}

    def follow(self) -> Chunk | None:
        """From now on a chunk for each tick, as soon as the next one begins; now all ticks but the last one."""
        self._eager = True
        if len(self._ticks) < 2:
            return None
        last = self._ticks.pop()
        chunk = self._cut()
        self._ticks, self._rows = [last], sum(record.rows for record in last.parts.values())
        return chunk

    def finish(self) -> Chunk | None:
        """The rest."""
        return self._cut() if self._ticks else None

    def _cut(self) -> Chunk:
        ticks, self._ticks, self._rows = self._ticks, [], 0
        self._passed_ms = ticks[-1].tick_ms
        blocks: list[Block] = []
        found: dict[tuple[int, int], Rows] = {}
        for window_ms in sorted({window_ms for tick in ticks for window_ms, _ in tick.parts}):
            block, rows = self._block(window_ms, ticks)
            blocks.append(block)
            found.update({(tick_ms, window_ms): one for tick_ms, one in rows})
        return Chunk(ticks[0].conditions.policy_revision, blocks, list(self._in_order(ticks, found)))

    def _block(self, window_ms: int, ticks: list[_Pending]) -> tuple[Block, list[tuple[int, Rows]]]:
        of_tick = [
            (tick.tick_ms, [tick.parts[key] for key in sorted(tick.parts) if key[0] == window_ms]) for tick in ticks
        ]
        of_tick = [(tick_ms, records) for tick_ms, records in of_tick if records]
        block = Block(table_of([record for _, records in of_tick for record in records], self._tags))
        ends = np.cumsum([sum(record.rows for record in records) for _, records in of_tick]).tolist()
        keys = block.table.keys.tolist()
        return block, [
            (tick_ms, Rows(block, dict(zip(keys[first:last], range(first, last), strict=True)), first, last))
            for (tick_ms, _), (first, last) in zip(of_tick, pairwise([0, *ends]), strict=True)
        ]

    def _in_order(self, ticks: list[_Pending], found: dict[tuple[int, int], Rows]) -> Iterator[Tick]:
        """Every tick, those that a shard without tags passed over included: there was nothing to see."""
        for tick in ticks:
            if self._ended_ms >= 0:
                for missing_ms in range(self._ended_ms + PANE_MS, tick.tick_ms, PANE_MS):
                    self._standing = {}
                    yield Tick(missing_ms, False, {})
            self._ended_ms = tick.tick_ms
            fresh = {window_ms: found[tick.tick_ms, window_ms] for window_ms in {window for window, _ in tick.parts}}
            standing = {**self._standing, **fresh}
            self._standing = {one: rows for one, rows in standing.items() if one in tick.conditions.windows_ms}
            yield Tick(tick.tick_ms, tick.holding, self._standing)
