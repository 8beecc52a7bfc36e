"""Records of `shown-texts`: the texts that people have read, encrypted, by the id of their tweet.

The topic is compacted, and keeps nothing beyond the appeal period. Ingest writes a record without a value for every
deleted tweet, so that the broker erases its text. The same records state which tweets are deleted.
"""

from __future__ import annotations


def text_key(tweet: int | str) -> bytes:
    """Return the key of a tweet's records."""
    return str(tweet).encode()


def tweet_of(key: bytes | None) -> str | None:
    """Return the id of a record's tweet, below 2^63; None for the key of another kind of record."""
    if not key or len(key) > 19 or not key.isdigit() or int(key) >= 2**63:
        return None
    return key.decode() if key == text_key(int(key)) else None
