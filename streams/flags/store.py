"""Protocol of the flag store, which Redis and an in-memory twin implement.

Every write is a compare-and-set: a register is stored only if its version is strictly newer than the stored one. So
writes may repeat, arrive late, or come from a worker that has lost its partition. After a loss on the server (FLUSHALL,
a restart, a failover), ordinary writes of a partition are refused until `reconcile` has put all its registers back.
Otherwise a late write could take effect where a newer one was lost. A write is also refused if it continues from a log
offset beyond the one that was reconciled. A worker that no longer owns the partition may reconcile with the little that
it has read; the owner notices by this refusal and reconciles again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hushtag_client.registers import Register

VERSION_FORM = re.compile(r"\d{4}\.\d{19}\.\d{15}")
"""Form of every version that hushtag writes, see `streams.log.decisions.version_of`."""
CHUNK = 500
"""Registers written by one atomic step, which takes a few milliseconds of the server's time."""


@dataclass(frozen=True, slots=True)
class Applied:
    """Result of a write."""

    applied: int = 0
    """Registers that were newer and are stored now."""
    stale: int = 0
    """Registers that were not newer than the stored ones; not an error."""
    refused: bool = False
    """Whether the partition must be reconciled first; the registers not counted as applied were not written."""
    foreign: tuple[tuple[str, str], ...] = ()
    """Field and version of registers that are newer than the partition's log, so that it cannot replace them."""

    def __add__(self, other: Applied) -> Applied:
        return Applied(
            self.applied + other.applied,
            self.stale + other.stale,
            self.refused or other.refused,
            self.foreign + other.foreign,
        )


class FlagStore(Protocol):
    """Flag store as the publish stage uses it. A partition is "0", "1", … (of the decisions topic) or "moderation".

    Every method raises FlagStoreUnavailable if the server cannot be reached or does not take writes. A part of the work
    may be done by then; every method may be repeated.
    """

    async def apply(self, partition: str, registers: Sequence[Register], *, after: int = 0, upto: int = 0) -> Applied:
        """Write registers that are strictly newer; refuse if the partition must be reconciled first.

        Args:
            partition: name of the partition.
            registers: changes by the partition's log in the offsets [after, upto).
            after: the write is refused unless the server holds everything before this offset.
            upto: end of the range; the server records it as written.
        """
        ...

    async def reconcile(self, partition: str, registers: Sequence[Register], *, upto: int = 0) -> Applied:
        """Write all registers of a partition's fold, cleared ones too, and allow `apply` for the partition.

        The result is refused if the server lost its data or was replaced meanwhile; then repeat it. It names foreign
        registers, unless another worker has written more of the log.

        Args:
            partition: name of the partition.
            registers: all registers of the partition's fold.
            upto: end of the log that the fold has read, exclusive.
        """
        ...

    async def needing_reconcile(self, partitions: Mapping[str, int]) -> list[str]:
        """List the partitions that would refuse an `apply` after the given offset. Polled, to detect a loss soon."""
        ...

    async def written_offset(self, partition: str) -> int:
        """Return the log offset before which a partition was written, on this server or its predecessor; 0: never."""
        ...

    async def heartbeat(
        self,
        settled_ms: Mapping[int, int],
        at_ms: int,
        renewed_ms: Mapping[int, int] | None = None,
        surfaces: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        """Write the settled watermark of each shard of this worker, and the time of writing.

        Args:
            settled_ms: watermarks by shard.
            at_ms: present time.
            renewed_ms: for shards that have stopped at an unreadable record: when their judge last renewed its flags.
            surfaces: surfaces of the policy in force in each shard.
        """
        ...

    async def sweep(self, now_ms: int, report: Callable[[str, str], None] | None = None) -> int:
        """Delete registers past their `keep_until_ms`; return their number.

        Args:
            now_ms: present time.
            report: called with field and version of each register.
        """
        ...

    async def check_server(self) -> None:
        """Check that the server cannot lose flags by its own configuration.

        Raises:
            SettingsError: its version or configuration is unsafe.
            FlagStoreUnavailable: it does not answer, or is a read replica now (a failover may be under way).
        """
        ...

    async def close(self) -> None:
        """Close the connections to the server."""
        ...


def chunks(registers: Sequence[Register]) -> Iterator[tuple[Sequence[Register], bool]]:
    """Split registers into portions of one atomic step, each with whether it is the last; at least one portion."""
    for start in range(0, max(1, len(registers)), CHUNK):
        yield registers[start : start + CHUNK], start + CHUNK >= len(registers)
