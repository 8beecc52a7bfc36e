"""What is assigned to this worker: for each topic a stage, for each of its partitions one state object.

All state of a partition lives in one object, made at assignment and dropped whole at revocation, unsent changes
included. After every await a stage checks that its object is still the current one before it touches a replay point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from faust.types.tuples import TP


class Partition(Protocol):
    """The state of one partition."""

    replay_point: int | None
    """What may be committed; None: nothing yet."""

    @property
    def position(self) -> int | None:
        """Up to where it has been worked off; None while that is not known yet."""

    @property
    def reached(self) -> int | None:
        """Up to where the log was read, by us or a predecessor, and so must be there; None while that is not known, or
        where somebody else looks after it."""

    @property
    def full(self) -> bool:
        """Whether no more should be fetched for now. What is on its way then is taken all the same."""

    def start(self, committed: int | None, first: int) -> int:
        """Where to begin reading. Called again if the same assignment must be sought again."""

    async def take(self, batch: Sequence[Any]) -> None:
        """Records in offset order; some may have been taken before."""

    def drop(self) -> None:
        """The partition is not ours any more: stop at once, send nothing more."""


class Stage(Protocol):
    """One step of the pipeline, over one topic."""

    topic: str

    def partition(self, number: int) -> Partition:
        """The state of a partition that has just been assigned."""

    async def run(self) -> None:
        """Work beside the records (timers), until cancelled."""


class Assignments:
    """Implements what the transport asks (`streams.pipeline.transport.Stages`)."""

    def __init__(self, stages: Iterable[Stage], options: Callable[[], Mapping[str, Any]]) -> None:
        self.stages = list(stages)
        self.consumer_options = options
        self._by_topic = {stage.topic: stage for stage in self.stages}
        self._partitions: dict[TP, Partition] = {}
        self.ahead: Callable[[], frozenset[TP]] = frozenset
        """What is not to be read now; set by whoever knows."""
        self.held: frozenset[TP] = frozenset()
        """`ahead()` at the last fetch: any thread may look."""

    def add(self, stage: Stage) -> None:
        """One more stage, before anything is assigned."""
        self.stages.append(stage)
        self._by_topic[stage.topic] = stage

    def revoked(self) -> None:
        """Drop everything."""
        dropped, self._partitions = self._partitions, {}
        for partition in dropped.values():
            partition.drop()

    def assigned(self, tps: Iterable[TP]) -> None:
        """Make a new state for every partition."""
        self.revoked()
        for tp in tps:
            stage = self._by_topic.get(tp.topic)
            if stage is not None:
                self._partitions[tp] = stage.partition(tp.partition)

    def start(self, tp: TP, committed: int | None, first: int) -> int:
        """Where to begin reading a partition."""
        partition = self._partitions.get(tp)
        return partition.start(committed, first) if partition else max(committed or 0, first)

    def replay_points(self) -> Mapping[TP, int]:
        """What may be committed."""
        return {tp: one.replay_point for tp, one in self._partitions.items() if one.replay_point is not None}

    def get(self, tp: TP) -> Partition | None:
        """The current state of a partition."""
        return self._partitions.get(tp)

    def hold_back(self, active: Iterable[TP]) -> set[TP]:
        """Which partitions to fetch of: all are fetched together, and one that waits would hold up the others."""
        self.held = self.ahead()
        return {tp for tp in set(active) - self.held if (one := self._partitions.get(tp)) is None or not one.full}

    def not_held(self) -> Mapping[TP, Partition]:
        """Everything that is ours and may be read: what ought to move."""
        held = self.held
        return {tp: one for tp, one in self.of_all().items() if tp not in held}

    def reached(self) -> Mapping[TP, int]:
        """How long the logs of what is ours were already."""
        return {tp: reached for tp, one in self.of_all().items() if (reached := one.reached) is not None}

    def of_all(self) -> Mapping[TP, Partition]:
        """Everything that is ours."""
        return dict(self._partitions)

    def of(self, stage: Stage) -> dict[int, Partition]:
        """The partitions of one stage that are ours."""
        return {tp.partition: one for tp, one in self._partitions.items() if tp.topic == stage.topic}
