"""The ingest core: it reads the records of one source partition, and returns block counts for each shard.

A record to a judge depends only on a fixed range of the source log. The state is the open block, the counts that were
not sent yet, and the ids of the last 4,096 offsets (a producer's retries). All of it is dropped at a reassignment and
read again. An unreadable record becomes a dead letter, and its neighbours count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.constants import BLOCK, DAY_MS, PANE_MS
from streams.counting.block_counts import RETWEET, RULES, UNKNOWN_AGE, Flush
from streams.counting.keys import Sharding
from streams.counting.notices import retract
from streams.counting.records import SourceRecord
from streams.counting.retractions import OpenRetractions, Retractions
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules, effective_time
from streams.counting.uses import OpenUses
from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet

DUPLICATE_RANGE = 4_096
"""Offsets before a record in which the same tweet id makes it a duplicate."""

_RECORD_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that breaks the contract, with its origin."""

    source: int
    offset: int
    log_ms: int
    key: bytes | None
    value: bytes | None
    error: ContractError


@dataclass(slots=True)
class IngestCounts:
    """Events since the last flush, for metrics."""

    tweets: int = 0
    """Readable tweets, including duplicates and those that are too old."""
    uses: int = 0
    duplicates: int = 0
    clamped: int = 0
    too_old: int = 0
    controls: Counter[str] = field(default_factory=Counter)
    retractions: Counter[str] = field(default_factory=Counter)
    """Retractions by kind, one of `notices.KINDS`."""


class SourcePartition:
    """All state of one source partition between its assignment and its revocation.

    Args:
        source: number of the partition.
        sources: number of partitions of the topic.
        source_id: id of the topic.
        replay_point: committed offset, a block start. Records from here on count. Earlier ones, up to
            `DUPLICATE_RANGE` before it, only restore the ids that were seen.
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
        self.deleted: list[int] = []
        """Ids of the tweets that were deleted, since the last flush."""
        self._count_from = replay_point
        self._shards = sharding.shards
        self._sharding = sharding
        self._times = times
        self._seen: dict[int, int] = {}
        self._block = replay_point // BLOCK
        self._uses = OpenUses(sharding, hashes, _RECORD_BYTES, source)
        self._retractions = OpenRetractions(_RECORD_BYTES)

    @property
    def replay_point(self) -> int:
        """Start of the block with the first unread offset, to commit once every sent record is acknowledged."""
        return self.next_offset // BLOCK * BLOCK

    def read(self, records: Iterable[SourceRecord]) -> None:
        """Read records in offset order."""
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
                    self._note(log_ms, event)
            except ContractError as error:
                self.dead_letters.append(DeadLetter(self.source, offset, log_ms, record.key, record.value, error))
        self.watermark_ms = max(self.watermark_ms, self.newest_ms - self._times.watermark_slack_ms)

    def begin_at(self, replay_point: int) -> None:
        """Begin at a later block, before anything was read."""
        assert replay_point % BLOCK == 0 and not self._seen, replay_point
        self._count_from = self.next_offset = replay_point
        self._block = replay_point // BLOCK

    def reset_counts(self) -> None:
        """Reset `counts`, `dead_letters` and `deleted` after the shell has taken them."""
        self.counts = IngestCounts()
        self.dead_letters = []
        self.deleted = []

    def advance_idle(self, idle_since_ms: int) -> None:
        """Advance the watermark of an idle partition, so that it delays no tick.

        Args:
            idle_since_ms: time before the end of the log was requested, up to which all records were read.
        """
        self.watermark_ms = max(self.watermark_ms, idle_since_ms - self._times.watermark_slack_ms)

    def flush(self) -> dict[int, list[Flush]]:
        """Return the changes since the last flush: for every shard its records in order, the last with the marker."""
        changed = self._uses.flush()
        self._uses.forget_before(self._block)
        retracted = self._retractions.flush(self._shards)
        flushed: dict[int, list[Flush]] = {}
        for shard in range(self._shards):
            records = changed.get(shard) or [_empty_record()]
            if shard in retracted:
                *more, records[-1].retractions = retracted[shard]
                records = [_empty_record(one) for one in more] + records
            for record in records:
                record.source_id, record.source, record.sources = self.source_id, self.source, self.sources
                record.rules, record.newest_ms = RULES, self.newest_ms
            records[-1].block, records[-1].watermark_ms = self.next_offset // BLOCK, self.watermark_ms
            records[-1].reached = self.next_offset
            flushed[shard] = records
        return flushed

    def _open(self, block: int) -> None:
        if len(self._seen) > 4 * DUPLICATE_RANGE:
            self._forget_ids()
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
        age_days = UNKNOWN_AGE if born_ms is None else max(0, (event_ms - born_ms) // DAY_MS)
        self._uses.add(offset, at_ms // PANE_MS, age_days, RETWEET if tweet.kind == "retweet" else 0, tweet)
        counts.uses += len(tweet.hashtags)

    def _note(self, log_ms: int, control: Control) -> None:
        kind = retract(control, log_ms, self._retractions, self._sharding, self._times)
        self.counts.controls[control.kind] += 1
        if control.kind == "delete" and control.id is not None:
            self.deleted.append(control.id)
        if kind is not None:
            self.counts.retractions[kind] += 1

    def _forget_ids(self) -> None:
        oldest = self.next_offset - 1 - DUPLICATE_RANGE  # the current tweet was read already
        self._seen = {seen: at for seen, at in self._seen.items() if at >= oldest}

    def _read_back(self, offset: int, value: bytes | None) -> None:
        try:
            event = parse(value)
        except ContractError:
            return
        if isinstance(event, Tweet):
            self._seen[event.id] = offset


def _empty_record(retractions: Retractions | None = None) -> Flush:
    """Make a record without counts."""
    return Flush("", 0, 0, 0, 0, -1, -1, retractions=retractions)
