"""A new policy beside the live one, over evidence as it was kept: records in, what would change out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from streams.backtest.compare import Change, Spells, Total, compare, totals
from streams.backtest.coverage import needs_replay
from streams.backtest.histogram import Histogram, Histograms
from streams.backtest.history import Chunk, Past
from streams.backtest.policy_evaluator import Bench, Walk
from streams.backtest.spells import SpellBook
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.errors import CallerMistake
from streams.judging.circuit_breakers import ShardValves
from streams.judging.key_state import Scope
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
    """Feed it records of `hashtag-evidence`, each shard's in order, then ask for the verdict; or ask while they come.

    Args:
        history: policies by revision; the live side then follows those that each tick was judged under, as the judges
            did, and `live` is the last of them. May grow. Without it `live` is tried on all of the evidence.
    """

    def __init__(self, live: Policy, new: Policy, *, history: Mapping[str, Policy] | None = None) -> None:
        self.live, self.new = live, new
        self.tags = Tags()
        self.books = [SpellBook(), SpellBook()]
        """Of the live policy and the new one."""
        self.from_ms, self.to_ms = -1, 0
        """First tick of the evidence, and the last one judged."""
        self._history = history
        self._unshielded = SpellBook()
        self._histograms = Histograms(live, new)
        self._shards: dict[int, _Shard] = {}
        self._categories: tuple[str, ...] | None = None
        self._benches: dict[str, Bench] = {}
        self._following = False

    def follow(self) -> None:
        """What was kept has been read: from now on every tick is judged as soon as the next one begins."""
        self._following = True
        for shard in self._shards.values():
            self._take(shard, shard.past.follow())

    @property
    def level(self) -> bool:
        """Whether all shards are judged up to the same tick."""
        return all(shard.past.passed_ms == self.to_ms for shard in self._shards.values())

    def add(self, record: EvidenceRecord) -> None:
        """Take one record.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        categories = record.conditions.categories
        if self._categories is None:
            self._categories = categories
        elif categories != self._categories:
            raise CallerMistake(
                "the evidence was scored by models with different categories",
                fix="ask for the time since the last one went live, with --since",
            )
        shard = self._shards.get(record.shard)
        if shard is None:
            shard = self._shards[record.shard] = self._open(record.conditions.shards)
        self._take(shard, shard.past.add(record))

    def finish(self) -> Verdict:
        """The evidence has ended."""
        self._finish_chunks()
        return self.verdict()

    def _finish_chunks(self) -> None:
        for shard in self._shards.values():
            self._take(shard, shard.past.finish())

    def uncovered(self) -> dict[str, dict[Scope, tuple[str, ...]]]:
        """By `live` and `new` the scopes that the evidence cannot tell of, with the reasons."""
        conditions = {one for shard in self._shards.values() for one in shard.past.conditions}
        live = {} if self._history is not None else needs_replay(self.live, conditions)
        return {"live": live, "new": needs_replay(self.new, conditions)}

    def verdict(self) -> Verdict:
        """What would change, by all that has been judged so far."""
        uncovered = self.uncovered()
        unknown = {scope for found in uncovered.values() for scope in found}
        live, new, unshielded = (
            {at: spells for at, spells in book.until(self.to_ms).items() if at[1] not in unknown}
            for book in (*self.books, self._unshielded)
        )
        changes = self._changes(live, new)
        return Verdict(
            live_revision=self.live.revision,
            new_revision=self.new.revision,
            from_ms=max(self.from_ms, 0),
            to_ms=self.to_ms,
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

    def forget(self, before_ms: int) -> None:
        """Drop what is over since before a moment, so that a follower does not grow."""
        for book in (*self.books, self._unshielded):
            book.forget(before_ms)
        self.from_ms = max(self.from_ms, before_ms)
        used = {key for book in (*self.books, self._unshielded) for key in book.known()}
        for shard in self._shards.values():
            past = shard.past
            past.conditions = {one: at_ms for one, at_ms in past.conditions.items() if at_ms > before_ms}
            used |= past.keys().union(*(walk.states for walk in shard.walks))
        numbers = {key >> COUNTRY_BITS for key in used}
        self.tags.forget([number for number in self.tags.numbers() if number not in numbers])
        for bench in self._benches.values():
            bench.forget_terms(numbers)

    def _bench(self, policy: Policy) -> Bench:
        bench = self._benches.get(policy.revision)
        if bench is None:
            assert self._categories is not None
            bench = self._benches[policy.revision] = Bench(policy, self._categories, self.tags)
        return bench

    def _open(self, shards: int) -> _Shard:
        walks = [
            Walk(self._bench(policy), self.tags, book.said, never=policy.never_suppressed, valves=ShardValves(shards))
            for policy, book in zip((self.live, self.new), self.books, strict=True)
        ]
        if self.new.never_suppressed:
            walks.append(Walk(self._bench(self.new), self.tags, self._unshielded.said, only=self.new.never_suppressed))
        past = Past(self.tags)
        if self._following:
            past.follow()
        return _Shard(past, walks)

    def _take(self, shard: _Shard, chunk: Chunk | None) -> None:
        if chunk is None:
            return
        if self.from_ms < 0 or chunk.ticks[0].tick_ms < self.from_ms:
            self.from_ms = chunk.ticks[0].tick_ms
        self.to_ms = max(self.to_ms, chunk.ticks[-1].tick_ms)
        if self._history is not None:
            self.live = self._history[chunk.revision]
            shard.walks[0].follow(self._bench(self.live))
        benches = [walk.bench for walk in shard.walks]
        judged = {bench: {block: bench.judge(block) for block in chunk.blocks} for bench in dict.fromkeys(benches)}
        self._histograms.add(judged[benches[1]])
        for walk in shard.walks:
            walk.take(chunk, judged[walk.bench])
