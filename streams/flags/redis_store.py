"""Flag store on Redis or Valkey. Atomic steps are Lua scripts (`lua/`); this module calls them in portions."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import redis.asyncio
from hushtag_client import keys
from hushtag_client.registers import Register, RegisterError, decode, encode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import AuthenticationError, OutOfMemoryError, ReadOnlyError, RedisError

from streams.errors import FlagStoreUnavailable, SettingsError
from streams.flags.store import CHUNK, Applied, chunks

_LUA = Path(__file__).with_name("lua")
_OLDEST_SERVER = 7
_CLOSED = "the handler is closed"
"""uvloop's error text for a connection reset during a write; asyncio raises ConnectionError."""


class RedisFlagStore:
    """`FlagStore` on a server of Redis 7 or Valkey, or newer.

    Args:
        redis_url: URL of the primary; a read replica takes no writes.
        partitions: partition count of the decisions topic, from which readers know how many shards must be alive.
        changes_kept: approximate length of the change stream; a reader further behind takes a new snapshot.
        timeout_seconds: time limit for one step.

    Raises:
        SettingsError: the URL cannot be used.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        partitions: int,
        changes_kept: int = keys.CHANGES_KEPT,
        timeout_seconds: float = 5.0,
    ) -> None:
        # One retry: the server may have closed an idle connection.
        self._redis = connect(redis_url, timeout_seconds=timeout_seconds, retries=1)
        self._where = _without_password(redis_url)
        self._partitions = partitions
        self._changes_kept = changes_kept
        self._put = self._script("put")
        self._begin = self._script("begin")
        self._finish = self._script("finish")
        self._beat = self._script("beat")
        self._sweep = self._script("sweep")

    async def apply(self, partition: str, registers: Sequence[Register], *, after: int = 0, upto: int = 0) -> Applied:
        """Write newer registers with `put.lua`, under the partition's sentinel."""
        with self._translated():
            return await self._put_all(partition, registers, life="", after=after, upto=upto)

    async def reconcile(self, partition: str, registers: Sequence[Register], *, upto: int = 0) -> Applied:
        """Write all registers under one incarnation of the server, then open the partition."""
        with self._translated():
            life = (await self._begin(keys=[keys.INCARNATION], args=[secrets.token_hex(8)])).decode()
            done = await self._put_all(partition, registers, life=life)
            if not done.refused:
                names = [keys.INCARNATION, keys.sentinel(partition), keys.RECONCILED]
                done += Applied(refused=not await self._finish(keys=names, args=[life, partition, upto]))
            return done

    async def needing_reconcile(self, partitions: Mapping[str, int]) -> list[str]:
        """Compare each sentinel with the run id and the given offset, read in one transaction."""
        with self._translated():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.info("server")
                pipe.mget([keys.sentinel(partition) for partition in partitions])
                server, sentinels = await pipe.execute()
        run_id = str(server["run_id"])
        return [
            partition
            for (partition, after), found in zip(partitions.items(), sentinels, strict=True)
            if _written(found, run_id) < after
        ]

    async def written_offset(self, partition: str) -> int:
        """Return the offset before which the partition was written; 0: never."""
        with self._translated():
            _, offset = _sentinel(await self._redis.get(keys.sentinel(partition)))
        return offset

    async def heartbeat(self, settled_ms: Mapping[int, int], at_ms: int) -> None:
        """Write the settled watermark of each shard, and the time of writing."""
        args: list[Any] = [secrets.token_hex(8), at_ms, self._partitions, keys.HEARTBEAT_GUARD_MS]
        for shard, settled in settled_ms.items():
            args += [shard, settled]
        with self._translated():
            await self._beat(keys=[keys.INCARNATION, keys.HEARTBEATS], args=args)

    async def sweep(self, now_ms: int) -> int:
        """Scan the registers and delete those past their `keep_until_ms`; return their number."""
        gone = cursor = 0
        with self._translated():
            while True:
                page: dict[bytes, bytes]
                cursor, page = cast(Any, await self._redis.hscan(keys.REGISTERS, cursor, count=CHUNK))
                over = [field for field, value in page.items() if _may_go(value, now_ms)]
                if over:
                    gone += await self._sweep(keys=[keys.REGISTERS], args=[now_ms, *over])
                if not cursor:
                    break
            shards = await self._redis.hkeys(keys.HEARTBEATS)
            former = [shard for shard in shards if shard.isdigit() and int(shard) >= self._partitions]
            if former:
                await self._redis.hdel(keys.HEARTBEATS, *former)
        return gone

    async def check_server(self) -> None:
        """Read INFO and the configuration; refuse a server that may evict or lose flags."""
        with self._translated():
            info: dict[str, Any] = await self._redis.info()
        version = str(info.get("redis_version", "0"))
        if int(version.split(".")[0]) < _OLDEST_SERVER:
            raise SettingsError(f"{self._where} is Redis {version}", fix="use Redis 7 or Valkey 7.2, or newer")
        if info.get("role") not in ("master", None):
            # After a failover it may soon be the primary again, so callers wait for it as for an absent server.
            raise FlagStoreUnavailable(f"{self._where} is a read replica", fix="set HUSHTAG_REDIS_URL to its primary")
        policy = info.get("maxmemory_policy")
        if policy != "noeviction":
            raise SettingsError(
                f"{self._where} may evict flags under memory pressure: its maxmemory-policy is {policy}",
                fix="run redis-cli CONFIG SET maxmemory-policy noeviction, and set it in the configuration file",
            )

    async def close(self) -> None:
        """Close the connection pool of the client."""
        await self._redis.aclose()

    async def _put_all(
        self, partition: str, registers: Sequence[Register], *, life: str, after: int = 0, upto: int = 0
    ) -> Applied:
        names = [keys.REGISTERS, keys.SEQ, keys.CHANGES, keys.INCARNATION, keys.sentinel(partition)]
        done = Applied()
        for chunk, last in chunks(registers):
            args: list[Any] = [life, secrets.token_hex(8), self._changes_kept, after, upto if last else 0]
            for register in chunk:
                args += [keys.field_bytes(register.field), encode(register)]
            applied, stale = await self._put(keys=names, args=args)
            if applied < 0:
                return done + Applied(refused=True)
            done += Applied(applied, stale)
        return done

    def _script(self, name: str) -> AsyncScript:
        text = (_LUA / "common.lua").read_text("utf-8") + (_LUA / f"{name}.lua").read_text("utf-8")
        return self._redis.register_script(text)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and _CLOSED not in str(error):
                raise
            what = str(error) or type(error).__name__
            raise FlagStoreUnavailable(f"{self._where}: {what}", fix=_fix(error)) from error


