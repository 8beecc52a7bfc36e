"""The backlog of this worker: known log ends, the work left per partition, and readiness.

A log's end is known from three sources: the consumer's last fetch, the producer's last acknowledgement, and the query
for idle sources. So a consumer that stops fetching cannot hide a backlog. Only the query counts for `tweets`, since
other producers may write it in transactions, and their markers are no work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from faust.exceptions import ConsumerNotStarted
from faust.types.tuples import TP

from streams.pipeline.stages import PartitionState
from streams.pipeline.watchdog import Work

KnownEnd = Callable[[TP], int | None]
"""Returns the known end of a partition's log; None while unknown."""
_NAMED_AT_MOST = 4


def work_of(partitions: Mapping[TP, PartitionState], ends: list[KnownEnd]) -> dict[str, Work]:
    """Return the position and the known end of each partition, by `topic[partition]`.

    A partition that is still recovering is left out: recovery has its own deadlines. Any thread may call this.
    """
    work: dict[str, Work] = {}
    for tp, partition in partitions.items():
        position = partition.position
        known_ends = [end for end in (ask(tp) for ask in ends) if end is not None]
        if position is not None and known_ends:
            work[f"{tp.topic}[{tp.partition}]"] = Work(position, max(known_ends))
    return work


def fetched_end(consumer: Callable[[], object], *, except_topic: str) -> KnownEnd:
    """Return a source of ends from the consumer's last fetch.

    Args:
        consumer: returns Faust's consumer.
        except_topic: the topic whose ends stay unknown.
    """

    def end(tp: TP) -> int | None:
        if tp.topic == except_topic:
            return None
        try:
            end: int | None = consumer().highwater(tp)  # type: ignore[attr-defined]
        except (AssertionError, ConsumerNotStarted, KeyError):
            return None
        return end

    return end


class Readiness:
    """Whether every partition has been processed to the end that its log had at assignment.

    Later records do not count: otherwise a busy log would never be ready, and a rolling restart would stop at a worker
    that only falls behind. The health server's thread calls it.
    """

    def __init__(self) -> None:
        self._ends: dict[TP, tuple[PartitionState, int]] = {}
        """The state of each partition and the end to reach."""

    def missing(self, partitions: Mapping[TP, PartitionState], work: Mapping[str, Work]) -> str:
        """Return "" when all partitions have caught up, else a text that names those that have not."""
        missing: list[str] = []
        ends: dict[TP, tuple[PartitionState, int]] = {}
        for tp, partition in partitions.items():
            name = f"{tp.topic}[{tp.partition}]"
            current = work.get(name)
            if current is None:
                missing.append(name)
                continue
            before = self._ends.get(tp)
            ends[tp] = before if before is not None and before[0] is partition else (partition, current.end)
            if current.position < ends[tp][1]:
                missing.append(f"{name} at {current.position} of {ends[tp][1]}")
        self._ends = ends
        more = f" and {len(missing) - _NAMED_AT_MOST} more" if len(missing) > _NAMED_AT_MOST else ""
        return f"{', '.join(missing[:_NAMED_AT_MOST])}{more}: catching up" if missing else ""
