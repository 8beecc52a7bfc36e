"""Look up the registers of one hashtag in Redis and resolve them for a viewer, without a replica of all flags."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from hushtag_client import keys
from hushtag_client.index import Index
from hushtag_client.redis_servers import disconnect
from hushtag_client.registers import ANY_HASHTAG, HIDING, SOURCES, WORLD, Register, RegisterError, decode
from hushtag_client.resolution import winner
from redis.exceptions import RedisClusterException, RedisError

from streams.constants import MINUTE_MS
from streams.errors import FlagStoreRefuses, FlagStoreUnavailable
from streams.flags.redis_store import connect, offset_of, parse
from streams.flags.refusals import store_error
from streams.log.sense import Ms

_SCAN_COUNT = 5_000
_CHANGES_COUNT = 1_000
_CLOCK_SKEW_MS = 5_000
"""Greatest difference between the clocks of Redis and of a writer of decisions."""


@dataclass(frozen=True, slots=True)
class FlagResolution:
    """Answer of a surface about a hashtag for a viewer, and the register that decides it (None: no register does)."""

    surface: str
    country: str
    shown: bool
    register: Register | None


def resolve(registers: Iterable[Register], hashtag: str, surface: str, country: str, now_ms: int) -> FlagResolution:
    """Resolve a hashtag as the client does.

    Args:
        registers: those of the hashtag and all stop buttons; registers of other hashtags are ignored.
        hashtag: hashtag in its normalised form.
        surface: surface that asks.
        country: country of the viewer.
        now_ms: time at which flags expire.
    """
    index = Index(registers)
    decides = winner(index.candidates(surface, country, hashtag), index.stops(surface, country), now_ms)
    return FlagResolution(surface, country, decides is None or decides.action not in HIDING, decides)


class FlagLookup:
    """Connection for a few lookups. Every method raises FlagStoreUnavailable if Redis does not answer in time."""

    def __init__(self, redis_url: str, *, timeout_seconds: float = 5.0) -> None:
        self._redis: Any = connect(parse(redis_url), timeout_seconds=timeout_seconds, retries=0)

    async def for_scope(self, hashtag: str, surfaces: Sequence[str], country: str) -> list[Register]:
        """Read the registers that can decide for a viewer of this country on these surfaces, and the stop buttons."""
        countries = {country: None, WORLD: None}
        fields = [
            keys.field(surface, where, source, tag)
            for tag in (hashtag, ANY_HASHTAG)
            for surface in surfaces
            for where in countries
            for source in SOURCES
        ]
        with _translated():
            values = await self._redis.hmget(keys.REGISTERS, [keys.field_bytes(field) for field in fields])
        return _decoded(value for value in values if value is not None)

    async def for_hashtag(self, hashtag: str) -> list[Register]:
        """Read all registers of a hashtag, on every surface and in every country, and all stop buttons."""
        values: dict[bytes, bytes] = {}
        for tag in (hashtag, ANY_HASHTAG):
            values |= {field: value async for field, value in self._scan(keys.field_bytes(f"|{tag}"))}
        return [register for register in _decoded(values.values()) if register.hashtag in (hashtag, ANY_HASHTAG)]

    async def heartbeats(self) -> dict[bytes, int]:
        """Read the time of the latest heartbeat of each shard's publisher, Unix time in ms."""
        with _translated():
            beats = await self._redis.hgetall(keys.HEARTBEATS)
        times = {}
        for shard, beat in beats.items():
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                times[shard] = msgspec.json.decode(beat, type=_Beat).at_ms
        return times

    async def published_offset(self) -> int:
        """Read the offset of the moderation topic before which every record is written; 0: none is."""
        with _translated():
            return offset_of(await self._redis.get(keys.sentinel(keys.MODERATION)))

    async def applied_ms(self, versions: Mapping[str, str], recorded_ms: int) -> dict[str, int]:
        """Find the times at which registers reached a version, by Redis's clock.

        Args:
            versions: version by the name of a register.
            recorded_ms: time of the decision; changes up to a minute after it are read.

        Returns:
            The time by name, in Unix ms, without those whose change is not found.
        """
        times: dict[str, int] = {}
        last = str(max(recorded_ms - _CLOCK_SKEW_MS, 0)).encode()
        while len(times) < len(versions):
            with _translated():
                answer = await self._redis.xread({keys.CHANGES: last}, count=_CHANGES_COUNT)
            page = answer[0][1] if answer else []
            for last, content in page:
                at_ms, name = int(last.partition(b"-")[0]), keys.field_text(content.get(b"field", b""))
                if at_ms > recorded_ms + MINUTE_MS:
                    return times
                if name in versions and name not in times:
                    for register in _decoded([content.get(b"value", b"")]):
                        if register.version >= versions[name]:
                            times[name] = at_ms
            if len(page) < _CHANGES_COUNT:
                break
        return times

    async def close(self) -> None:
        """Close the connection to Redis."""
        await disconnect(self._redis)

    async def __aenter__(self) -> FlagLookup:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _scan(self, ending: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        pattern = b"*" + b"".join(b"\\" + bytes([c]) if c in b"*?[]\\^" else bytes([c]) for c in ending)
        cursor = 0
        while True:
            with _translated():
                cursor, page = await self._redis.hscan(keys.REGISTERS, cursor, match=pattern, count=_SCAN_COUNT)
            for field, value in page.items():
                yield field, value
            if not cursor:
                return


class _Beat(msgspec.Struct):
    at_ms: Ms = 0


def _decoded(values: Iterable[bytes]) -> list[Register]:
    registers = []
    for value in values:
        with contextlib.suppress(RegisterError):  # a client cannot read it either
            registers.append(decode(value))
    return registers


@contextlib.contextmanager
def _translated() -> Any:
    try:
        yield
    except (RedisError, RedisClusterException, OSError) as error:
        translated = store_error(error, "Redis")
        if isinstance(translated, FlagStoreRefuses):
            raise translated from None
        raise FlagStoreUnavailable(
            f"Redis does not answer: {error}", fix="check that it runs and that HUSHTAG_REDIS_URL is right"
        ) from None
