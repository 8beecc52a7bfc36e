"""Which shard a hashtag belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Sharding:
    """The shard that a hashtag belongs to, the same in every process."""

    shards: int

    def of(self, hashtag: str) -> int:
        """CRC-32 of the normalised hashtag in UTF-8, modulo the number of shards."""
        return crc32(hashtag.encode()) % self.shards
