"""The ingest core: records of one source partition in, registers per block and shard out.

A partial is a pure function of a fixed range of the source log. Everything kept here is the open block, what was not
sent yet, and the ids of the last 4,096 offsets (a producer's retries); all of it is dropped and read again after a
reassignment. A record that cannot be read becomes a dead letter and its neighbours count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

from streams.counting.registers import (
    BLOCK,
    PANE_MS,
    RETWEET,
    RULES,
    UNKNOWN_AGE,
    BlockRegisters,
    Entry,
    Flush,
    Register,
)
from streams.counting.sketch import KeyedHash, smallest
from streams.counting.times import TimeRules, effective_time
from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet

DUPLICATE_RANGE = 4_096
"""A tweet id that occurs in this many offsets before a record makes it a duplicate."""

_DAY_MS = 86_400_000
_RECORD_BYTES = 500_000
_SHARD_CACHE = 200_000


class SourceRecord(Protocol):
    """What ingest reads of a Kafka record."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that breaks the contract, with where it came from."""

    source: int
    offset: int
    log_ms: int
    key: bytes | None
    value: bytes | None
    error: ContractError


@dataclass(slots=True)
class IngestCounts:
    """What happened since the last flush, for metrics."""

    tweets: int = 0
    """All that could be read; duplicates and too old ones are among them."""
    uses: int = 0
    duplicates: int = 0
    clamped: int = 0
    too_old: int = 0
    controls: Counter[str] = field(default_factory=Counter)


class Sharding:
    """The shard that a hashtag belongs to, the same in every process."""

    def __init__(self, shards: int) -> None:
        self.shards = shards
        self._known: dict[str, int] = {}

    def of(self, hashtag: str) -> int:
        """CRC-32 of the normalised hashtag in UTF-8, modulo the number of shards."""
        shard = self._known.get(hashtag)
        if shard is None:
            if len(self._known) >= _SHARD_CACHE:
                self._known.clear()
            shard = self._known[hashtag] = crc32(hashtag.encode()) % self.shards
        return shard