def connect(redis_url: str, *, timeout_seconds: float, retries: int) -> redis.asyncio.Redis:
    """Make a client that returns bytes and connects at its first command.

    Raises:
        SettingsError: the URL cannot be used.
    """
    try:
        return redis.asyncio.Redis.from_url(
            redis_url,
            protocol=2,
            decode_responses=False,
            socket_connect_timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), retries),
        )
    except ValueError as error:
        raise SettingsError(
            f"HUSHTAG_REDIS_URL: {error}", fix="use redis://host:port/0, rediss:// or unix://"
        ) from None


def _fix(error: Exception) -> str:
    if isinstance(error, OutOfMemoryError):
        return "raise maxmemory of the server: flags must not be evicted"
    if isinstance(error, ReadOnlyError):
        return "set HUSHTAG_REDIS_URL to the primary"
    if isinstance(error, AuthenticationError):
        return "correct the user and password in HUSHTAG_REDIS_URL"
    return "start Redis or Valkey there (hushtag up starts one), or correct HUSHTAG_REDIS_URL"


def _may_go(value: bytes, now_ms: int) -> bool:
    try:
        return 0 < decode(value).keep_until_ms <= now_ms
    except RegisterError:
        return False


def _sentinel(value: bytes | str | None) -> tuple[str, int]:
    """Parse a sentinel into (run id of the server, offset before which the partition was written); ("", 0): none."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
    run_id, _, upto = text.partition(" ")
    return (run_id, int(upto)) if upto.isdecimal() else ("", 0)


def _written(sentinel: bytes | None, run_id: str) -> int:
    """Return the offset before which a partition was written on this server; -1: not at all."""
    found_id, upto = _sentinel(sentinel)
    return upto if found_id == run_id else -1


def _without_password(redis_url: str) -> str:
    parts = urlsplit(redis_url)
    return f"{parts.hostname or ''}:{parts.port or 6379}" if parts.scheme != "unix" else parts.path
