"""The store without Redis, for tests and simulations: a thin shell over the client's in-memory server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from hushtag_client.memory import MemoryServer
from hushtag_client.registers import Register, encode
from hushtag_client.wire import Poll

from streams.errors import FlagStoreUnavailable
from streams.flags.store import Applied, chunks


class MemoryFlagStore:
    """A `FlagStore` in memory. Failures are asked of its `server`: away, flushall, restart."""

    def __init__(self, server: MemoryServer | None = None, *, partitions: int = 8) -> None:
        self.server = server or MemoryServer()
        self._partitions = partitions

    async def apply(self, partition: str, registers: Sequence[Register], *, after: int = 0, upto: int = 0) -> Applied:
        """See `FlagStore.apply`."""
        done = Applied()
        for chunk, last in chunks(registers):
            with _reachable():
                done += _applied(self.server.put(partition, _items(chunk), after=after, upto=upto if last else 0))
            if done.refused:
                break
        return done

    async def reconcile(self, partition: str, registers: Sequence[Register], *, upto: int = 0) -> Applied:
        """See `FlagStore.reconcile`."""
        done = Applied()
        with _reachable():
            incarnation = self.server.begin()
            for chunk, _ in chunks(registers):
                done += _applied(self.server.put_back(incarnation, _items(chunk)))
                if done.refused:
                    return done
            return done + Applied(refused=not self.server.finish(partition, incarnation, upto))

    async def closed(self, partitions: Mapping[str, int]) -> list[str]:
        """See `FlagStore.closed`."""
        with _reachable():
            return self.server.closed(partitions)

    async def remembered(self, partition: str) -> int:
        """See `FlagStore.remembered`."""
        with _reachable():
            return self.server.remembered(partition)

    async def heartbeat(self, settled_ms: Mapping[int, int], at_ms: int) -> None:
        """See `FlagStore.heartbeat`."""
        with _reachable():
            self.server.beat(settled_ms, at_ms, self._partitions)

    async def sweep(self, now_ms: int) -> int:
        """See `FlagStore.sweep`."""
        with _reachable():
            return self.server.sweep(now_ms, self._partitions)

    async def check_server(self) -> None:
        """Memory loses nothing on its own; only its absence is an error."""
        with _reachable():
            self.server.answer(Poll())

    async def close(self) -> None:
        """Nothing to let go of."""


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