class SourcePartition:
    """All state of one source partition between its assignment and its revocation.

    Args:
        source: partition number; `sources`: how many the topic has; `source_id`: the topic's id.
        replay_point: committed offset, a block start: records from here on count, earlier ones (up to
            `DUPLICATE_RANGE` before it) only tell which ids were seen.
    """

    def __init__(
        self,
        source: int,
        sources: int,
        source_id: str,
        replay_point: int,
        *,
        sharding: Sharding,
        hashes: KeyedHash,
        times: TimeRules,
    ) -> None:
        assert replay_point % BLOCK == 0, replay_point
        self.source = source
        self.sources = sources
        self.source_id = source_id
        self.next_offset = replay_point
        self.newest_ms = -1
        self.watermark_ms = -1
        self.counts = IngestCounts()
        self.dead_letters: list[DeadLetter] = []
        self._count_from = replay_point
        self._sharding = sharding
        self._hashes = hashes
        self._times = times
        self._seen: dict[int, int] = {}
        self._block = replay_point // BLOCK
        self._registers: dict[tuple[str, str, int], Register] = {}
        self._changed: list[Register] = []
        self._unsent: list[tuple[int, list[Register]]] = []

    @property
    def replay_point(self) -> int:
        """Start of the block that holds the first offset not read yet: what to commit once all sent is acknowledged."""
        return self.next_offset // BLOCK * BLOCK

    def read(self, records: Iterable[SourceRecord]) -> None:
        """Take records in offset order."""
        for record in records:
            offset, log_ms = record.offset, record.timestamp
            if log_ms > self.newest_ms:
                self.newest_ms = log_ms
            if offset < self._count_from:
                self._read_back(offset, record.value)
                continue
            self.next_offset = offset + 1
            if offset // BLOCK != self._block:
                self._open(offset // BLOCK)
            try:
                event = parse(record.value)
                if isinstance(event, Tweet):
                    self._count(offset, log_ms, event)
                else:
                    self._note(event)
            except ContractError as error:
                self.dead_letters.append(DeadLetter(self.source, offset, log_ms, record.key, record.value, error))
        self.watermark_ms = max(self.watermark_ms, self.newest_ms - self._times.watermark_slack_ms)

    def begin_at(self, replay_point: int) -> None:
        """Nothing was read yet, and the log begins later than it was thought to."""
        assert replay_point % BLOCK == 0 and not self._seen, replay_point
        self._count_from = self.next_offset = replay_point
        self._block = replay_point // BLOCK

    def reset_counts(self) -> None:
        """The shell has taken note of `counts` and `dead_letters`."""
        self.counts = IngestCounts()
        self.dead_letters = []

    def claim(self, before_asking_ms: int) -> None:
        """All was read up to the end that was asked for after `before_asking_ms`: an idle log holds nobody up."""
        self.watermark_ms = max(self.watermark_ms, before_asking_ms - self._times.watermark_slack_ms)

    def flush(self) -> dict[int, list[Flush]]:
        """What changed since the last flush: for every shard its records in order, the last with the marker."""
        if self._changed:
            self._unsent.append((self._block, self._changed))
            self._changed = []
        blocks: dict[int, list[BlockRegisters]] = {shard: [] for shard in range(self._sharding.shards)}
        for block, changed in self._unsent:
            by_shard: dict[int, list[Register]] = {}
            for register in changed:
                if len(register.entries) > 1:
                    register.entries = smallest(register.entries, self._hashes)
                by_shard.setdefault(self._sharding.of(register.hashtag), []).append(register)
            for shard, registers in by_shard.items():
                blocks[shard].append(BlockRegisters(block, registers))
        self._unsent = []
        return {shard: self._records(of_shard) for shard, of_shard in blocks.items()}

    def sent(self, flushed: dict[int, list[Flush]]) -> None:
        """The records of `flush` have been encoded: entries that went out need not go again."""
        for records in flushed.values():
            for record in records:
                for block in record.blocks:
                    for register in block.registers:
                        register.entries = []

    def _records(self, blocks: list[BlockRegisters]) -> list[Flush]:
        parts: list[list[BlockRegisters]] = [[]]
        size = 0
        for block in blocks:
            part = BlockRegisters(block.block, [])
            for register in block.registers:
                bytes_about = 40 + sum(60 + 3 * len(entry.text) for entry in register.entries)
                if size and size + bytes_about > _RECORD_BYTES:
                    if part.registers:
                        parts[-1].append(part)
                    parts.append([])
                    part, size = BlockRegisters(block.block, []), 0
                part.registers.append(register)
                size += bytes_about
            if part.registers:
                parts[-1].append(part)
        flushes = [self._record(part, marker=False) for part in parts[:-1]]
        return [*flushes, self._record(parts[-1], marker=True)]

    def _record(self, blocks: list[BlockRegisters], *, marker: bool) -> Flush:
        return Flush(
            source_id=self.source_id,
            source=self.source,
            sources=self.sources,
            rules=RULES,
            block=self.next_offset // BLOCK if marker else blocks[-1].block,
            watermark_ms=self.watermark_ms if marker else -1,
            newest_ms=self.newest_ms,
            blocks=blocks,
        )

    def _open(self, block: int) -> None:
        if len(self._seen) > 4 * DUPLICATE_RANGE:
            self._forget_ids()
        if self._changed:
            self._unsent.append((self._block, self._changed))
            self._changed = []
        self._registers = {}
        self._block = block

    def _count(self, offset: int, log_ms: int, tweet: Tweet) -> None:
        counts = self.counts
        counts.tweets += 1
        last = self._seen.get(tweet.id)
        self._seen[tweet.id] = offset
        if last is not None and offset - last <= DUPLICATE_RANGE:
            counts.duplicates += 1
            return
        event_ms = at_ms = tweet.created_at_ms
        if not log_ms - self._times.allowed_lateness_ms <= event_ms <= log_ms:
            clamped_ms = effective_time(event_ms, log_ms, self._times)
            if clamped_ms is None:
                counts.too_old += 1
                return
            at_ms = clamped_ms
            counts.clamped += 1
        if not tweet.hashtags:
            return
        born_ms = tweet.author_created_at_ms
        author = self._hashes.author(tweet.author_id)
        age_days = UNKNOWN_AGE if born_ms is None else max(0, (event_ms - born_ms) // _DAY_MS)
        flags = RETWEET if tweet.kind == "retweet" else 0
        pane, country, text = at_ms // PANE_MS, tweet.country, tweet.text
        registers, changed = self._registers, self._changed
        for use in tweet.hashtags:
            hashtag = use.hashtag
            display = use.display if use.display != hashtag else ""
            entry = Entry(author, tweet.id, age_days, flags, display, text)
            register = registers.get((hashtag, country, pane))
            if register is None:
                register = registers[hashtag, country, pane] = Register(hashtag, country, pane, 1, [entry])
                changed.append(register)
                continue
            if not register.entries:
                changed.append(register)
            register.count += 1
            register.entries.append(entry)
        counts.uses += len(tweet.hashtags)

    def _note(self, control: Control) -> None:
        self.counts.controls[control.kind] += 1

    def _forget_ids(self) -> None:
        oldest = self.next_offset - DUPLICATE_RANGE
        self._seen = {seen: at for seen, at in self._seen.items() if at >= oldest}

    def _read_back(self, offset: int, value: bytes | None) -> None:
        try:
            event = parse(value)
        except ContractError:
            return
        if isinstance(event, Tweet):
            self._seen[event.id] = offset
