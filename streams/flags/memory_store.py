"""Flag store without Redis, for tests and simulations: a thin shell over the client's in-memory server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from hushtag_client.memory import MemoryServer
from hushtag_client.registers import Register, RegisterError, decode, encode
from hushtag_client.wire import PollState

from streams.errors import FlagStoreUnavailable
from streams.flags.store import Applied, chunks


class MemoryFlagStore:
    """`FlagStore` in memory, documented there. Its `server` simulates failures: away, flushall, restart."""

    def __init__(self, server: MemoryServer | None = None, *, partitions: int = 8) -> None:
        self.server = server or MemoryServer()
        self._partitions = partitions

    async def apply(self, partition: str, registers: Sequence[Register], *, after: int = 0, upto: int = 0) -> Applied:
        """Write chunk by chunk; stop at the first refused chunk."""
        done = Applied()
        for chunk, last in chunks(registers):
            with _reachable():
                done += _applied(self.server.put(partition, _items(chunk), after=after, upto=upto if last else 0))
            if done.refused:
                break
        return done

    async def reconcile(self, partition: str, registers: Sequence[Register], *, upto: int = 0) -> Applied:
        """Write all registers under one incarnation of the server, then open the partition."""
        done = Applied()
        with _reachable():
            incarnation = self.server.begin()
            for chunk, _ in chunks(registers):
                done += Applied(foreign=self.server.foreign(partition, _items(chunk), upto))
                done += _applied(self.server.put_back(incarnation, _items(chunk)))
                if done.refused:
                    return done
            return done + Applied(refused=not self.server.finish(partition, incarnation, upto))

    async def needing_reconcile(self, partitions: Mapping[str, int]) -> list[str]:
        """List the partitions whose sentinel refuses a write after the given offset."""
        with _reachable():
            return self.server.closed(partitions)

    async def written_offset(self, partition: str) -> int:
        """Return the offset before which the partition was written; 0: never."""
        with _reachable():
            return self.server.remembered(partition)

    async def heartbeat(
        self,
        settled_ms: Mapping[int, int],
        at_ms: int,
        renewed_ms: Mapping[int, int] | None = None,
        surfaces: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        """Write the settled watermark of each shard, and the time of writing."""
        with _reachable():
            self.server.beat(settled_ms, at_ms, self._partitions, renewed_ms, surfaces)

    async def sweep(self, now_ms: int, report: Callable[[str, str], None] | None = None) -> int:
        """Delete registers past their `keep_until_ms`; return their number."""
        with _reachable():
            gone = self.server.sweep(now_ms, self._partitions)
        for field, value in self.server.registers.items():
            with suppress(RegisterError):
                if report:
                    report(field, decode(value).version)
        return gone

    async def check_server(self) -> None:
        """See `FlagStore.check_server`; only an absent server is an error."""
        with _reachable():
            self.server.answer(PollState())

    async def close(self) -> None:
        """Do nothing: a memory store has no connections."""


def _items(registers: Sequence[Register]) -> list[tuple[str, bytes]]:
    return [(register.field, encode(register)) for register in registers]


def _applied(result: tuple[int, int] | None) -> Applied:
    return Applied(refused=True) if result is None else Applied(*result)


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise FlagStoreUnavailable(str(error)) from error
