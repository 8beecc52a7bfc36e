"""A pause between two tries to learn which broker leads what.

While no broker answers, aiokafka (0.14) asks again the moment that a try has failed: its fetcher and its sender want a
leader at once, and a port where nobody listens refuses at once. Whoever waited for a broker to come back took a core.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

PAUSE_SECONDS = 0.2
Kafka = TypeVar("Kafka", AIOKafkaConsumer, AIOKafkaProducer)


def patient(kafka: Kafka) -> Kafka:
    """The same consumer or producer; after a try that failed it waits `PAUSE_SECONDS` before the next."""
    client = kafka._client if isinstance(kafka, AIOKafkaConsumer) else kafka.client
    ask = client._metadata_update

    async def update(*cluster_and_topics: Any) -> bool:
        known: bool = await ask(*cluster_and_topics)
        if not known:
            await asyncio.sleep(PAUSE_SECONDS)
        return known

    client._metadata_update = update
    return kafka
