"""Redis after a restore or a reshard: it is a view of the logs, and must not know more of a log than the log has."""

from __future__ import annotations

from typing import Any, cast

from hushtag_client import keys

from streams.flags.redis_store import RedisFlagStore

_SHARDS_MAX = 1024


class FlagsView:
    """The steps on a flag store that only a restore and a reshard take. No publish stage may run meanwhile."""

    def __init__(self, redis_url: str, *, partitions: int) -> None:
        self._store = RedisFlagStore(redis_url, partitions=partitions)

    async def __aenter__(self) -> FlagsView:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._store.close()

    async def count(self) -> int:
        """Return the number of registers."""
        async with self._store.translated():
            return int(await cast(Any, self._store.redis.hlen(keys.REGISTERS)))

    async def forget_all(self) -> None:
        """Delete everything: the publish stage writes all registers again. Readers keep theirs meanwhile."""
        async with self._store.translated():
            fixed = [keys.REGISTERS, keys.CHANGES, keys.INCARNATION, keys.HEARTBEATS, keys.RECONCILED]
            await self._store.redis.delete(*fixed, keys.sentinel(keys.MODERATION), *_sentinels())

    async def forget_shards(self) -> None:
        """Delete the positions and heartbeats of all shards. Registers stay: people's stand, automated ones expire."""
        shards = [str(shard) for shard in range(_SHARDS_MAX)]
        async with self._store.translated():
            await self._store.redis.delete(keys.HEARTBEATS, *_sentinels())
            await cast(Any, self._store.redis.hdel(keys.RECONCILED, *shards))


def _sentinels() -> list[str]:
    return [keys.sentinel(str(shard)) for shard in range(_SHARDS_MAX)]
