"""A new policy beside the live one, over evidence as it was kept: records in, what would change out."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from streams.counting.keys import Tags
from streams.errors import CallerMistake
from streams.impact.compare import Change, Spells, Total, compare, totals
from streams.impact.coverage import needs_replay
from streams.impact.histogram import Histogram, Histograms
from streams.impact.past import Chunk, Past
from streams.impact.spells import SpellBook
from streams.impact.walk import Bench, Walk
from streams.judging.valves import ShardValves
from streams.log.evidence import EvidenceRecord
from streams.policy import Policy


class Uncovered(msgspec.Struct, frozen=True):
    """A part that only a replay of the tweets can tell."""

    policy: str
    """`live` or `new`."""
    category: str
    surface: str
    reasons: tuple[str, ...]


class Verdict(msgspec.Struct, kw_only=True):
    """What would change. Settled decisions are predicted, early ones are not."""

    live_revision: str
    new_revision: str
    from_ms: int
    """First tick of the evidence."""
    to_ms: int
    tag_panes: int
    shards: int
    changes: list[Change]
    protected: list[Change]
    """Tags that the new policy would hit if they were not in its `never_suppress`."""
    totals: list[Total]
    histograms: list[Histogram]
    needs_replay: list[Uncovered]


@dataclass(slots=True)
class _Shard:
    past: Past
    walks: list[Walk]


class Impact:
    """Feed it records of `hashtag-evidence`, each shard's in order, then ask for the verdict."""

    def __init__(self, live: Policy, new: Policy) -> None:
        self.live, self.new = live, new
        self.tags = Tags()
        self.books = [SpellBook(), SpellBook()]
        """Of the live policy and the new one."""
        self._unshielded = SpellBook()
        self._histograms = Histograms(live, new)
        self._shards: dict[int, _Shard] = {}
        self._categories: tuple[str, ...] | None = None
        self._benches: list[Bench] = []
        self._from_ms, self._to_ms = -1, 0

    def add(self, record: EvidenceRecord) -> None:
        """Take one record.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        categories = record.conditions.categories
        if self._categories is None:
            self._categories = categories
            self._benches = [Bench(policy, categories, self.tags) for policy in (self.live, self.new)]
        elif categories != self._categories:
            raise CallerMistake(
                "the evidence was scored by models with different categories",
                fix="ask for the time since the last one went live, with --since",
            )
        shard = self._shards.get(record.shard)
        if shard is None:
            shard = self._shards[record.shard] = self._open(record.conditions.shards)
        chunk = shard.past.add(record)
        if chunk is not None:
            self._take(shard, chunk)

    def finish(self) -> Verdict:
        """The evidence has ended."""
        for shard in self._shards.values():
            chunk = shard.past.finish()
            if chunk is not None:
                self._take(shard, chunk)
        for book in (*self.books, self._unshielded):
            book.finish(self._to_ms)
        conditions = {one for shard in self._shards.values() for one in shard.past.conditions}
        uncovered = {"live": needs_replay(self.live, conditions), "new": needs_replay(self.new, conditions)}
        unknown = {scope for found in uncovered.values() for scope in found}
        live, new, unshielded = (
            {at: spells for at, spells in book.done.items() if at[1] not in unknown}
            for book in (*self.books, self._unshielded)
        )
        changes = self._changes(live, new)
        return Verdict(
            live_revision=self.live.revision,
            new_revision=self.new.revision,
            from_ms=max(self._from_ms, 0),
            to_ms=self._to_ms,
            tag_panes=sum(shard.past.panes for shard in self._shards.values()),
            shards=len(self._shards),
            changes=changes,
            protected=compare({}, unshielded, self.tags),
            totals=totals(live, new, changes),
            histograms=[one for one in self._histograms.found() if (one.category, self.new.surfaces[0]) not in unknown],
            needs_replay=[
                Uncovered(name, *scope, reasons)
                for name, found in uncovered.items()
                for scope, reasons in sorted(found.items())
            ],
        )

    def _changes(self, live: Spells, new: Spells) -> list[Change]:
        """Those that lose their protection first."""
        was_protected = self.live.never_suppressed - self.new.never_suppressed
        changes = [
            msgspec.structs.replace(one, was_protected=one.hashtag in was_protected)
            for one in compare(live, new, self.tags)
        ]
        return sorted(changes, key=lambda one: not one.was_protected)

    def _open(self, shards: int) -> _Shard:
        walks = [
            Walk(bench, self.tags, book.said, never=bench.policy.never_suppressed, valves=ShardValves(shards))
            for bench, book in zip(self._benches, self.books, strict=True)
        ]
        if self.new.never_suppressed:
            walks.append(Walk(self._benches[1], self.tags, self._unshielded.said, only=self.new.never_suppressed))
        return _Shard(Past(self.tags), walks)

    def _take(self, shard: _Shard, chunk: Chunk) -> None:
        if self._from_ms < 0 or chunk.ticks[0].tick_ms < self._from_ms:
            self._from_ms = chunk.ticks[0].tick_ms
        self._to_ms = max(self._to_ms, chunk.ticks[-1].tick_ms)
        judged = {bench: {block: bench.judge(block) for block in chunk.blocks} for bench in self._benches}
        self._histograms.add(judged[self._benches[1]])
        for walk in shard.walks:
            walk.take(chunk, judged[walk.bench])
