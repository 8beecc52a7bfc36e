"""A pause between two attempts to fetch Kafka metadata.

While no broker answers, aiokafka (0.14) retries as soon as an attempt has failed: its fetcher and its sender both want
a leader, and a closed port refuses at once. Without a pause, a client that waits for a broker uses a whole core.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

PAUSE_SECONDS = 0.2
Kafka = TypeVar("Kafka", AIOKafkaConsumer, AIOKafkaProducer)


def with_metadata_backoff(kafka: Kafka) -> Kafka:
    """Make a consumer or producer wait `PAUSE_SECONDS` after each failed metadata update; return the same object."""
    client = kafka._client if isinstance(kafka, AIOKafkaConsumer) else kafka.client
    fetch_metadata = client._metadata_update

    async def update(*cluster_and_topics: Any) -> bool:
        succeeded: bool = await fetch_metadata(*cluster_and_topics)
        if not succeeded:
            await asyncio.sleep(PAUSE_SECONDS)
        return succeeded

    client._metadata_update = update
    return kafka
