"""The ingest core: it reads the records of one source partition, and returns block counts for each shard.

A record to a judge depends only on a fixed range of the source log. The state is the open block, the counts that were
not sent yet, and the ids of the last 4,096 offsets (a producer's retries). All of it is dropped at a reassignment and
read again. An unreadable record becomes a dead letter, and its neighbours count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np

from streams.constants import BLOCK
from streams.counting.block_counts import RULES, Flush
from streams.counting.kernels.admission import COUNT_FROM
from streams.counting.keys import Sharding
from streams.counting.notices import retract
from streams.counting.records import LOG_MS, OFFSET, Ints, RecordColumns, SourceRecord
from streams.counting.retractions import OpenRetractions, Retractions
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules, ahead_error
from streams.counting.tweet_reader import ReadTweets, read_tweets
from streams.counting.uses import OpenUses
from streams.errors import ContractError
from streams.events.tweet import Control
from streams.events.tweet_columns import AHEAD, CREATED, STATUS

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
        self._shards = sharding.shards
        self._sharding = sharding
        self._times = times
        self._limits: Ints = np.array([
            replay_point, times.allowed_lateness_ms, times.max_event_ahead_ms, times.max_event_age_ms, DUPLICATE_RANGE
        ])  # fmt: skip
        self._uses = OpenUses(sharding, hashes, _RECORD_BYTES, source)
        self._retractions = OpenRetractions(_RECORD_BYTES)

    @property
    def replay_point(self) -> int:
        """Start of the block with the first unread offset, to commit once every sent record is acknowledged."""
        return self.next_offset // BLOCK * BLOCK

    def read(self, records: Iterable[SourceRecord]) -> None:
        """Read records in offset order, `RecordColumns` or others."""
        columns = RecordColumns.of(records)
        if not len(columns):
            return
        read = read_tweets(columns, self._uses.spellings)
        self._uses.admit(columns, read, self._limits)
        self._count(columns, read)
        rows = columns.rows
        self.newest_ms = max(self.newest_ms, int(rows[:, LOG_MS].max()))
        self.watermark_ms = max(self.watermark_ms, self.newest_ms - self._times.watermark_slack_ms)
        self.next_offset = max(self.next_offset, int(rows[-1, OFFSET]) + 1)

    def _count(self, columns: RecordColumns, read: ReadTweets) -> None:
        """Count tweets and controls, and collect the dead letters in offset order."""
        counts, (tweets, uses, duplicates, clamped, too_old) = self.counts, self._uses.take_counts()
        counts.tweets += tweets
        counts.uses += uses
        counts.duplicates += duplicates
        counts.clamped += clamped
        counts.too_old += too_old
        begin = int(np.searchsorted(columns.rows[:, OFFSET], self._limits[COUNT_FROM]))
        errors = [(row, self._note(event, columns[row].timestamp)) for row, event in read.others if row >= begin]
        for row in np.flatnonzero(read.fields[:, STATUS] == AHEAD).tolist():
            errors.append((row, ahead_error(int(read.fields[row, CREATED]), columns[row].timestamp, self._times)))
        for row, error in sorted(errors, key=itemgetter(0)):
            if error is not None:
                record = columns[row]
                self.dead_letters.append(
                    DeadLetter(self.source, record.offset, record.timestamp, record.key, record.value, error)
                )

    def begin_at(self, replay_point: int) -> None:
        """Begin at a later block, before anything was read."""
        assert replay_point % BLOCK == 0 and self.newest_ms < 0, replay_point
        self._limits[COUNT_FROM] = self.next_offset = replay_point

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
        self._uses.forget_before((self.next_offset - 1) // BLOCK)
        retracted = self._retractions.flush(self._shards)
        flushed: dict[int, list[Flush]] = {}
        for shard in range(self._shards):
            records = changed.get(shard) or [_empty_record()]
            if shard in retracted:
                *more, records[-1].retractions = retracted[shard]
                records = [_empty_record(retractions) for retractions in more] + records
            for record in records:
                record.source_id, record.source, record.sources = self.source_id, self.source, self.sources
                record.rules, record.newest_ms = RULES, self.newest_ms
            records[-1].block, records[-1].watermark_ms = self.next_offset // BLOCK, self.watermark_ms
            records[-1].reached = self.next_offset
            flushed[shard] = records
        return flushed

    def _note(self, event: Control | ContractError, log_ms: int) -> ContractError | None:
        """Note a control message; return the error of a record that breaks the contract."""
        if isinstance(event, ContractError):
            return event
        try:
            kind = retract(event, log_ms, self._retractions, self._sharding, self._times)
        except ContractError as error:
            return error
        self.counts.controls[event.kind] += 1
        if event.kind == "delete" and event.id is not None:
            self.deleted.append(event.id)
        if kind is not None:
            self.counts.retractions[kind] += 1
        return None


def _empty_record(retractions: Retractions | None = None) -> Flush:
    """Make a record without counts."""
    return Flush("", 0, 0, 0, 0, -1, -1, retractions=retractions)
