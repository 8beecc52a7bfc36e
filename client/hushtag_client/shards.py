"""The shard of a hashtag. The pipeline judges each hashtag in one shard, so one watermark dates its flags.

Every reader must compute the same shard; `docs/flags-contract.md` documents it and has test vectors.
"""

from __future__ import annotations

from zlib import crc32


def shard_of(hashtag: str, shards: int) -> int:
    """Return the CRC-32 of a normalised hashtag in UTF-8, modulo the number of shards.

    A lone surrogate, which no counted hashtag has, is encoded like any other code point.

    >>> shard_of("sometag", 8), shard_of("किसान", 8)
    (3, 6)
    """
    return crc32(hashtag.encode("utf-8", "surrogatepass")) % shards
