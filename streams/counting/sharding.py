"""Which shard a hashtag belongs to."""

from __future__ import annotations

from zlib import crc32

_KNOWN_LIMIT = 200_000


class Sharding:
    """The shard that a hashtag belongs to, the same in every process."""

    def __init__(self, shards: int) -> None:
        self.shards = shards
        self._known: dict[str, int] = {}

    def of(self, hashtag: str) -> int:
        """CRC-32 of the normalised hashtag in UTF-8, modulo the number of shards."""
        shard = self._known.get(hashtag)
        if shard is None:
            if len(self._known) >= _KNOWN_LIMIT:
                self._known.clear()
            shard = self._known[hashtag] = crc32(hashtag.encode()) % self.shards
        return shard
