"""A source partition for tests, and records of tweets for it."""

from __future__ import annotations

import json

from streams.counting.block_counts import Flush
from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.log.lines import LogRecord
from streams.log.partials import decode_partial, encode_partial
from tests.support.block_counts import TOPIC_ID

HASHES = KeyedHash(b"k")
START_MS = 1_611_600_000_000
SHARDS = 3


def tweet(number: int, *, at_ms: int = START_MS, tags: tuple[str, ...] = ("A",), **more: object) -> bytes:
    return json.dumps(
        {
            "id": str(number),
            "author_id": str(number % 50),
            "created_at_ms": at_ms,
            "text": f"text {number}",
            "hashtags": list(tags),
            **more,
        }
    ).encode()


def record(offset: int, value: bytes | None, *, log_ms: int = START_MS) -> LogRecord:
    return LogRecord(0, offset, log_ms, None, value)


def source(replay_point: int = 0, **options: object) -> SourcePartition:
    given_options = {"sharding": Sharding(SHARDS), "hashes": HASHES, "times": TimeRules(), **options}
    return SourcePartition(0, 1, TOPIC_ID, replay_point, **given_options)


def flush(core: SourcePartition) -> list[Flush]:
    """Return a flush as a judge decodes it."""
    return [decode_partial(encode_partial(one)) for records in core.flush().values() for one in records]
