"""Where publish writes flags: a small protocol, so that a memory twin and Redis can stand in for one another.

Every write is a compare-and-set: a register goes in only if its version is strictly newer than what stands, so writes
may repeat, come late or come from a worker that should be dead. After a loss on the server (FLUSHALL, a restart, a
failover) ordinary writes of a partition are refused until `reconcile` has put all its registers back: else a late
write could stand where a newer one was lost. So are writes that follow on more of the log than was put back: one who
lost the partition and does not know yet may mend a loss with the little that it has read, and the rightful one notices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hushtag_client.registers import Register

CHUNK = 500
"""Registers written by one atomic step: a few milliseconds of the server's time."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a write."""

    applied: int = 0
    """Registers that were newer and went in."""
    stale: int = 0
    """Registers that were not newer than what stood; nothing is wrong with that."""
    refused: bool = False
    """Whether the server asked for a reconcile of the partition first; what was not applied by then was not written."""

    def __add__(self, other: Applied) -> Applied:
        return Applied(self.applied + other.applied, self.stale + other.stale, self.refused or other.refused)


class FlagStore(Protocol):
    """Redis as publish sees it. A partition is "0", "1", … (of the decisions topic) or "moderation".

    Every method raises FlagStoreUnavailable where the server cannot be reached or does not take writes; it may then
    have done a part of its work, and doing it again is harmless.
    """

    async def apply(self, partition: str, registers: Sequence[Register], *, after: int = 0, upto: int = 0) -> Applied:
        """Write registers that are strictly newer; refused where the partition must be reconciled first.

        They are what the partition's log changes from offset `after` on, and before `upto`. Refused, too, if the server
        does not hold everything before `after`.
        """
        ...

    async def reconcile(self, partition: str, registers: Sequence[Register], *, upto: int = 0) -> Applied:
        """Put back all registers of a partition's fold, cleared ones too, and open the partition for `apply`.

        The fold has read the log before offset `upto`. Refused if the server lost its data or was replaced meanwhile:
        do it again.
        """
        ...

    async def closed(self, partitions: Mapping[str, int]) -> list[str]:
        """Which partitions would refuse an `apply` after this offset: asked often, a loss is mended soon."""
        ...

    async def remembered(self, partition: str) -> int:
        """Before which offset of its log a partition was written, on this server or one whose data it has; 0: never."""
        ...

    async def heartbeat(self, settled_ms: Mapping[int, int], at_ms: int) -> None:
        """Say how far each shard of this worker has settled, by its settled watermark, and when this was written."""
        ...

    async def sweep(self, now_ms: int) -> int:
        """Forget registers past their `keep_until_ms`; how many."""
        ...

    async def check_server(self) -> None:
        """Refuse a server that could lose flags on its own.

        Raises:
            SettingsError: what is wrong with it, and the fix.
            FlagStoreUnavailable: it does not answer, or is a read replica now (a failover may be under way).
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def chunks(registers: Sequence[Register]) -> Iterator[tuple[Sequence[Register], bool]]:
    """Registers in the portions of one atomic step, and whether it is the last; an empty one where there are none."""
    for start in range(0, max(1, len(registers)), CHUNK):
        yield registers[start : start + CHUNK], start + CHUNK >= len(registers)
