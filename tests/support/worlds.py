"""Store, readers and failures for contract tests: in memory, on Valkey, and on redis-server."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import redis
from hushtag_client import Answers, AsyncFlagsClient, FlagsClient, MemoryFlagsClient, MemoryServer, Register, keys
from hushtag_client.registers import decode

from devkit.stack.valkey_server import ValkeyServer
from streams.flags.memory_store import MemoryFlagStore
from streams.flags.redis_store import RedisFlagStore
from streams.flags.store import FlagStore
from tests.support.redis_topologies import ServerCluster

T = TypeVar("T")
PARTITIONS = 2
NOW_MS = 1_800_000_000_000
"""Initial time of the readers' clock."""


class ManualClock:
    """Manual wall clock of the readers."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


class StoreWorld(ABC):
    """Server with a store and readers. Calls block; asyncio code runs in the loop of a thread."""

    store: FlagStore

    def __init__(self) -> None:
        self.clock = ManualClock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._closing: list[Callable[[], Any]] = []

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(90)

    def open(self, registers: Sequence[Register] = (), settled_ms: int | None = None) -> None:
        """Reconcile all partitions (registers by partition 0 and moderation), and write all heartbeats."""
        for partition in (*map(str, range(PARTITIONS)), keys.MODERATION):
            mine = [r for r in registers if partition == (keys.MODERATION if r.by_people else "0")]
            assert not self.run(self.store.reconcile(partition, mine)).refused
        self.beat(self.clock.now_ms if settled_ms is None else settled_ms)

    def beat(self, settled_ms: int) -> None:
        self.run(self.store.heartbeat(dict.fromkeys(range(PARTITIONS), settled_ms), settled_ms))

    def reader(self, kind: str = "threaded", **options: Any) -> Answers:
        """Start a client on the world's clock; it is up to date at once if the server is available."""
        options = {"clock": self.clock} | options
        reader, close = self._reader(kind, options)
        self._closing.append(close)
        return reader

    def close(self) -> None:
        for close in reversed(self._closing):
            close()
        self.run(self.store.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @abstractmethod
    def _reader(self, kind: str, options: dict[str, Any]) -> tuple[Answers, Callable[[], Any]]: ...
    @abstractmethod
    def registers(self) -> dict[str, Register]: ...
    @abstractmethod
    def stream(self) -> list[tuple[int, str, str]]:
        """List (seq, incarnation, field) of each entry of the change stream."""

    @abstractmethod
    def sentinel(self, partition: str) -> str | None:
        """Read the sentinel, `<run id> <offset>`."""

    @abstractmethod
    def run_id(self) -> str: ...
    @abstractmethod
    def flushall(self) -> None: ...
    @abstractmethod
    def restart(self, *, with_data: bool) -> None: ...
    @abstractmethod
    def stop(self) -> None: ...
    @abstractmethod
    def forget_changes(self) -> None:
        """Delete the whole change stream, as if it was trimmed while a reader slept."""

    @abstractmethod
    def before_finish(self, happens: Callable[[], None]) -> None:
        """Run a callback once between the last register of a reconcile and its end."""


class MemoryWorld(StoreWorld):
    def __init__(self) -> None:
        super().__init__()
        self.server = MemoryServer()
        self.store = MemoryFlagStore(self.server, partitions=PARTITIONS)

    def _reader(self, kind: str, options: dict[str, Any]) -> tuple[Answers, Callable[[], Any]]:
        reader = MemoryFlagsClient(self.server, **options)
        reader.catch_up()
        return reader, lambda: None

    def registers(self) -> dict[str, Register]:
        return {field: decode(value) for field, value in self.server.registers.items()}

    def stream(self) -> list[tuple[int, str, str]]:
        return [(change.seq, change.incarnation, change.field) for change in self.server.changes]

    def sentinel(self, partition: str) -> str | None:
        found = self.server.sentinels.get(partition)
        return f"{found[0]} {found[1]}" if found else None

    def run_id(self) -> str:
        return self.server.run_id

    def flushall(self) -> None:
        self.server.flushall()

    def restart(self, *, with_data: bool) -> None:
        self.server.restart(with_data=with_data)
        self.server.away = False

    def stop(self) -> None:
        self.server.away = True

    def forget_changes(self) -> None:
        self.server.changes.clear()

    def before_finish(self, happens: Callable[[], None]) -> None:
        finish = self.server.finish

        def once(*asked: Any) -> bool:
            self.server.finish = finish  # type: ignore[method-assign]
            happens()
            return finish(*asked)

        self.server.finish = once  # type: ignore[method-assign]


class ServerWorld(StoreWorld):
    """World on a real server. `url` is what the store and the readers use, such as that of the server's Sentinels."""

    def __init__(self, server: ValkeyServer, *, url: str = "") -> None:
        super().__init__()
        self.server = server
        self.url = url or server.url
        if not server.running:
            server.start()
        server.flush()
        self.redis: Any = redis.Redis.from_url(server.url, protocol=2)
        self.store = RedisFlagStore(self.url, partitions=PARTITIONS)
        self._closing.append(self.redis.close)

    def _reader(self, kind: str, options: dict[str, Any]) -> tuple[Answers, Callable[[], Any]]:
        if kind == "threaded":
            threaded = FlagsClient(self.url, **options).start()
            threaded.wait_until_ready(60 if self.server.running else 0)
            return threaded, threaded.close
        client = AsyncFlagsClient(self.url, **options)

        async def start() -> None:
            await client.start()
            await client.wait_until_ready(60 if self.server.running else 0.01)

        self.run(start())
        return client, lambda: self.run(client.close())

    def registers(self) -> dict[str, Register]:
        return {keys.field_text(f): decode(v) for f, v in self.redis.hgetall(keys.REGISTERS).items()}

    def stream(self) -> list[tuple[int, str, str]]:
        entries = self.redis.xrange(keys.CHANGES)
        return [(int(e[b"seq"]), e[b"incarnation"].decode(), keys.field_text(e[b"field"])) for _, e in entries]

    def sentinel(self, partition: str) -> str | None:
        found = self.redis.get(keys.sentinel(partition))
        return found.decode() if found is not None else None

    def run_id(self) -> str:
        return str(self.redis.info("server")["run_id"])

    def flushall(self) -> None:
        self.redis.flushall()

    def restart(self, *, with_data: bool) -> None:
        self.server.stop()
        if not with_data:
            shutil.rmtree(self.server.data_dir / "appendonlydir", ignore_errors=True)
        self.server.start()

    def stop(self) -> None:
        self.server.kill()

    def forget_changes(self) -> None:
        self.redis.xtrim(keys.CHANGES, maxlen=0, approximate=False)

    def before_finish(self, happens: Callable[[], None]) -> None:
        store: Any = self.store
        finish = store._finish

        async def once(**asked: Any) -> Any:
            store._finish = finish
            happens()
            return await finish(**asked)

        store._finish = once


class FlagClusterWorld(ServerWorld):
    """World on the node of a cluster that owns all slots; a started node serves after two seconds."""

    def __init__(self, cluster: ServerCluster) -> None:
        super().__init__(cluster.nodes[0], url=cluster.url)
        self._cluster = cluster

    def restart(self, *, with_data: bool) -> None:
        super().restart(with_data=with_data)
        self._cluster.wait_until_agreed()


def eventually(true: Callable[[], object], *, timeout_seconds: float = 60.0) -> None:
    """Wait for a condition that a reader's thread fulfils; fail after a timeout."""
    deadline = time.monotonic() + timeout_seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def version(number: int) -> str:
    return f"0000.{number:019d}.{0:015d}"


def register(hashtag: str = "sometag", number: int = 1, action: str = "suppress", **members: Any) -> Register:
    """Make a register with defaults for other fields; it expires an hour from the worlds' now."""
    source = members.get("source", "automated")
    filled: dict[str, Any] = {
        "surface": "trends",
        "expires_at_ms": NOW_MS + 3_600_000 if source == "automated" else 0,
        "display": hashtag,
    }
    return Register(version=version(number), action=action, hashtag=hashtag, **(filled | members))  # type: ignore[arg-type]
