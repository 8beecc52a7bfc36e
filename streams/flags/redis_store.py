"""Flag store on Redis or Valkey. Atomic steps are Lua scripts (`lua/`); this module calls them in portions."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import structlog
from hushtag_client import keys
from hushtag_client.redis_servers import (
    ASK_AGAIN_SECONDS,
    ask_sentinels_async,
    connect_async,
    disconnect,
    redis_options,
)
from hushtag_client.redis_url import FORMS, RedisAddress, parse_redis_url
from hushtag_client.registers import Register, RegisterError, decode, encode
from redis.exceptions import RedisClusterException, RedisError

from streams.clock import monotonic_seconds
from streams.errors import FlagStoreUnavailable, SettingsError
from streams.flags.refusals import store_error
from streams.flags.scripts import LuaScript
from streams.flags.store import CHUNK, Applied, chunks

_log = structlog.get_logger("hushtag.flags")
_OLDEST_SERVER = 7
_CLOSED = "the handler is closed"
"""uvloop's error text for a connection reset during a write; asyncio raises ConnectionError."""


class RedisFlagStore:
    """`FlagStore` on a server of Redis 7 or Valkey, or newer.

    Args:
        redis_url: URL of the primary, of Sentinels or of a cluster; a read replica takes no writes.
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
        address = parse(redis_url)
        self.redis = connect(address, timeout_seconds=timeout_seconds, retries=1)
        """The client; see `translated`."""
        self._where = str(address)
        self._partitions = partitions
        self._changes_kept = changes_kept
        self._ask_again_seconds = 0.0
        self._put = LuaScript(self.redis, "put")
        self._begin = LuaScript(self.redis, "begin")
        self._finish = LuaScript(self.redis, "finish")
        self._beat = LuaScript(self.redis, "beat")
        self._sweep = LuaScript(self.redis, "sweep")
        self._replace = LuaScript(self.redis, "replace")
        self._repair = LuaScript(self.redis, "repair")
        self._closed = LuaScript(self.redis, "closed", writes=False)
        self._info = LuaScript(self.redis, "info", writes=False)

    async def apply(self, partition: str, registers: Sequence[Register], *, after: int = 0, upto: int = 0) -> Applied:
        """Write newer registers with `put.lua`, under the partition's sentinel."""
        async with self.translated():
            return await self._put_all(partition, registers, life="", after=after, upto=upto)

    async def reconcile(self, partition: str, registers: Sequence[Register], *, upto: int = 0) -> Applied:
        """Write all registers under one incarnation of the server, then open the partition."""
        async with self.translated():
            life = (await self._begin(keys=[keys.INCARNATION], args=[secrets.token_hex(8)])).decode()
            done = await self._put_all(partition, registers, life=life, after=upto)
            if not done.refused:
                names = [keys.INCARNATION, keys.sentinel(partition), keys.RECONCILED]
                done += Applied(refused=not await self._finish(keys=names, args=[life, partition, upto]))
            return done

    async def needing_reconcile(self, partitions: Mapping[str, int]) -> list[str]:
        """Compare each sentinel with the run id and the given offset, in one script."""
        if not partitions:
            return []
        names = list(partitions)
        async with self.translated():
            await self._follow_sentinels()
            numbers = await self._closed(keys=[keys.sentinel(name) for name in names], args=list(partitions.values()))
        return [names[number - 1] for number in numbers]

    async def written_offset(self, partition: str) -> int:
        """Return the offset before which the partition was written; 0: never."""
        async with self.translated():
            return offset_of(await self.redis.get(keys.sentinel(partition)))

    async def heartbeat(
        self,
        settled_ms: Mapping[int, int],
        at_ms: int,
        renewed_ms: Mapping[int, int] | None = None,
        surfaces: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        """Write the settled watermark of each shard, and the time of writing."""
        args: list[Any] = [secrets.token_hex(8), at_ms, self._partitions, keys.HEARTBEAT_GUARD_MS]
        for shard, settled in settled_ms.items():
            named = json.dumps([*(surfaces or {}).get(shard, ())])
            args += [shard, settled, (renewed_ms or {}).get(shard, 0), named]
        async with self.translated():
            await self._beat(keys=[keys.INCARNATION, keys.HEARTBEATS], args=args)

    async def sweep(self, now_ms: int, report: Callable[[str, str], None] | None = None) -> int:
        """Scan the registers and delete those past their `keep_until_ms`; return their number."""
        gone = cursor = 0
        async with self.translated():
            while True:
                page: dict[bytes, bytes]
                cursor, page = cast(Any, await self.redis.hscan(keys.REGISTERS, cursor, count=CHUNK))
                read = {field: register for field, value in page.items() if (register := _decoded(value)) is not None}
                over = [field for field, register in read.items() if 0 < register.keep_until_ms <= now_ms]
                for field, register in read.items():
                    if report:
                        report(keys.field_text(field), register.version)
                if over:
                    gone += await self._sweep(keys=[keys.REGISTERS], args=[now_ms, *over])
                if not cursor:
                    break
            shards = await self.redis.hkeys(keys.HEARTBEATS)
            former = [
                shard for shard in shards if shard.isdigit() and (len(shard) > 9 or int(shard) >= self._partitions)
            ]
            if former:
                await self.redis.hdel(keys.HEARTBEATS, *former)
        return gone

    async def stored(self, field: str) -> bytes | None:
        """Return the value of a register as it is stored, or None."""
        async with self.translated():
            value: bytes | None = await self.redis.hget(keys.REGISTERS, keys.field_bytes(field))
            return value

    async def repair(self, field: str, value: bytes) -> bool:
        """Delete a register that no log can replace; readers and publishers then treat the data as lost.

        Args:
            field: name of the register.
            value: its stored value; with another one nothing is deleted, and the result is False.
        """
        async with self.translated():
            names = [keys.REGISTERS, keys.INCARNATION, keys.RECONCILED, *self._sentinels()]
            return bool(await self._repair(keys=names, args=[keys.field_bytes(field), value]))

    async def check_server(self) -> None:
        """Read INFO and the configuration; refuse a server that may evict or lose flags."""
        async with self.translated():
            text: bytes = await self._info(keys=[keys.INCARNATION], args=[])
        lines = (line.partition(":") for line in text.decode("utf-8", "replace").splitlines())
        info = {name: value for name, colon, value in lines if colon}
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
        """Close all connections of the client."""
        await disconnect(self.redis)

    async def _put_all(
        self, partition: str, registers: Sequence[Register], *, life: str, after: int = 0, upto: int = 0
    ) -> Applied:
        names = [keys.REGISTERS, keys.SEQ, keys.CHANGES, keys.INCARNATION, keys.sentinel(partition)]
        done = Applied()
        for chunk, last in chunks(registers):
            args: list[Any] = [life, secrets.token_hex(8), self._changes_kept, after, upto if last else 0]
            for register in chunk:
                args += [keys.field_bytes(register.field), encode(register)]
            applied, stale, *foreign = await self._put(keys=names, args=args)
            if applied < 0:
                return done + Applied(refused=True)
            texts = [keys.field_text(text) for text in foreign]
            done += Applied(applied, stale, foreign=tuple(zip(texts[::2], texts[1::2], strict=True)))
        return done

    async def _follow_sentinels(self) -> None:
        """Ask the Sentinels now and then: a former primary that they cannot reach may still answer us."""
        if monotonic_seconds() >= self._ask_again_seconds:
            self._ask_again_seconds = monotonic_seconds() + ASK_AGAIN_SECONDS
            await ask_sentinels_async(self.redis)

    async def _replace_wrong_types(self) -> None:
        """Delete keys that another program wrote with another type; every partition is then reconciled."""
        fixed = [keys.REGISTERS, keys.SEQ, keys.CHANGES, keys.INCARNATION, keys.HEARTBEATS, keys.RECONCILED]
        replaced = await self._replace(keys=fixed + self._sentinels(), args=[])
        if replaced:
            names = [key.decode("utf-8", "replace") for key in replaced]
            _log.warning("deleted keys that another program wrote with another type", keys=names, where=self._where)

    def _sentinels(self) -> list[str]:
        return [keys.sentinel(name) for name in (*map(str, range(self._partitions)), keys.MODERATION)]

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Raise errors of the client in this context as those of a store."""
        try:
            yield
        except (RedisError, RedisClusterException, OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and _CLOSED not in str(error):
                raise
            refused = store_error(error, self._where)
            if refused.kind == "WRONGTYPE":
                with suppress(RedisError, RedisClusterException, OSError):
                    await self._replace_wrong_types()
            raise refused from error


def parse(redis_url: str) -> RedisAddress:
    """Parse a URL of Redis.

    Raises:
        SettingsError: the URL cannot be used.
    """
    try:
        return parse_redis_url(redis_url)
    except ValueError as error:
        raise SettingsError(f"HUSHTAG_REDIS_URL: {error}", fix=f"use {FORMS}") from None


def connect(address: RedisAddress, *, timeout_seconds: float, retries: int) -> Any:
    """Make a client of redis-py that returns bytes and connects at its first command; close it with `disconnect`."""
    return connect_async(address, retries=retries, **redis_options(timeout_seconds, timeout_seconds))


def _decoded(value: bytes) -> Register | None:
    """Decode a register; None for a value that no reader can decode."""
    try:
        return decode(value)
    except RegisterError:
        return None


def offset_of(sentinel: bytes | None) -> int:
    """Return the offset in a sentinel, before which the partition was written; 0: never."""
    offset = (sentinel or b"").rpartition(b" ")[2]
    return int(offset) if offset.isdigit() and len(offset) <= 18 else 0
