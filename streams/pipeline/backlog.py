"""What is left to do, as far as this worker knows: for the watchdog, which asks from another thread.

An end is known from three sides: what the consumer was last told, what our own producer had acknowledged, and what
ingest asked the broker for. A consumer that fetches no more cannot hide a backlog from the other two. Of `tweets` only
ingest knows: others may write it in transactions, and their markers are no work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from faust.exceptions import ConsumerNotStarted
from faust.types.tuples import TP

from streams.pipeline.stages import Partition
from streams.pipeline.watchdog import Work

End = Callable[[TP], int | None]
"""Known end of a partition's log; None while nobody knows."""


def work_of(partitions: Mapping[TP, Partition], ends: list[End]) -> dict[str, Work]:
    """How far each partition is. One that still reads back is left out: that has deadlines of its own."""
    found: dict[str, Work] = {}
    for tp, partition in partitions.items():
        position = partition.position
        known = [end for end in (ask(tp) for ask in ends) if end is not None]
        if position is not None and known:
            found[f"{tp.topic}[{tp.partition}]"] = Work(position, max(known))
    return found


def told_by(consumer: Callable[[], object], *, besides: str) -> End:
    """What the consumer was last told; nothing while it has no such partition, and of the topic `besides`."""

    def end(tp: TP) -> int | None:
        if tp.topic == besides:
            return None
        try:
            known: int | None = consumer().highwater(tp)  # type: ignore[attr-defined]
        except (AssertionError, ConsumerNotStarted, KeyError):
            return None
        return known

    return end
