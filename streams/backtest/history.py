"""The kept evidence of one shard, as ticks in order; a table holds a window at many ticks, to judge them at once.

Records may repeat, and start again from an earlier tick where the shard's next owner replayed. A tick that has passed
is not read again: its records always have the same content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.errors import CallerMistake
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import table_of
from streams.log.evidence import EvidenceConditions, EvidenceRecord

CHUNK_ROWS = 50_000
"""Rows of a chunk: enough that NumPy's overhead is small, few enough to stay in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class TickRows:
    """The rows of one window at one tick: a slice of the chunk's table."""

    block: EvidenceBlock
    rows: dict[int, int]
    """Row in the chunk's table, by key."""
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceBlock:
    """The rows of one window at all ticks of a chunk, end to end. Compared by identity."""

    table: EvidenceTable


@dataclass(frozen=True, slots=True)
class EvidenceTick:
    """Evidence of one tick, with the last rows of windows that were not counted again at it."""

    tick_ms: int
    paused: bool
    windows: dict[int, TickRows]


@dataclass(slots=True)
class EvidenceChunk:
    """Ticks of a shard, in order, all judged under one revision, and the blocks that they refer to."""

    revision: str
    blocks: list[EvidenceBlock]
    ticks: list[EvidenceTick]


@dataclass(slots=True)
class _Pending:
    tick_ms: int
    paused: bool
    conditions: EvidenceConditions
    parts: dict[tuple[int, int], EvidenceRecord] = field(default_factory=dict)


def same_categories(categories: tuple[str, ...] | None, record: EvidenceRecord) -> tuple[str, ...]:
    """Check a record's categories against those of earlier records; returns them.

    Raises:
        CallerMistake: a model with other categories scored the record.
    """
    if categories is not None and record.conditions.categories != categories:
        raise CallerMistake(
            "the evidence was scored by models with different categories",
            fix="choose the time since the last model went live, with --since",
        )
    return record.conditions.categories


class EvidenceHistory:
    """One shard's evidence, read record by record."""

    def __init__(self, tags: Tags) -> None:
        self.conditions: dict[EvidenceConditions, int] = {}
        """Conditions under which signals were measured, each with its last tick."""
        self._eager = False
        self.panes = 0
        """Tag-panes read: rows of the shortest window."""
        self._tags = tags
        self._ticks: list[_Pending] = []
        self._rows = 0
        self._passed_ms = -1
        self._standing: dict[int, TickRows] = {}
        self._ended_ms = -1

    def add(self, record: EvidenceRecord) -> EvidenceChunk | None:
        """Add a record; returns a chunk when the record completes one."""
        last_ms = self._ticks[-1].tick_ms if self._ticks else self._passed_ms
        if record.tick_ms < last_ms or record.tick_ms <= self._passed_ms:
            return None
        chunk = None
        if record.tick_ms > last_ms:
            if self._ticks and (self._eager or self._rows >= CHUNK_ROWS or self._switches(record)):
                chunk = self._cut()
            self._ticks.append(_Pending(record.tick_ms, record.paused, record.conditions))
            self.conditions[record.conditions] = record.tick_ms
        parts = self._ticks[-1].parts
        if (record.window_ms, record.part) not in parts:
            parts[record.window_ms, record.part] = record
            self._rows += record.rows
            if record.window_ms == record.conditions.windows_ms[0]:
                self.panes += record.rows
        return chunk

    def _switches(self, record: EvidenceRecord) -> bool:
        """Check whether the policy or the scale changes with a record: a chunk has one of each."""
        last = self._ticks[-1].conditions
        return (record.conditions.policy_revision, record.conditions.scale) != (last.policy_revision, last.scale)

    @property
    def passed_ms(self) -> int:
        """Last tick that was returned in a chunk; -1: none."""
        return self._passed_ms

    def keys(self) -> set[int]:
        """Return the keys of the last rows of each window."""
        return {key for rows in self._standing.values() for key in rows.rows}

    def follow(self) -> EvidenceChunk | None:
        """Return a chunk for each tick from now on, as soon as the next begins; first all ticks but the last."""
        self._eager = True
        if len(self._ticks) < 2:
            return None
        last = self._ticks.pop()
        chunk = self._cut()
        self._ticks, self._rows = [last], sum(record.rows for record in last.parts.values())
        return chunk

    def finish(self) -> EvidenceChunk | None:
        """Return the remaining ticks as a chunk."""
        return self._cut() if self._ticks else None

    def _cut(self) -> EvidenceChunk:
        ticks, self._ticks, self._rows = self._ticks, [], 0
        self._passed_ms = ticks[-1].tick_ms
        blocks: list[EvidenceBlock] = []
        rows_at: dict[tuple[int, int], TickRows] = {}
        for window_ms in sorted({window_ms for tick in ticks for window_ms, _ in tick.parts}):
            block, rows = self._block(window_ms, ticks)
            blocks.append(block)
            rows_at.update({(tick_ms, window_ms): tick_rows for tick_ms, tick_rows in rows})
        return EvidenceChunk(ticks[0].conditions.policy_revision, blocks, list(self._in_order(ticks, rows_at)))

    def _block(self, window_ms: int, ticks: list[_Pending]) -> tuple[EvidenceBlock, list[tuple[int, TickRows]]]:
        of_tick = [
            (tick.tick_ms, [tick.parts[key] for key in sorted(tick.parts) if key[0] == window_ms]) for tick in ticks
        ]
        of_tick = [(tick_ms, records) for tick_ms, records in of_tick if records]
        block = EvidenceBlock(table_of([record for _, records in of_tick for record in records], self._tags))
        ends = np.cumsum([sum(record.rows for record in records) for _, records in of_tick]).tolist()
        keys = block.table.keys.tolist()
        return block, [
            (tick_ms, TickRows(block, dict(zip(keys[first:last], range(first, last), strict=True)), first, last))
            for (tick_ms, _), (first, last) in zip(of_tick, pairwise([0, *ends]), strict=True)
        ]

    def _in_order(self, ticks: list[_Pending], rows_at: dict[tuple[int, int], TickRows]) -> Iterator[EvidenceTick]:
        """Yield every tick, also ticks without records, at which the shard had no tags."""
        for tick in ticks:
            if self._ended_ms >= 0:
                for missing_ms in range(self._ended_ms + PANE_MS, tick.tick_ms, PANE_MS):
                    self._standing = {}
                    yield EvidenceTick(missing_ms, False, {})
            self._ended_ms = tick.tick_ms
            new = {window_ms: rows_at[tick.tick_ms, window_ms] for window_ms in {window for window, _ in tick.parts}}
            standing = {**self._standing, **new}
            self._standing = {window: rows for window, rows in standing.items() if window in tick.conditions.windows_ms}
            yield EvidenceTick(tick.tick_ms, tick.paused, self._standing)
