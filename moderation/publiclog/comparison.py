"""Compare the audit log with its source topics, record by record. Pure, and independent of the log's format.

A signed checkpoint shows that the log is unchanged since. It cannot show that an entry was true when it was written: a
program with write access can append entries while no writer runs. The source topics can, as long as they hold the
records.

Give the log to `add` in its order, then each partition's records to `apply`, then call `finish`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from moderation.publiclog.erasures import ERASED_NOTE
from moderation.publiclog.inputs import AuditInput, SourcePosition, begins_incarnation, content_digest
from moderation.publiclog.logged_entries import LoggedEntries, LoggedEntry
from moderation.publiclog.sources import CHECKPOINT_NOTE, SOURCES, loss_of
from streams.log.topic_specs import DECISIONS, SPEC_BY_NAME

DifferenceKind = Literal["missing", "altered", "added"]


@dataclass(frozen=True, slots=True)
class SourceDifference:
    """One record that the log and its source do not share."""

    kind: DifferenceKind
    """missing: only the source has it; altered: both have it, and they differ; added: only the log has it."""
    topic: str
    partition: int
    offset: int
    entry: int
    """Number of the entry; of a missing record, of the entry that passes over it."""
    detail: str

    def __str__(self) -> str:
        where = f"{self.topic}[{self.partition}] offset {self.offset}"
        return f"{self.kind}: {where}, entry {self.entry}: {self.detail}"


class PartitionComparison:
    """Comparison of one source partition. Offsets below `start` are not compared.

    Args:
        topic: name of the topic without the prefix.
        partition: its number.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.start = 0
        self.compared = 0
        """Entries whose source record exists and is equal."""
        self.gone = 0
        """Entries whose source record does not exist any more."""
        self.first_gone: int | None = None
        """Number of the first such entry."""
        self.waiting = 0
        """Records after the last entry, which the log does not hold yet."""
        self.erased: set[int] = set()
        """Offsets of entries whose records were erased from the log."""
        self.differences: list[SourceDifference] = []
        self._topic, self._partition = topic, partition
        self._logged = LoggedEntries()
        self._next = 0
        self._begin = self._end = 0

    @property
    def end(self) -> int:
        """Offset after the last entry."""
        return self._logged[-1].offset + 1 if self._logged else self.start

    def add(self, number: int, source_record: AuditInput) -> None:
        """Add an entry of the log."""
        logged = LoggedEntry(number, source_record.source.offset, content_digest(source_record), source_record.note)
        if logged.offset < self.end:
            self._differ("added", logged, "the log has this offset already")
        else:
            self._logged.append(logged)

    def add_erased(self, number: int, offset: int) -> None:
        """Add an entry whose record was erased, so that it cannot be compared."""
        self.erased.add(offset)
        self._lose(number)

    def begin_again(self) -> PartitionComparison:
        """Return the comparison of a topic created again under this name; the entries so far cannot be compared."""
        again = PartitionComparison(self._topic, self._partition)
        again.gone, again.first_gone, again.differences = self.gone, self.first_gone, self.differences
        for logged in self._logged:
            again._lose(logged.number)
        return again

    def set_bounds(self, begin: int, end: int) -> None:
        """Set the offsets that the source holds, [begin, end), read after the log."""
        self._begin, self._end = begin, end

    def apply(self, offset: int, record: AuditInput | None) -> None:
        """Compare the next record of the source; None for one that the log leaves out."""
        while self._next < len(self._logged) and self._logged[self._next].offset < offset:
            self._without_record(self._logged[self._next])
            self._next += 1
        if self._next == len(self._logged):
            self.waiting += record is not None
            return
        logged = self._logged[self._next]
        if logged.offset == offset:
            self._with_record(logged, record)
            self._next += 1
        elif record is not None:
            self._miss(offset, logged)

    def finish(self) -> None:
        """Compare the entries after the last record of the source."""
        for at in range(self._next, len(self._logged)):
            self._without_record(self._logged[at])
        self._next = len(self._logged)

    def _with_record(self, logged: LoggedEntry, record: AuditInput | None) -> None:
        if loss_of(logged.note):
            self._differ("altered", logged, "the note reports it as lost, and the topic holds it")
        elif logged.note == CHECKPOINT_NOTE:
            if record is None:
                self.compared += 1
            else:
                self._miss(logged.offset, logged)
        elif logged.note == ERASED_NOTE:
            if logged.offset in self.erased:
                self.compared += 1
            else:
                self._differ("altered", logged, "the note reports it as erased, and no erasure was ordered")
        elif record is None:
            self._differ("added", logged, "the record is of a kind that the log leaves out")
        elif logged.digest == content_digest(record):
            self.compared += 1
        else:
            self._differ("altered", logged, "its content differs from the record")

    def _without_record(self, logged: LoggedEntry) -> None:
        lost = loss_of(logged.note)
        if self._end < self.start:  # the topic was created again, for example after a restore
            self._lose(logged.number)
        elif logged.offset >= self._end:
            self._differ("added", logged, f"the topic ends at {self._end}")
        elif lost is not None and lost[1] == logged.offset:
            self.compared += 1
        elif logged.offset >= self._begin and SPEC_BY_NAME[self._topic].keep != "compacted":
            self._differ("added", logged, "the topic has no record there")
        else:
            self._lose(logged.number)

    def _lose(self, number: int) -> None:
        self.gone += 1
        self.first_gone = number if self.first_gone is None else min(number, self.first_gone)

    def _miss(self, offset: int, logged: LoggedEntry) -> None:
        if offset in self.erased:
            return
        detail = "the topic holds it, and the log passes over it"
        self.differences.append(
            SourceDifference("missing", self._topic, self._partition, offset, logged.number, detail)
        )

    def _differ(self, kind: DifferenceKind, logged: LoggedEntry, detail: str) -> None:
        self.differences.append(
            SourceDifference(kind, self._topic, self._partition, logged.offset, logged.number, detail)
        )


