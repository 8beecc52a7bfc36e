"""Open panes the obvious way: each block count an object, and the last count of an open block in a dict."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from streams.counting.block_counts import Flush
from streams.counting.sketch import KeyedHash
from tests.support.block_counts import BlockCount, Entry, block_counts, smallest

Scope = tuple[str, str]
_WHOLE_BLOCK = 1 << 62


@dataclass
class Row:
    """A count in a pane; it may be replaced by a greater one."""

    scope: Scope
    count: int
    entries: list[Entry]
    valid: bool = True


@dataclass
class Last:
    """Last count of a scope in an open block."""

    count: int
    row: Row | None


@dataclass
class Source:
    """Open block of a source partition; see `streams.windows.open_panes`."""

    topic_id: str
    old_block: int
    block: int = -1
    rules: int = 0
    whole: bool = False
    watermark_ms: int = -1
    counted: dict[tuple[int, Scope], Last] = field(default_factory=dict)
    records: dict[int, list[Flush]] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)

    def start(self, block: int, rules: int) -> None:
        """Start a block."""
        self.block, self.rules, self.whole = block, rules, block > self.old_block
        self.counted, self.records, self.reached = {}, {}, {}

    def reach(self, rules: int, offset: int) -> None:
        """Note how far a reader has come."""
        self.reached[rules] = max(offset, self.reached.get(rules, 0))


class PlainOpenPanes:
    """Unsettled panes of one shard."""

    def __init__(self, hashes: KeyedHash) -> None:
        self.panes: dict[int, list[Row]] = defaultdict(list)
        self.settled_pane = -1
        self.late_counts = 0
        self.sources: dict[tuple[str, int], Source] = {}
        self.ids: list[str] = []
        self.old_blocks: dict[str, int] = {}
        self._hashes = hashes

    def apply(self, flush: Flush) -> set[Scope]:
        """Apply a record, and return the scopes that it has counted in open panes."""
        if flush.source_id not in self.ids:
            self.ids.append(flush.source_id)
        name = (flush.source_id, flush.source)
        new = Source(flush.source_id, self.old_blocks.get(f"{flush.source_id}/{flush.source}", -1))
        source = self.sources.setdefault(name, new)
        counts, touched = block_counts(flush), set()
        last = counts[-1].block if counts else -1
        if flush.rules != source.rules and source.block >= 0:
            self._choose_rules(source, flush, last)
        if counts:
            if flush.rules == source.rules or last != source.block:
                touched = self._count(source, flush.rules, counts)
            if last == source.block:
                source.records.setdefault(flush.rules, []).append(flush)
        if flush.watermark_ms >= 0:
            if flush.block > source.block:
                source.start(flush.block, flush.rules)
            if flush.block == source.block:
                source.reach(flush.rules, flush.reached)
            source.watermark_ms = max(source.watermark_ms, flush.watermark_ms)
        return touched

    def _count(self, source: Source, rules: int, counts: list[BlockCount]) -> set[Scope]:
        open_block, same, is_whole = source.block, rules == source.rules, source.whole
        before = dict(source.counted)
        if counts[-1].block > open_block:
            source.start(counts[-1].block, rules)
        touched = set()
        for one in counts:
            scope = (one.hashtag, one.country)
            known = before.get((one.pane, scope)) if one.block == open_block else None
            if one.block < open_block or (one.block == open_block and not same):
                continue
            rise = one.count - (known.count if known else 0)
            whole = is_whole if one.block == open_block else one.block > source.old_block
            is_late = one.pane <= self.settled_pane
            if rise <= 0 or (is_late and not whole):
                continue
            row = Row(scope, rise if is_late else one.count, one.entries)
            self.panes[self.settled_pane + 1 if is_late else one.pane].append(row)
            if is_late:
                self.late_counts += 1
            else:
                touched.add(scope)
                if known is not None and known.row is not None:
                    known.row.valid = False
            if one.block == source.block:
                source.counted[one.pane, scope] = Last(one.count, None if is_late else row)
        return touched

    def _choose_rules(self, source: Source, flush: Flush, last: int) -> None:
        reached = max(flush.block if flush.watermark_ms >= 0 else -1, last)
        if reached > source.block:
            source.reach(flush.rules, _WHOLE_BLOCK)
        elif reached == source.block and flush.watermark_ms >= 0:
            source.reach(flush.rules, flush.reached)
        is_ahead = (source.reached.get(flush.rules, 0), flush.rules) > (
            source.reached.get(source.rules, 0), source.rules,
        )  # fmt: skip
        if reached < source.block or not is_ahead:
            return
        for (pane, _), known in source.counted.items():
            if pane > self.settled_pane and known.row is not None:
                known.row.valid = False
        source.counted, source.rules, source.whole = {}, flush.rules, False
        for one in source.records.get(flush.rules, []):
            self._count(source, flush.rules, block_counts(one))

    def sums(self, number: int) -> dict[Scope, tuple[int, list[Entry]]]:
        """Return the tweets and the sample of each scope of a pane."""
        found: dict[Scope, tuple[int, list[Entry]]] = {}
        for row in self.panes.get(number, []):
            if row.valid:
                count, entries = found.get(row.scope, (0, []))
                found[row.scope] = (count + row.count, [*entries, *row.entries])
        return {scope: (count, smallest(entries, self._hashes)) for scope, (count, entries) in found.items()}

    def settle(self, number: int) -> dict[Scope, tuple[int, list[Entry]]]:
        """Close a pane."""
        total = self.sums(number)
        self.settled_pane = number
        self.panes.pop(number, None)
        return total

    def tweets(self) -> Counter[Scope]:
        """Return the tweets of all open panes, the world's included."""
        found: Counter[Scope] = Counter()
        for number in self.panes:
            for (tag, country), (count, _) in self.sums(number).items():
                found[tag, "*"] += count
                if country:
                    found[tag, country] += count
        return found
