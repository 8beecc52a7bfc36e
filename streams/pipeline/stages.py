"""The partitions assigned to this worker: one stage per topic, one state object per partition.

All state of a partition, unsent changes included, lives in one object. It is created at assignment and dropped whole at
revocation. After every await a stage checks that its object is still the current one before it moves a replay point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from faust.types.tuples import TP


class PartitionState(Protocol):
    """The state of one assigned partition."""

    replay_point: int | None
    """The offset that may be committed; None: nothing yet."""

    @property
    def position(self) -> int | None:
        """The offset up to which all records are processed; None while unknown."""

    @property
    def required_end(self) -> int | None:
        """The end that the log must have at least, because this worker or the previous owner has read that far.

        None while unknown, or where the stage checks it itself.
        """

    @property
    def is_full(self) -> bool:
        """Whether fetching should pause. Batches that are already fetched are processed all the same."""

    def start_at(self, committed: int | None, first: int) -> int:
        """Return the offset to read from. The transport asks again when it repeats the seek of one assignment."""

    async def process(self, batch: Sequence[Any]) -> None:
        """Process records in offset order. Some of them may have been processed before."""

    def drop(self) -> None:
        """Stop at once and send nothing more: the partition is revoked."""


class Stage(Protocol):
    """One step of the pipeline, over one topic."""

    topic: str

    def partition(self, number: int) -> PartitionState:
        """Create the state of a partition that has just been assigned."""

    async def run(self) -> None:
        """Do the timed work until cancelled."""


class Assignments:
    """The stages and their assigned partitions; implements `streams.pipeline.transport.PartitionHooks`."""

    def __init__(self, stages: Iterable[Stage], options: Callable[[], Mapping[str, Any]]) -> None:
        self.stages = list(stages)
        self.consumer_options = options
        self._by_topic = {stage.topic: stage for stage in self.stages}
        self._partitions: dict[TP, PartitionState] = {}
        self.too_far_ahead: Callable[[], frozenset[TP]] = frozenset
        """Returns the partitions not to read now; the ingest stage replaces it."""
        self.topic_ids: dict[str, str] = {}
        """Ids of the topics whose offsets are worthless once the topic is created again, by name."""
        self.note_recreated: Callable[[TP], None] = lambda tp: None
        """Called when the committed offset of a partition belongs to an older topic of the same name."""
        self.paused: frozenset[TP] = frozenset()
        """The result of `too_far_ahead()` at the last fetch. Any thread may read it."""

    def add(self, stage: Stage) -> None:
        """Add a stage before anything is assigned."""
        self.stages.append(stage)
        self._by_topic[stage.topic] = stage

    def revoked(self) -> None:
        """Drop the state of every partition."""
        dropped, self._partitions = self._partitions, {}
        for partition in dropped.values():
            partition.drop()

    def assigned(self, tps: Iterable[TP]) -> None:
        """Create a new state for every partition."""
        self.revoked()
        for tp in tps:
            stage = self._by_topic.get(tp.topic)
            if stage is not None:
                self._partitions[tp] = stage.partition(tp.partition)

    def start_at(self, tp: TP, committed: int | None, first: int, note: str = "") -> int:
        """Return the offset to read a partition from.

        Args:
            tp: the partition.
            committed: the committed offset; None without one.
            first: the first offset of its log.
            note: the note that was committed with the offset; "" if none was.
        """
        if note and note != self.commit_note(tp):
            self.note_recreated(tp)
            committed = None
        partition = self._partitions.get(tp)
        return partition.start_at(committed, first) if partition else max(committed or 0, first)

    def commit_note(self, tp: TP) -> str:
        """Return the note to commit with an offset: the topic's id, where it matters."""
        return self.topic_ids.get(tp.topic, "")

    def reads_columns(self, topic: str) -> bool:
        """Return whether the stage of a topic takes `RecordColumns` instead of a list of records."""
        return getattr(self._by_topic.get(topic), "reads_columns", False)

    def replay_points(self) -> Mapping[TP, int]:
        """Return the offsets that may be committed."""
        return {
            tp: partition.replay_point
            for tp, partition in self._partitions.items()
            if partition.replay_point is not None
        }

    def get(self, tp: TP) -> PartitionState | None:
        """Return the current state of a partition."""
        return self._partitions.get(tp)

    def fetchable(self, active: Iterable[TP]) -> set[TP]:
        """Return the partitions to fetch from. One fetch serves all, so a waiting partition would block the others."""
        self.paused = self.too_far_ahead()
        return {
            tp
            for tp in set(active) - self.paused
            if (partition := self._partitions.get(tp)) is None or not partition.is_full
        }

    def unpaused(self) -> Mapping[TP, PartitionState]:
        """Return the assigned partitions that are not paused: their positions should move."""
        paused = self.paused
        return {tp: partition for tp, partition in self.owned().items() if tp not in paused}

    def required_ends(self) -> Mapping[TP, int]:
        """Return the end that each assigned log must have at least, where it is known."""
        return {tp: end for tp, partition in self.owned().items() if (end := partition.required_end) is not None}

    def owned(self) -> Mapping[TP, PartitionState]:
        """Return all assigned partitions."""
        return dict(self._partitions)

    def owned_by(self, stage: Stage) -> dict[int, PartitionState]:
        """Return the assigned partitions of one stage, by number."""
        return {tp.partition: partition for tp, partition in self._partitions.items() if tp.topic == stage.topic}
