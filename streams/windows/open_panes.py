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

A source topic that was created again has another id, and its offsets begin at 0 again. The last id that was seen first
is the present one, and only its partitions have watermarks. Records of an older id, as a zombie sends them, still count
in the blocks of that id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import BlockCounts, Flush, Ints, block_counts_of
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.sketch import KeyedHash
from streams.windows.key_counter import KeyCounter
from streams.windows.open_pane import OpenPane, PaneSum

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClosedPane:
    """A pane that has just settled."""

    number: int
    sum: PaneSum
    pane: OpenPane


@dataclass(slots=True)
class LastCount:
    """Last count of a key in the open block."""

    count: int
    row: int = -1
    """Its row in the pane, while that is open."""


_UNCOUNTED = LastCount(0)
_WHOLE_BLOCK = 1 << 62


class SourceBlock:
    """The open block of one source partition."""

    __slots__ = (
        "block", "counted", "newest_ms", "old_block", "reached", "records", "rules", "source_id", "watermark_ms",
        "whole",
    )  # fmt: skip

    def __init__(self, source_id: str, old_block: int) -> None:
        self.source_id = source_id
        self.old_block = old_block
        """Greatest block that had begun when the previous owner last settled: its first records may be missing."""
        self.block = -1
        self.rules = 0
        """Rules by which the block is counted."""
        self.counted: dict[tuple[int, int], LastCount] = {}
        """Last counts of the block, by (pane, key)."""
        self.records: dict[int, list[tuple[BlockCounts, Ints]]] = {}
        """Records of the block with their keys, by rules."""
        self.reached: dict[int, int] = {}
        """Offset before which the block was read, by rules."""
        self.whole = False
        """Whether every record of the block was received, from its first on."""
        self.watermark_ms = -1
        self.newest_ms = -1

    def start(self, block: int, rules: int, *, whole: bool) -> None:
        """Start a block by one version of the rules, without any counts."""
        self.block, self.rules, self.whole = block, rules, whole
        self.counted, self.records, self.reached = {}, {}, {}

    def note_reached(self, rules: int, offset: int) -> None:
        """Note how far a reader has read the block."""
        self.reached[rules] = max(offset, self.reached.get(rules, 0))

    def is_ahead(self, rules: int) -> bool:
        """Return whether a reader with other rules has read more of the block, or as much with newer rules."""
        return (self.reached.get(rules, 0), rules) > (self.reached.get(self.rules, 0), self.rules)


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
        self._ids: list[str] = []
        """Topic ids in the order in which they were first seen."""
        self._former: dict[tuple[str, int], SourceBlock] = {}
        """Open blocks of source topics that were replaced, by topic id and partition."""
        self._tags = tags
        self._hashes = hashes
        self._columns = columns

    def apply(self, flush: Flush) -> Ints:
        """Apply a record, and return the keys that it has counted, some perhaps twice."""
        source = self.sources.get(flush.source)
        if source is None or source.source_id != flush.source_id:
            source = self._source_of(flush)
        if flush.rules != source.rules and source.block >= 0:
            self._choose_rules(source, flush)
        touched = self._count_record(source, flush) if flush.hashtags else np.zeros(0, np.int64)
        source.newest_ms = max(source.newest_ms, flush.newest_ms)
        if flush.watermark_ms >= 0:
            if flush.source_id == self._ids[-1]:
                self.source_count = max(self.source_count, flush.sources)
            if flush.block > source.block:
                source.start(flush.block, flush.rules, whole=flush.block > source.old_block)
            if flush.block == source.block:
                source.note_reached(flush.rules, flush.reached)
            source.watermark_ms = max(source.watermark_ms, flush.watermark_ms)
        return touched

    def _source_of(self, flush: Flush) -> SourceBlock:
        """Return the open block of a record's source, a new one if it has none."""
        topic_id, number = flush.source_id, flush.source
        if topic_id not in self._ids:
            self._ids.append(topic_id)
            self._former |= {(one.source_id, at): one for at, one in self.sources.items()}
            self.sources, self.source_count = {}, 0
        is_present = topic_id == self._ids[-1]
        source = self.sources.get(number) if is_present else self._former.get((topic_id, number))
        if source is None:
            source = SourceBlock(topic_id, self.old_blocks.get(f"{topic_id}/{number}", -1))
            if is_present:
                self.sources[number] = source
            else:
                self._former[topic_id, number] = source
        return source

    def recover(self, settled_pane: int, blocks: dict[str, int]) -> None:
        """Continue after a settled pane, with the blocks that were open by then, those of older topics first."""
        self.settled_pane, self.old_blocks = settled_pane, dict(blocks)
        self._ids = list(dict.fromkeys(name.rpartition("/")[0] for name in blocks))

    def blocks(self) -> dict[str, int]:
        """Return the open block of each source, by topic id and partition, for the progress record."""
        blocks = dict(self.old_blocks)
        former = [(number, one) for (_, number), one in self._former.items()]
        for number, source in [*former, *self.sources.items()]:
            name = f"{source.source_id}/{number}"
            blocks[name] = max(blocks.get(name, -1), source.block)
        return blocks

    def tag_numbers(self) -> set[int]:
        """Return the numbers of the hashtags in open blocks."""
        numbers: set[int] = set()
        for source in self._all_sources():
            numbers.update(key >> COUNTRY_BITS for _, key in source.counted)
            for rules, records in source.records.items():
                if rules != source.rules:
                    numbers.update(number for _, keys in records for number in (keys >> COUNTRY_BITS).tolist())
        return numbers

    @property
    def watermark_ms(self) -> int:
        """Lowest watermark over all source partitions; -1 until each has sent one."""
        if not self.source_count or len(self.sources) < self.source_count:
            return -1
        return min(source.watermark_ms for source in self.sources.values())

    @property
    def newest_ms(self) -> int:
        """Greatest log time of any source."""
        return max((source.newest_ms for source in self.sources.values()), default=-1)

    def _all_sources(self) -> list[SourceBlock]:
        return [*self.sources.values(), *self._former.values()]

    def settle(self, number: int) -> ClosedPane:
        """Close the next pane with all its counts, those of open blocks included."""
        assert number > self.settled_pane
        self.settled_pane = number
        pane = self.panes.pop(number, None) or OpenPane(self._hashes, self._columns)
        total = pane.sum()
        self.tweets.add(total.keys, -total.counts)
        return ClosedPane(number, total, pane)

    # ---- counting ----

    def _count_record(self, source: SourceBlock, flush: Flush) -> Ints:
        counts = block_counts_of(flush)
        keys = self._tags.of_lines(flush.hashtags, len(counts.countries)) << COUNTRY_BITS | counts.countries
        last = counts.blocks[-1]
        touched = np.zeros(0, np.int64)
        if flush.rules == source.rules or last != source.block:
            touched = self._count(source, flush.rules, counts, keys)
        if last == source.block:
            source.records.setdefault(flush.rules, []).append((counts, keys))
        return touched

    def _count(self, source: SourceBlock, rules: int, counts: BlockCounts, keys: Ints) -> Ints:
        """Count what is new in a record, and return its keys."""
        rises, whole = self._rises(source, rules, counts, keys)
        risen = rises > 0
        is_open = counts.panes > self.settled_pane
        late = risen & ~is_open & whole
        if late.any():
            self._add_late(source, late, keys, rises, counts)
        counted = risen & is_open
        touched: Ints = keys[counted]
        self.tweets.add(touched, rises[counted])
        panes = counts.panes[counted]
        for number in np.unique(panes).tolist() if len(panes) else ():
            self._add(number, source, counted & (counts.panes == number), keys, counts)
        return touched

    def _rises(self, source: SourceBlock, rules: int, counts: BlockCounts, keys: Ints) -> tuple[Ints, Mask]:
        """Return (r,) by how much each count exceeds the last one, and whether its block is known from its start."""
        blocks = counts.blocks
        rises = np.where(blocks > source.block, counts.counts, 0)
        whole = blocks > source.old_block
        again = np.flatnonzero(blocks == source.block)
        if len(again) and rules == source.rules:
            whole[again] = source.whole
            scopes = zip(counts.panes[again].tolist(), keys[again].tolist(), strict=True)
            before = [source.counted.get(scope, _UNCOUNTED) for scope in scopes]
            rises[again] = np.maximum(0, counts.counts[again] - [one.count for one in before])
            self._void_replaced(counts.panes[again], rises[again], before)
        last = int(blocks[-1])
        if last > source.block:
            source.start(last, rules, whole=last > source.old_block)
        return rises, whole

    def _void_replaced(self, panes: Ints, rises: Ints, before: list[LastCount]) -> None:
        """Void the rows of earlier counts that greater ones replace; the record may end their block."""
        rows: dict[int, list[int]] = {}
        for number, rise, one in zip(panes.tolist(), rises.tolist(), before, strict=True):
            if rise and one.row >= 0 and number > self.settled_pane:
                rows.setdefault(number, []).append(one.row)
        for number, replaced in rows.items():
            self.panes[number].void(replaced)

    def _add(self, number: int, source: SourceBlock, chosen: Mask, keys: Ints, counts: BlockCounts) -> None:
        pane = self._open(number)
        if chosen.all():
            first = pane.add(keys, counts.counts, counts.sizes, counts.entries)
        else:
            entries = counts.entries.take(np.flatnonzero(np.repeat(chosen, counts.sizes)))
            first = pane.add(keys[chosen], counts.counts[chosen], counts.sizes[chosen], entries)
        again = np.flatnonzero(counts.blocks[chosen] == source.block)
        if len(again):
            self._remember(source, pane, number, again + first)
        if pane.is_crowded():
            self._compact(number, pane)

    def _remember(self, source: SourceBlock, pane: OpenPane, number: int, rows: Ints) -> None:
        """Remember the counts of the open block, and their rows in a pane."""
        keys, counts = pane.rows["key"][rows].tolist(), pane.rows["count"][rows].tolist()
        for key, count, row in zip(keys, counts, rows.tolist(), strict=True):
            source.counted[number, key] = LastCount(count, row)

    def _compact(self, number: int, pane: OpenPane) -> None:
        counted = [one for source in self._all_sources() for (of, _), one in source.counted.items() if of == number]
        self.panes[number] = pane.compacted([one.row for one in counted])
        for row, one in enumerate(counted):
            one.row = row

    def _open(self, number: int) -> OpenPane:
        pane = self.panes.get(number)
        if pane is None:
            pane = self.panes[number] = OpenPane(self._hashes, self._columns)
        return pane

    def _add_late(self, source: SourceBlock, late: Mask, keys: Ints, rises: Ints, counts: BlockCounts) -> None:
        """Add what is new in counts of settled panes to the oldest open pane."""
        self.late_counts += int(late.sum())
        entries = counts.entries.take(np.flatnonzero(np.repeat(late, counts.sizes)))
        self._open(self.settled_pane + 1).add(keys[late], rises[late], counts.sizes[late], entries)
        self.tweets.add(keys[late], rises[late])
        for row in np.flatnonzero(late & (counts.blocks == source.block)).tolist():
            source.counted[int(counts.panes[row]), int(keys[row])] = LastCount(int(counts.counts[row]))

    # ---- rolling upgrades ----

    def _choose_rules(self, source: SourceBlock, flush: Flush) -> None:
        """Let the rules of a record count the open block from now on, if their reader has read more of it."""
        marked = flush.watermark_ms >= 0
        last = max(flush.block if marked else -1, int(np.frombuffer(flush.blocks, "<i8")[-1]) if flush.blocks else -1)
        if last > source.block:
            source.note_reached(flush.rules, _WHOLE_BLOCK)
        elif last == source.block and marked:
            source.note_reached(flush.rules, flush.reached)
        if last < source.block or not source.is_ahead(flush.rules):
            return
        self._remove_open_block(source)
        source.rules, source.whole = flush.rules, False  # settled panes keep what the other rules have counted
        for counts, keys in source.records.get(flush.rules, []):
            self._count(source, flush.rules, counts, keys)

    def _remove_open_block(self, source: SourceBlock) -> None:
        """Remove from the open panes everything that the open block has counted."""
        for (number, key), last in source.counted.items():
            if number > self.settled_pane:
                self.panes[number].void([last.row])
                self.tweets.add(np.array([key]), np.array([-last.count]))
        source.counted = {}
