"""Parts of every side-by-side run: one run's figures, and the bare loop as the base of all ratios."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console

console = Console(stderr=True)
PARTITIONS = 4

Panes = dict[tuple[str, str, int], int]
"""(hashtag with its #, country, pane number) to uses."""


@dataclass(frozen=True)
class Result:
    """Figures of one contender's run."""

    name: str
    tweets: int
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def per_second(self) -> float:
        """Tweets a second of wall clock."""
        return self.tweets / self.seconds

    @property
    def cpu_per_million(self) -> float:
        """Processor seconds per million tweets."""
        return self.cpu_seconds / self.tweets * 1e6


class Native(msgspec.Struct):
    """Fields of a native payload that the bare loop decodes."""

    author_id: str
    created_at_ms: int
    text: str
    country: str = ""
    hashtags: list[str] | None = None


class Place(msgspec.Struct):
    """Place of a v1.1 tweet."""

    country_code: str = ""


class V1(msgspec.Struct):
    """Fields of a v1.1 payload that the bare loop decodes."""

    text: str
    created_at: str
    place: Place | None = None


def bare(kafka: str, topic: str, tweets: int, shape: str) -> Panes:
    """Count with aiokafka, msgspec and panes in a dict, in a separate process; print `started` before fetching."""

    async def run() -> Panes:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest",
                                    max_partition_fetch_bytes=4 * 1024 * 1024)  # fmt: skip
        await consumer.start()
        tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        native = shape == "native"
        decode: Any = msgspec.json.Decoder(Native if native else V1).decode
        panes: Panes = {}
        done = 0
        print("started", flush=True)
        while done < tweets:
            for records in (await consumer.getmany(timeout_ms=500, max_records=5_000)).values():
                for record in records:
                    tweet = decode(record.value)
                    at = record.timestamp // 10_000
                    country = tweet.country if native else tweet.place.country_code if tweet.place else ""
                    for word in tweet.text.split():
                        if word[0] == "#":
                            key = (word.lower(), country, at)
                            panes[key] = panes.get(key, 0) + 1
                done += len(records)
        await consumer.stop()
        return panes

    return asyncio.run(run())
