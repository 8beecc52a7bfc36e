"""Panes that are still open: the judge's side of the registers.

A block's registers are absolute: what one says takes the place of what it said before, if it says more, and blocks
before the open one of their source are over. Sent twice, late, or by a worker that should be dead: no matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Flush, Ints, Registers, registers_of
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.sketch import KeyedHash
from streams.windows.key_counter import Tally
from streams.windows.open_pane import OpenPane, Sum

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Closed:
    """A pane that has just settled."""

    number: int
    sum: Sum
    pane: OpenPane


@dataclass(slots=True)
class Known:
    """What a register of the open block said last."""

    count: int
    row: int = -1
    """Where its pane has it, as long as that is open."""
    size: int = 0
    """How many entries the row has, while it is set aside."""


_NOTHING = Known(0)
_ALL_OF_IT = 1 << 62


class SourceBlock:
    """The open block of one source partition.

    While versions change, workers with other rules read it too, and a partition may go from a newer to an older one. So
    the rules of who has read most of it count, of equals the newest, and what others found is set aside: at a watermark
    all is counted that was read for it, and a block that is over was counted by one who read all of it.
    """

    __slots__ = (
        "aside", "block", "known", "newest_ms", "old_block", "reached", "rules", "source_id", "watermark_ms", "whole"
    )  # fmt: skip

    def __init__(self, source_id: str, old_block: int) -> None:
        self.source_id = source_id
        self.old_block = old_block
        """Blocks up to this one were open, or over, when a predecessor last settled: they may have begun unseen."""
        self.block = -1
        self.rules = 0
        self.known: dict[tuple[int, int], Known] = {}
        """By (pane, key), of the open block."""
        self.aside: dict[int, dict[tuple[int, int], Known]] = {}
        """The same, by rules that do not count."""
        self.reached: dict[int, int] = {}
        """Rules → offset before which the open block was read by them."""
        self.whole = False
        """Whether every register of the block was seen since its first."""
        self.watermark_ms = -1
        self.newest_ms = -1

    def start(self, block: int, rules: int, *, whole: bool) -> None:
        self.block, self.rules, self.whole = block, rules, whole
        self.known, self.aside, self.reached = {}, {}, {}

    def note(self, rules: int, reached: int) -> None:
        """The open block was read up to an offset."""
        self.reached[rules] = max(reached, self.reached.get(rules, 0))

    def ahead(self, rules: int) -> bool:
        """Whether others than those that count have read more of the open block, or as much and are newer."""
        return (self.reached.get(rules, 0), rules) > (self.reached.get(self.rules, 0), self.rules)

    def scopes(self) -> Iterator[tuple[int, int]]:
        """(pane, key) of all that is known."""
        return chain(self.known, *self.aside.values())


class OpenPanes:
    """Unsettled panes of one shard, with the open block of each source partition.

    Args:
        columns: how many scores a text has.
    """

    def __init__(self, tags: Tags, hashes: KeyedHash, columns: int) -> None:
        self.panes: dict[int, OpenPane] = {}
        self.sources: dict[int, SourceBlock] = {}
        self.source_count = 0
        self.settled_pane = -1
        """Panes up to this one are settled: final."""
        self.old_blocks: dict[str, int] = {}
        """Recovered: the block of each source that was open when a predecessor last settled."""
        self.tweets = Tally()
        """Of what has not settled."""
        self.late_registers = 0
        self._tags = tags
        self._hashes = hashes
        self._columns = columns

    def apply(self, flush: Flush) -> Ints:
        """Take one record; returns the keys that it counted (some perhaps twice)."""
        source = self.sources.get(flush.source)
        if source is None or source.source_id != flush.source_id:
            old_block = self.old_blocks.get(f"{flush.source_id}/{flush.source}", -1)
            source = self.sources[flush.source] = SourceBlock(flush.source_id, old_block)
        if flush.rules != source.rules and source.block >= 0:
            self._choose_rules(source, flush)
        touched = self._take(source, flush) if flush.hashtags else np.zeros(0, np.int64)
        source.newest_ms = max(source.newest_ms, flush.newest_ms)
        if flush.watermark_ms >= 0:
            self.source_count = max(self.source_count, flush.sources)
            if flush.block > source.block:
                source.start(flush.block, flush.rules, whole=flush.block > source.old_block)
            if flush.block == source.block:
                source.note(flush.rules, flush.reached)
            source.watermark_ms = max(source.watermark_ms, flush.watermark_ms)
        return touched

    def blocks(self) -> dict[str, int]:
        """The open block of each source, by topic id and partition: what a successor must know of."""
        blocks = dict(self.old_blocks)
        for number, source in self.sources.items():
            name = f"{source.source_id}/{number}"
            blocks[name] = max(blocks.get(name, -1), source.block)
        return blocks

    @property
    def watermark_ms(self) -> int:
        """The lowest watermark over all source partitions; -1 until each has told its own."""
        if not self.source_count or len(self.sources) < self.source_count:
            return -1
        return min(source.watermark_ms for source in self.sources.values())

    @property
    def newest_ms(self) -> int:
        """The greatest log time of any source."""
        return max((source.newest_ms for source in self.sources.values()), default=-1)

    def settle(self, number: int) -> Closed:
        """Close a pane: all its counts, those of open blocks included. It must be the one after the last settled."""
        assert number > self.settled_pane
        self.settled_pane = number
        pane = self.panes.pop(number, None) or OpenPane(self._hashes, self._columns)
        total = pane.sum()
        self.tweets.add(total.keys, -total.counts)
        return Closed(number, total, pane)

    def _take(self, source: SourceBlock, flush: Flush) -> Ints:
        registers = registers_of(flush)
        keys = self._tags.of(flush.hashtags) << COUNTRY_BITS | registers.countries
        if flush.rules != source.rules and registers.blocks[-1] == source.block:
            self._set_aside(source, flush.rules, registers, keys)
            return np.zeros(0, np.int64)
        rises, whole = self._rises(source, flush.rules, registers, keys)
        risen = rises > 0
        is_open = registers.panes > self.settled_pane
        late = risen & ~is_open & whole
        if late.any():
            self._add_late(source, late, keys, rises, registers)
        counted = risen & is_open
        touched: Ints = keys[counted]
        self.tweets.add(touched, rises[counted])
        panes = registers.panes[counted]
        for number in np.unique(panes).tolist() if len(panes) else ():
            self._add(number, source, counted & (registers.panes == number), keys, registers)
        return touched

    def _rises(self, source: SourceBlock, rules: int, registers: Registers, keys: Ints) -> tuple[Ints, Mask]:
        """(r,) by how much each register is more than what is known of its block, and whether all of it is known."""
        blocks = registers.blocks
        rises = np.where(blocks > source.block, registers.counts, 0)
        whole = blocks > source.old_block
        again = np.flatnonzero(blocks == source.block)
        if len(again) and rules == source.rules:
            whole[again] = source.whole
            scopes = zip(registers.panes[again].tolist(), keys[again].tolist(), strict=True)
            before = [source.known.get(scope, _NOTHING) for scope in scopes]
            rises[again] = np.maximum(0, registers.counts[again] - [one.count for one in before])
            self._outdate(registers.panes[again], rises[again], before)
        last = int(blocks[-1])
        if last > source.block:
            source.start(last, rules, whole=last > source.old_block)
        return rises, whole

    def _outdate(self, panes: Ints, rises: Ints, before: list[Known]) -> None:
        """What a register said before is part of what it says now; the record may end its block."""
        rows: dict[int, list[int]] = {}
        for number, rise, one in zip(panes.tolist(), rises.tolist(), before, strict=True):
            if rise and one.row >= 0 and number > self.settled_pane:
                rows.setdefault(number, []).append(one.row)
        for number, outdated in rows.items():
            self.panes[number].void(outdated)

    # ---- versions side by side ----

    def _choose_rules(self, source: SourceBlock, flush: Flush) -> None:
        """A record of other rules than those that count: from now on they do, if they have read more of the block."""
        marked = flush.watermark_ms >= 0
        last = max(flush.block if marked else -1, int(np.frombuffer(flush.blocks, "<i8")[-1]) if flush.blocks else -1)
        if last > source.block:
            source.note(flush.rules, _ALL_OF_IT)
        elif last == source.block and marked:
            source.note(flush.rules, flush.reached)
        if last < source.block or not source.ahead(flush.rules):
            return
        for (number, key), known in source.known.items():
            if number > self.settled_pane:
                self._bench(number, known)
                self.tweets.add(np.array([key]), np.array([-known.count]))
        source.aside[source.rules] = source.known
        source.known = source.aside.pop(flush.rules, {})
        source.rules, source.whole = flush.rules, False  # its settled panes hold what the others found: so be it
        for (number, key), known in source.known.items():
            if number > self.settled_pane:
                self.panes[number].restore(known.row, known.count, known.size)
                self.tweets.add(np.array([key]), np.array([known.count]))

    def _set_aside(self, source: SourceBlock, rules: int, registers: Registers, keys: Ints) -> None:
        """Registers of the open block that do not count: in their panes, so that they can, but as nothing."""
        known = source.aside.setdefault(rules, {})
        wanted = (registers.blocks == source.block) & (registers.panes > self.settled_pane)
        for at in np.flatnonzero(wanted).tolist():
            number, key, count = int(registers.panes[at]), int(keys[at]), int(registers.counts[at])
            if count <= known.get((number, key), _NOTHING).count:
                continue
            rows = np.flatnonzero(np.repeat(np.arange(len(keys)) == at, registers.sizes))
            one = slice(at, at + 1)
            pane = self._open(number)
            row = pane.add(keys[one], registers.counts[one], registers.sizes[one], registers.entries.take(rows))
            known[number, key] = Known(count, row)
            self._bench(number, known[number, key])
            if pane.crowded():
                self._sum_up(number, pane)

    def _bench(self, number: int, known: Known) -> None:
        pane = self.panes[number]
        known.size = int(pane.rows["size"][known.row])
        pane.void([known.row])

    # ---- panes ----

    def _add(self, number: int, source: SourceBlock, chosen: Mask, keys: Ints, registers: Registers) -> None:
        pane = self._open(number)
        if chosen.all():
            first = pane.add(keys, registers.counts, registers.sizes, registers.entries)
        else:
            entries = registers.entries.take(np.flatnonzero(np.repeat(chosen, registers.sizes)))
            first = pane.add(keys[chosen], registers.counts[chosen], registers.sizes[chosen], entries)
        again = np.flatnonzero(registers.blocks[chosen] == source.block)
        if len(again):
            self._know(source, pane, number, again + first)
        if pane.crowded():
            self._sum_up(number, pane)

    def _know(self, source: SourceBlock, pane: OpenPane, number: int, rows: Ints) -> None:
        """Registers of the open block, where their pane has them."""
        keys, counts = pane.rows["key"][rows].tolist(), pane.rows["count"][rows].tolist()
        for key, count, row in zip(keys, counts, rows.tolist(), strict=True):
            source.known[number, key] = Known(count, row)

    def _sum_up(self, number: int, pane: OpenPane) -> None:
        known = [one for source in self.sources.values() for (of, _), one in source.known.items() if of == number]
        asides = [aside for source in self.sources.values() for aside in source.aside.values()]
        benched = [one for aside in asides for (of, _), one in aside.items() if of == number]
        for one in benched:
            pane.restore(one.row, one.count, one.size)
        self.panes[number] = pane.summed_up([one.row for one in (*known, *benched)])
        for row, one in enumerate((*known, *benched)):
            one.row = row
        for one in benched:
            self._bench(number, one)

    def _open(self, number: int) -> OpenPane:
        pane = self.panes.get(number)
        if pane is None:
            pane = self.panes[number] = OpenPane(self._hashes, self._columns)
        return pane

    def _add_late(self, source: SourceBlock, late: Mask, keys: Ints, rises: Ints, registers: Registers) -> None:
        """Registers of settled panes count in the oldest open one, each time by what is new in them."""
        self.late_registers += int(late.sum())
        entries = registers.entries.take(np.flatnonzero(np.repeat(late, registers.sizes)))
        self._open(self.settled_pane + 1).add(keys[late], rises[late], registers.sizes[late], entries)
        self.tweets.add(keys[late], rises[late])
        for row in np.flatnonzero(late & (registers.blocks == source.block)).tolist():
            source.known[int(registers.panes[row]), int(keys[row])] = Known(int(registers.counts[row]))
