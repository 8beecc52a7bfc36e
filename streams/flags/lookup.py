"""What Redis has on one hashtag, and who wins for a viewer: for commands that ask once and need no replica."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import redis.asyncio
from hushtag_client import keys
from hushtag_client.index import Index
from hushtag_client.registers import ANY_HASHTAG, HIDING, SOURCES, WORLD, Register, RegisterError, decode
from hushtag_client.resolution import winner
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams.errors import FlagStoreUnavailable, SettingsError

_SCAN_COUNT = 5_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a surface does with a hashtag for a viewer, and the register that decides it (None: nobody has a say)."""

    surface: str
    country: str
    shown: bool
    register: Register | None


def verdict(registers: Iterable[Register], hashtag: str, surface: str, country: str, now_ms: int) -> Verdict:
    """Resolve as a client does. `registers` may hold more than this hashtag's; the stop buttons must be among them."""
    index = Index(registers)
    decides = winner(index.candidates(surface, country, hashtag), index.stops(surface, country), now_ms)
    return Verdict(surface, country, decides is None or decides.action not in HIDING, decides)


class FlagLookup:
    """A connection for a few questions; each raises FlagStoreUnavailable where Redis does not answer in time."""

    def __init__(self, redis_url: str, *, timeout_seconds: float = 5.0) -> None:
        try:
            self._redis: Any = redis.asyncio.Redis.from_url(
                redis_url,
                protocol=2,
                decode_responses=False,
                socket_connect_timeout=timeout_seconds,
                socket_timeout=timeout_seconds,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise SettingsError(
                f"HUSHTAG_REDIS_URL: {error}", fix="redis://host:port/0, rediss:// or unix://"
            ) from None

    async def of_scope(self, hashtag: str, surfaces: Sequence[str], country: str) -> list[Register]:
        """The registers that can decide for a viewer of this country on these surfaces, the stop buttons too."""
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

    async def of_hashtag(self, hashtag: str) -> list[Register]:
        """All registers of a hashtag, whatever the surface and country, and all stop buttons."""
        found: dict[bytes, bytes] = {}
        for tag in (hashtag, ANY_HASHTAG):
            found |= {field: value async for field, value in self._scan(keys.field_bytes(f"|{tag}"))}
        return [one for one in _decoded(found.values()) if one.hashtag in (hashtag, ANY_HASHTAG)]

    async def last_heartbeat_ms(self) -> int | None:
        """When a publisher last said that it is alive; None if none ever did."""
        with _translated():
            beats = await self._redis.hvals(keys.HEARTBEATS)
        times = []
        for beat in beats:
            with contextlib.suppress(msgspec.MsgspecError):
                times.append(msgspec.json.decode(beat, type=_Beat).at_ms)
        return max(times, default=None)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose()

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
    at_ms: int = 0


def _decoded(values: Iterable[bytes]) -> list[Register]:
    found = []
    for value in values:
        with contextlib.suppress(RegisterError):  # a client cannot read it either
            found.append(decode(value))
    return found


@contextlib.contextmanager
def _translated() -> Any:
    try:
        yield
    except (RedisError, OSError) as error:
        raise FlagStoreUnavailable(
            f"Redis does not answer: {error}", fix="is it up, and HUSHTAG_REDIS_URL right?"
        ) from None
