"""Ready means caught up: every partition has been worked off to the end that its log had when it came to us.

What is written meanwhile does not count, or a busy log would never be done; nor does what comes later: a worker that
falls behind is still the one to leave alone in a rolling restart.
"""

from __future__ import annotations

from collections.abc import Mapping

from faust.types.tuples import TP

from streams.pipeline.stages import Partition
from streams.pipeline.watchdog import Work

_NAMED = 4


class CaughtUp:
    """Remembers for every assigned partition the end to reach. Asked from the health server's threads."""

    def __init__(self) -> None:
        self._ends: dict[TP, tuple[Partition, int]] = {}

    def behind(self, partitions: Mapping[TP, Partition], work: Mapping[str, Work]) -> str:
        """ "" when all have caught up, else which have not, in words."""
        missing: list[str] = []
        ends: dict[TP, tuple[Partition, int]] = {}
        for tp, partition in partitions.items():
            name = f"{tp.topic}[{tp.partition}]"
            known = work.get(name)
            if known is None:
                missing.append(name)
                continue
            before = self._ends.get(tp)
            ends[tp] = before if before is not None and before[0] is partition else (partition, known.end)
            if known.position < ends[tp][1]:
                missing.append(f"{name} at {known.position} of {ends[tp][1]}")
        self._ends = ends
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        return f"{', '.join(missing[:_NAMED])}{more}: catching up" if missing else ""
