"""Panes that are still open: the judge's side of the registers.

A block's registers are absolute, so a block keeps the greatest count of each and is folded into the panes when a later
block of its source arrives. Sent twice, late, or by a worker that should be dead: no matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.registers import BlockRegisters, Entry, Flush, Register
from streams.counting.sketch import K, KeyedHash, smallest

_COMPACT_AT = 4 * K


class Tally:
    """Counts and entries per key of one pane (or of one block's part in it)."""

    __slots__ = ("_cuts", "counts", "entries")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.entries: dict[int, list[Entry]] = {}
        self._cuts: dict[int, int] = {}
        """The k-th smallest author of a key that has more: a greater one need not be kept."""

    def raise_to(self, key: int, count: int, entries: list[Entry], hashes: KeyedHash) -> int:
        """Take an absolute count: the greatest wins; entries merge. By how much it rose."""
        known = self.counts.get(key)
        if known is None:
            self.counts[key] = count
            self.entries[key] = entries
            return count
        self._merge(key, entries, hashes)
        if count <= known:
            return 0
        self.counts[key] = count
        return count - known

    def add(self, key: int, count: int, entries: list[Entry], hashes: KeyedHash) -> None:
        """Add to the count; entries merge."""
        known = self.counts.get(key)
        if known is None:
            self.counts[key] = count
            self.entries[key] = entries
            return
        self.counts[key] = known + count
        self._merge(key, entries, hashes)

    def _merge(self, key: int, entries: list[Entry], hashes: KeyedHash) -> None:
        cut = self._cuts.get(key)
        if cut is not None:
            entries = [entry for entry in entries if entry.author <= cut]
        if not entries:
            return
        have = self.entries[key] + entries
        if len(have) > _COMPACT_AT:
            have = smallest(have, hashes)
            if len(have) == K:
                self._cuts[key] = max(entry.author for entry in have)
        self.entries[key] = have

    def worlds(self) -> dict[int, int]:
        """Tweets per tag number, all countries."""
        worlds: dict[int, int] = {}
        for key, count in self.counts.items():
            tag = key >> COUNTRY_BITS
            worlds[tag] = worlds.get(tag, 0) + count
        return worlds


class SourceBlock:
    """The open block of one source partition."""

    __slots__ = ("block", "known", "newest_ms", "old_block", "panes", "rules", "source_id", "watermark_ms", "whole")

    def __init__(self, source_id: str, old_block: int) -> None:
        self.source_id = source_id
        self.old_block = old_block
        """Blocks up to this one were open, or over, when a predecessor last settled: they may have begun unseen."""
        self.block = -1
        self.rules = 0
        self.panes: dict[int, Tally] = {}
        self.known: dict[tuple[int, int], int] = {}
        """(pane, key) → count that went into a pane that has settled since."""
        self.whole = False
        """Whether every register of the block was seen since its first."""
        self.watermark_ms = -1
        self.newest_ms = -1

    def start(self, block: int, rules: int, *, whole: bool) -> None:
        self.block, self.rules, self.whole = block, rules, whole
        self.panes = {}
        self.known = {}


class OpenPanes:
    """Unsettled panes of one shard, with the open block of each source partition."""

    def __init__(self, tags: Tags, hashes: KeyedHash) -> None:
        self.panes: dict[int, Tally] = {}
        self.sources: dict[int, SourceBlock] = {}
        self.source_count = 0
        self.settled_pane = -1
        """Panes up to this one are settled: final."""
        self.old_blocks: dict[str, int] = {}
        """Recovered: the block of each source that was open when a predecessor last settled."""
        self.worlds: dict[int, int] = {}
        """Tweets per tag number in what has not settled, about: for early looks, never for what is said."""
        self.late_registers = 0
        self._tags = tags
        self._hashes = hashes

    def apply(self, flush: Flush) -> list[int]:
        """Take one record; returns the keys that it counted (some perhaps twice)."""
        source = self.sources.get(flush.source)
        if source is None or source.source_id != flush.source_id:
            if source is not None:
                self._fold(source)
            old_block = self.old_blocks.get(f"{flush.source_id}/{flush.source}", -1)
            source = self.sources[flush.source] = SourceBlock(flush.source_id, old_block)
        touched: list[int] = []
        for block in flush.blocks:
            self._take(source, block, flush.rules, touched)
        source.newest_ms = max(source.newest_ms, flush.newest_ms)
        if flush.watermark_ms >= 0:
            self.source_count = max(self.source_count, flush.sources)
            if flush.block > source.block:
                self._fold(source)
                source.start(flush.block, flush.rules, whole=flush.block > source.old_block)
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

    def earliest(self) -> int | None:
        """The lowest open pane that counts anything."""
        panes = [pane for pane in self.panes if pane > self.settled_pane]
        panes += [pane for source in self.sources.values() for pane in source.panes if pane > self.settled_pane]
        return min(panes, default=None)

    def tallies(self) -> Iterator[tuple[int, Tally]]:
        """Every open tally, folded or not."""
        yield from self.panes.items()
        for source in self.sources.values():
            for pane, tally in source.panes.items():
                if pane > self.settled_pane:
                    yield pane, tally

    def settle(self, pane: int) -> Tally:
        """Close a pane: all its counts, those of open blocks included. It must be the one after the last settled."""
        assert pane > self.settled_pane
        whole = self.panes.pop(pane, None) or Tally()
        for source in self.sources.values():
            part = source.panes.pop(pane, None)
            if part is None:
                continue
            for key, count in part.counts.items():
                source.known[pane, key] = count
                whole.add(key, count, part.entries.get(key, []), self._hashes)
        for tag, count in whole.worlds().items():
            left = self.worlds.get(tag, 0) - count
            if left > 0:
                self.worlds[tag] = left
            else:
                self.worlds.pop(tag, None)
        self.settled_pane = pane
        return whole

    def _take(self, source: SourceBlock, incoming: BlockRegisters, rules: int, touched: list[int]) -> None:
        if incoming.block < source.block:
            return
        if incoming.block > source.block:
            self._fold(source)
            source.start(incoming.block, rules, whole=incoming.block > source.old_block)
        elif rules < source.rules:
            return
        elif rules > source.rules:
            source.start(
                incoming.block, rules, whole=False
            )  # its settled panes hold what older rules found: let them be
        settled = self.settled_pane
        key_of, hashes, panes, worlds = self._tags.key, self._hashes, source.panes, self.worlds
        for register in incoming.registers:
            pane = register.pane
            if pane <= settled:
                self._late(source, register)
                continue
            tally = panes.get(pane)
            if tally is None:
                tally = panes[pane] = Tally()
            key = key_of(register.hashtag, register.country)
            more = tally.raise_to(key, register.count, register.entries, hashes)
            tag = key >> COUNTRY_BITS
            worlds[tag] = worlds.get(tag, 0) + more
            touched.append(key)

    def _late(self, source: SourceBlock, register: Register) -> None:
        """A register of a settled pane: nothing new in it (sent again), or it counts in the oldest open pane."""
        key = self._tags.key(register.hashtag, register.country)
        known = source.known.get((register.pane, key), 0)
        if register.count <= known or not source.whole:
            return
        self.late_registers += 1
        source.known[register.pane, key] = register.count
        tally = self.panes.setdefault(self.settled_pane + 1, Tally())
        tally.add(key, register.count - known, register.entries, self._hashes)

    def _fold(self, source: SourceBlock) -> None:
        for pane, part in source.panes.items():
            whole = self.panes.get(pane)
            if whole is None:
                self.panes[pane] = part
                continue
            for key, count in part.counts.items():
                whole.add(key, count, part.entries.get(key, []), self._hashes)
        source.panes = {}
