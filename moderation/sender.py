"""Sends records with a deadline that holds: a batch that the broker does not take in time is given up.

kafka-python's producer, because it can give up: aiokafka's idempotent one waits for ever for the acknowledgement of
what it holds, and cannot be closed while it does. Blocking; for a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaProducer

_GOODBYE_SECONDS = 1.0
_MOST_BYTES = 4 * 1024 * 1024
"""Of one record, as the topic allows: the ruling on a large order is one."""


class Sender:
    """One idempotent producer for one partition of one topic, connected when first needed.

    Args:
        kafka: from `streams.log.reading.connection`.
        deadline_seconds: how long the broker may take to answer at all, and then to acknowledge.
    """

    def __init__(self, kafka: Mapping[str, Any], topic: str, deadline_seconds: float) -> None:
        self.servers = f"Kafka at {kafka['bootstrap_servers']}"
        self._topic = topic
        self._deadline_seconds = deadline_seconds
        deadline_ms = int(deadline_seconds * 1000)
        self._options = {
            **kafka,
            "bootstrap_servers": kafka["bootstrap_servers"].split(","),
            "acks": "all",
            "enable_idempotence": True,
            "bootstrap_timeout_ms": deadline_ms,
            "max_block_ms": deadline_ms,
            "request_timeout_ms": deadline_ms,
            "delivery_timeout_ms": deadline_ms,
            "max_request_size": _MOST_BYTES,
        }
        self._producer: Any = None

    def send(self, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """Send (value, key) pairs to partition 0 in order; the offset of each, once all replicas in sync have it.

        Raises:
            kafka.errors.KafkaError: not all were acknowledged in time; some may be in the log, or come there yet.
        """
        try:
            if self._producer is None:
                self._producer = KafkaProducer(**self._options)
            sent = [self._producer.send(self._topic, value=value, key=key, partition=0) for value, key in records]
            return [one.get(timeout=self._deadline_seconds + _GOODBYE_SECONDS).offset for one in sent]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the broker; what it did not acknowledge is given up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=_GOODBYE_SECONDS)