class SourceComparison:
    """Comparison of all source partitions."""

    def __init__(self) -> None:
        self._partitions: dict[tuple[str, int], PartitionComparison] = {}
        self._unknown: list[SourceDifference] = []

    def of(self, topic: str, partition: int) -> PartitionComparison:
        """Return the comparison of one partition."""
        key = topic, partition
        if key not in self._partitions:
            self._partitions[key] = PartitionComparison(topic, partition)
        return self._partitions[key]

    def add(self, number: int, source_record: AuditInput) -> None:
        """Add the next entry of the log."""
        source = source_record.source
        if source.topic in SOURCES:
            self.of(source.topic, source.partition).add(number, source_record)
            self._begin_again(source_record)
        else:
            detail = "it is not a source of the log"
            self._unknown.append(
                SourceDifference("added", source.topic[:80], source.partition, source.offset, number, detail)
            )

    def add_erased(self, number: int, source: SourcePosition) -> None:
        """Add the next entry, whose record was erased."""
        if source.topic in SOURCES:
            self.of(source.topic, source.partition).add_erased(number, source.offset)

    def begin_decisions_again(self) -> None:
        """Compare no earlier decision: a record that the log lacks yet states that their topic was created again."""
        self._partitions = {at: of.begin_again() if at[0] == DECISIONS else of for at, of in self._partitions.items()}

    def erase(self, topic: str, partition: int, offset: int) -> None:
        """Accept that the log passes over a record: its erasure was ordered."""
        if topic in SOURCES:
            self.of(topic, partition).erased.add(offset)

    def start_at(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Begin the comparison of each partition at a position.

        Args:
            positions: first offset to compare, by (source topic, partition).
        """
        for (topic, partition), offset in positions.items():
            self.of(topic, partition).start = offset

    def skip(self, source_record: AuditInput) -> None:
        """Begin the comparison of its partition after an entry."""
        if source_record.source.topic in SOURCES:
            self.of(source_record.source.topic, source_record.source.partition).start = source_record.source.offset + 1
            self._begin_again(source_record)

    def _begin_again(self, source_record: AuditInput) -> None:
        """Drop earlier decisions after the record of a new incarnation: their topic is gone."""
        if begins_incarnation(source_record.source.topic, source_record.key):
            self._partitions = {at: of for at, of in self._partitions.items() if at[0] != DECISIONS}

    def partitions(self, topic: str) -> Iterator[tuple[int, PartitionComparison]]:
        """Iterate over the partitions of a topic in the log."""
        for (name, partition), comparison in self._partitions.items():
            if name == topic:
                yield partition, comparison

    @property
    def differences(self) -> list[SourceDifference]:
        """All differences, in the order of the log."""
        differences = [difference for comparison in self._partitions.values() for difference in comparison.differences]
        return sorted([*self._unknown, *differences], key=lambda difference: (difference.entry, difference.offset))

    @property
    def compared(self) -> int:
        """Entries that equal their source."""
        return sum(partition.compared for partition in self._partitions.values())

    @property
    def gone(self) -> int:
        """Entries whose source records do not exist any more."""
        return sum(partition.gone for partition in self._partitions.values())

    @property
    def waiting(self) -> int:
        """Source records that the log does not hold yet."""
        return sum(partition.waiting for partition in self._partitions.values())

    @property
    def first_gone(self) -> int | None:
        """Number of the first entry whose source record does not exist any more."""
        return min(
            (partition.first_gone for partition in self._partitions.values() if partition.first_gone is not None),
            default=None,
        )
