"""Panes that are still open: the judge's side of the block counts.

Counts of a block are absolute: a count replaces the smaller one before it. Counts of blocks before the open block of
their source are ignored. So a record may come twice, late, or from a zombie.

During a rolling upgrade workers with other `rules` (grammar and normalisation) read the same block, and a partition may
go back to an older version. A block is counted by one grammar: that of the reader that has read most of it, of equals
the newest. Then a watermark covers everything that was read, and a complete block was counted by a complete reader.

When other rules take over, the open block is removed from the panes and counted again from the records of these rules.
That is exact because every record is absolute: counting the kept records of a block in any order, any number of times,
gives the same panes. It needs no bookkeeping while all workers have the same rules, but a reference to the records of
the open block, which are few.

A source topic that was created again has another id, and its offsets begin at 0 again. A new id is the present one from
then on, and only its partitions have watermarks. Records of a former id, as a zombie sends them, still count in the
blocks of that id.

A new id may be false: a record of another program names a topic that does not exist. So a former id is the present one
again once its lowest watermark has risen by more than `RETURN_MS` since the last record of the present id. That follows
from the order and the log time of records alone. A zombie of a former topic changes nothing: the topic that is counted
sends records all the time, and each of them begins the two minutes again. The next owner begins with the present topic
of the progress record, and records that it reads again change nothing in that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Flush, Ints, block_counts_of
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.sketch import KeyedHash
from streams.windows.kernels.last_counts import (
    BLOCK,
    COLUMNS,
    COUNT,
    END,
    KEY,
    NO_ROW,
    OF_SOURCE,
    OPEN_BLOCK,
    PANE,
    ROW,
    SOURCE,
    count_records,
    refill,
)
from streams.windows.key_counter import KeyCounter
from streams.windows.open_pane import OpenPane, PaneSum, ranges
from streams.windows.source_block import SourceBlock


@dataclass(frozen=True, slots=True)
class ClosedPane:
    """A pane that has just settled."""

    number: int
    sum: PaneSum
    pane: OpenPane


RETURN_MS = 120_000
"""Log time for which a new topic id that sends nothing more holds a shard, in milliseconds."""
_WHOLE_BLOCK = 1 << 62
_FIRST_SLOTS = 256


class OpenPanes:
    """Unsettled panes of one shard, with the open block of each source partition.

    Args:
        columns: score columns of a text.
    """

    def __init__(self, tags: Tags, hashes: KeyedHash, columns: int) -> None:
        self.panes: dict[int, OpenPane] = {}
        self.sources: dict[int, SourceBlock] = {}
        """Open blocks of the present source topic, by partition."""
        self.source_count = 0
        self.settled_pane = -1
        """Panes up to this one are settled, and final."""
        self.old_blocks: dict[str, int] = {}
        """Block of each source that was open when the previous owner last settled."""
        self.tweets = KeyCounter()
        """Tweets of the open panes."""
        self.late_counts = 0
        """Counts received after their pane had settled."""
        self.recreations = 0
        """Times that the source topic was created again, since the judge last reported it."""
        self.returns = 0
        """Times that a former topic id became the present one again, since the judge last reported it."""
        self._ids: list[str] = []
        """Topic ids, the present one last: in the order in which they were first seen, or became present again."""
        self._source_counts: dict[str, int] = {}
        """Number of partitions of each topic, by its id."""
        self._silent_from_ms: dict[str, int] = {}
        """Lowest watermark of former topics, by id, when they first sent one since the last record of the present."""
        self._all: dict[tuple[str, int], SourceBlock] = {}
        """Open blocks of all source topics, by topic id and partition, in the order of their numbers."""
        self._last_counts = np.full((_FIRST_SLOTS, COLUMNS), -1, np.int64)
        """Last counts in the open blocks; see `streams.windows.kernels.last_counts`."""
        self._used = 0
        """Slots in use at most, also by counts of blocks that have ended."""
        self._tags = tags
        self._new_pane = partial(OpenPane, hashes, columns)

    def apply_all(self, flushes: Sequence[Flush], *, replayed: bool = False) -> Ints:
        """Apply records in their order, in one pass, and return the keys that they have counted, some perhaps twice.

        The result is that of applying them one by one; see `count_until`. `replayed` records were applied by the
        previous owner: its last progress record states which topic is the present one after them.
        """
        touched: list[Ints] = []
        run: list[tuple[Flush, list[int]]] = []
        for flush in flushes:
            source = self._all.get((flush.source_id, flush.source)) or self._new_source(flush)
            last = int.from_bytes(flush.blocks[-8:], "little", signed=True) if flush.blocks else -1
            if flush.rules != source.rules and source.block >= 0:
                touched.append(self._count(run))
                run = []
                self._choose_rules(source, flush, last)
            if flush.blocks:
                if flush.rules == source.rules or last != source.block:
                    run.append((flush, source.state(flush.rules)))
                source.start_after(last, flush.rules)
                if last == source.block:
                    source.records.setdefault(flush.rules, []).append(flush)
            self._mark(source, flush)
            if flush.source_id == self._ids[-1]:
                self._silent_from_ms.clear()
            elif not replayed:
                self._return_to(flush.source_id)
        touched.append(self._count(run))
        return np.concatenate(touched)

    def _mark(self, source: SourceBlock, flush: Flush) -> None:
        """Apply the marker of a record, if it has one."""
        source.newest_ms = max(source.newest_ms, flush.newest_ms)
        if flush.watermark_ms >= 0:
            topic_id = flush.source_id
            count = self._source_counts[topic_id] = max(self._source_counts.get(topic_id, 0), flush.sources)
            if topic_id == self._ids[-1]:
                self.source_count = count
            source.start_after(flush.block, flush.rules)
            if flush.block == source.block:
                source.note_reached(flush.rules, flush.reached)
            source.watermark_ms = max(source.watermark_ms, flush.watermark_ms)

    def _return_to(self, topic_id: str) -> None:
        """Make a former topic id the present one if it has gone on for long enough while the present one was silent."""
        sources = {number: source for (its_id, number), source in self._all.items() if its_id == topic_id}
        count = self._source_counts.get(topic_id, 0)
        passed_ms = _lowest_ms(count, sources.values())
        if passed_ms < 0 or passed_ms - self._silent_from_ms.setdefault(topic_id, passed_ms) <= RETURN_MS:
            return
        self._ids.remove(topic_id)
        self._ids.append(topic_id)
        self._silent_from_ms.clear()
        self.returns += 1
        self.sources, self.source_count = sources, count

    def count_until(self, flushes: Sequence[Flush], due_ms: int) -> int:
        """Return how many of these records to apply before looking for a tick that is due at a watermark.

        They end with the first record after which `watermark_ms` may have reached `due_ms`, or with the last of all.
        """
        watermarks = {number: source.watermark_ms for number, source in self.sources.items()}
        for count, flush in enumerate(flushes, 1):
            source = self.sources.get(flush.source)
            if source is None or source.source_id != flush.source_id:
                return count
            watermarks[flush.source] = max(watermarks[flush.source], flush.watermark_ms)
            if len(watermarks) >= self.source_count and min(watermarks.values()) >= due_ms:
                return count
        return len(flushes)

    def _new_source(self, flush: Flush) -> SourceBlock:
        topic_id, number = flush.source_id, flush.source
        if topic_id not in self._ids:
            self.recreations += bool(self._ids)
            self._ids.append(topic_id)
            self.sources, self.source_count = {}, 0
        source = SourceBlock(len(self._all), topic_id, self.old_blocks.get(f"{topic_id}/{number}", -1))
        self._all[topic_id, number] = source
        if topic_id == self._ids[-1]:
            self.sources[number] = source
        return source

    def recover(self, settled_pane: int, blocks: dict[str, int]) -> None:
        """Continue after a settled pane, with the blocks that were open by then, those of the present topic last."""
        self.settled_pane, self.old_blocks = settled_pane, dict(blocks)
        self._ids = list(dict.fromkeys(name.rpartition("/")[0] for name in blocks))

    def blocks(self) -> dict[str, int]:
        """Return the open block of each source, by topic id and partition, for the progress record; see `recover`."""
        blocks = dict(self.old_blocks)
        for (topic_id, number), source in self._all.items():
            name = f"{topic_id}/{number}"
            blocks[name] = max(blocks.get(name, -1), source.block)
        return dict(sorted(blocks.items(), key=lambda block: self._ids.index(block[0].rpartition("/")[0])))

    def tag_numbers(self) -> set[int]:
        """Return the numbers of the hashtags in open blocks."""
        return set((self._last_counts[self._are_open(), KEY] >> COUNTRY_BITS).tolist())

    @property
    def awaited_sources(self) -> int:
        """Number of source partitions that have sent no watermark yet."""
        return self.source_count - sum(source.watermark_ms >= 0 for source in self.sources.values())

    @property
    def watermark_ms(self) -> int:
        """Lowest watermark over all source partitions; -1 until each has sent one."""
        return _lowest_ms(self.source_count, [*self.sources.values()])  # other threads call this while one applies

    @property
    def newest_ms(self) -> int:
        """Greatest log time of any source."""
        return max((source.newest_ms for source in self.sources.values()), default=-1)

    def settle(self, number: int) -> ClosedPane:
        """Close the next pane with all its counts, those of open blocks included."""
        assert number > self.settled_pane
        self.settled_pane = number
        pane = self.panes.pop(number, None) or self._new_pane()
        total = pane.sum()
        self.tweets.add(total.keys, -total.counts)
        return ClosedPane(number, total, pane)

    # ---- counting ----

    def _count(self, run: list[tuple[Flush, list[int]]]) -> Ints:
        """Count what is new in records, each with its source's state before it, and return the keys of open panes.

        Each record has a block count.
        """
        if not run:
            return np.zeros(0, np.int64)
        counts = block_counts_of([flush for flush, _ in run])
        keys = self._tags.of_lines(counts.hashtags, len(counts.panes)) << COUNTRY_BITS | counts.countries
        records = np.array([state for _, state in run], np.int64)
        records[:, END] = list(accumulate(len(flush.countries) // 2 for flush, _ in run))
        oldest = self.settled_pane + 1  # receives the late counts
        numbers = sorted(set(np.maximum(counts.panes, oldest).tolist()))
        bounds = records[:, END]
        of_last = counts.blocks == np.repeat(counts.blocks[bounds - 1], np.diff(bounds, prepend=0))
        self._make_room(int(np.count_nonzero(of_last)), records)
        panes = [self.panes.get(number) or self._new_pane() for number in numbers]
        next_rows = np.array([len(pane.rows) for pane in panes])
        rises, replaced = np.empty((5, len(keys)), np.int64), np.empty((len(keys), 2), np.int64)
        n_rises, n_replaced, n_late = count_records(
            self._last_counts, records, keys, counts.panes, counts.blocks, counts.counts, self.settled_pane,
            np.array(numbers), next_rows, rises, replaced,
        )  # fmt: skip
        self.late_counts += n_late
        rises, replaced = rises[:, :n_rises], replaced[:n_replaced]
        self.tweets.add(rises[2], rises[3])
        ends = np.cumsum(counts.sizes, dtype=np.int64)
        of_panes = zip(_parts(rises[1], len(numbers)), _parts(replaced[:, 0], len(numbers)), strict=True)
        for number, pane, (added, voided) in zip(numbers, panes, of_panes, strict=True):
            rows, _, rising, _, new = rises[:, added]
            if len(rows) == len(keys):
                pane.add(rising, new, counts.sizes, counts.entries)
            elif len(rows):
                sizes = counts.sizes[rows]
                pane.add(rising, new, sizes, counts.entries, ranges(ends[rows] - sizes, sizes))
            if len(rows):
                self.panes[number] = pane
            pane.void(replaced[voided, 1])
            if pane.is_crowded():
                self._compact(number)
        touched: Ints = rises[2, counts.panes[rises[0]] > self.settled_pane] if n_late else rises[2]
        return touched

    def _make_room(self, more: int, records: Ints) -> None:
        """Rebuild the table of the last counts, without those of ended blocks, if `more` may not fit.

        Blocks that end within the records are still open.
        """
        self._used += more
        if 2 * self._used > len(self._last_counts):
            rows = self._last_counts[self._are_open(records)]
            self._used = len(rows) + more
            size = max(_FIRST_SLOTS, 1 << (4 * self._used - 1).bit_length())
            self._last_counts = np.full((size, COLUMNS), -1, np.int64)
            refill(self._last_counts, rows)

    def _are_open(self, records: Ints | None = None) -> npt.NDArray[np.bool_]:
        """Mark the last counts that are of an open block, as of the first of some records of each source."""
        blocks = np.array([*[source.block for source in self._all.values()], -1], np.int64)
        if records is not None:
            blocks[records[::-1, OF_SOURCE]] = records[::-1, OPEN_BLOCK]
        last = self._last_counts
        is_open: npt.NDArray[np.bool_] = (last[:, SOURCE] >= 0) & (blocks[last[:, SOURCE]] == last[:, BLOCK])
        return is_open

    def _compact(self, number: int) -> None:
        """Compact a pane, apart from the rows that a later count may replace."""
        last = self._last_counts
        apart = np.flatnonzero(self._are_open() & (last[:, PANE] == number) & (last[:, ROW] != NO_ROW))
        self.panes[number] = self.panes[number].compacted(last[apart, ROW])
        last[apart, ROW] = np.arange(len(apart))

    # ---- rolling upgrades ----

    def _choose_rules(self, source: SourceBlock, flush: Flush, last: int) -> None:
        """Let the rules of a record, with counts up to a block, count from now on if their reader has read more."""
        marked = flush.watermark_ms >= 0
        last = max(last, flush.block) if marked else last
        if last > source.block:
            source.note_reached(flush.rules, _WHOLE_BLOCK)
        elif last == source.block and marked:
            source.note_reached(flush.rules, flush.reached)
        if last < source.block or not source.is_ahead(flush.rules):
            return
        self._remove_open_block(source)
        source.rules, source.whole = flush.rules, False  # settled panes keep what the other rules have counted
        self._count([(record, source.state(flush.rules)) for record in source.records.get(flush.rules, [])])

    def _remove_open_block(self, source: SourceBlock) -> None:
        """Remove from the open panes everything that the open block has counted."""
        last = self._last_counts
        rows = np.flatnonzero((last[:, SOURCE] == source.number) & (last[:, BLOCK] == source.block))
        counted = rows[last[rows, PANE] > self.settled_pane]
        self.tweets.add(last[counted, KEY], -last[counted, COUNT])
        for number in set(last[counted, PANE].tolist()):
            self.panes[number].void(last[counted[last[counted, PANE] == number], ROW])
        last[rows, BLOCK] = -1


def _lowest_ms(count: int, sources: Collection[SourceBlock]) -> int:
    """Return the lowest watermark of a topic with `count` partitions; -1 until each has sent one."""
    if not count or len(sources) < count:
        return -1
    return min((source.watermark_ms for source in sources), default=-1)


def _parts(places: Ints, n: int) -> Sequence[Ints | slice]:
    """Return for each of n panes which values (v,) have its place, in their order."""
    if n == 1:
        return [slice(None)]
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(n + 1)).tolist()
    return [order[first:end] for first, end in pairwise(bounds)]
