"""Kafka producer that gives up on a batch that the broker does not acknowledge in time.

It uses kafka-python instead of `streams.log.producer`: aiokafka's idempotent producer retries a batch without an end
and cannot be closed meanwhile. A long-lived API process would then write a decision long after it reported a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.log.kafka_security import refusal

_CLOSE_SECONDS = 1.0
_MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Limit of the topic: the ruling on a large order is one record."""


class NotAcknowledged(Exception):
    """A record was not acknowledged in time; it may still reach the log."""


class DeadlineProducer:
    """Blocking idempotent producer for partition 0 of one topic, connected on first use; for a thread.

    Args:
        kafka: client options from `streams.log.reading.connection`.
        deadline_seconds: limit for the broker to answer, and then to acknowledge.
    """

    def __init__(self, kafka: Mapping[str, Any], topic: str, deadline_seconds: float) -> None:
        self.servers = f"Kafka at {kafka['bootstrap_servers']}"
        self._topic = topic
        self._deadline_seconds = deadline_seconds
        self._kafka = kafka
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
            "max_request_size": _MAX_RECORD_BYTES,
        }
        self._producer: Any = None

    def send(self, records: Sequence[tuple[bytes | None, bytes]]) -> list[int]:
        """Send (value, key) pairs in order and return their offsets once all in-sync replicas have them.

        Raises:
            BrokerRefuses: the broker refuses the login or the right to write.
            NotAcknowledged: a record was not acknowledged in time; some may still reach the log.
        """
        from kafka import KafkaProducer  # slow import: not for commands that only read
        from kafka.errors import KafkaError

        try:
            if self._producer is None:
                self._producer = KafkaProducer(**self._options)
            sent = [self._producer.send(self._topic, value=value, key=key, partition=0) for value, key in records]
            return [future.get(timeout=self._deadline_seconds + _CLOSE_SECONDS).offset for future in sent]
        except KafkaError as error:
            self.close()
            if (refused := refusal(error, self._kafka, right="Write", resource=self._topic)) is not None:
                raise refused from None
            raise NotAcknowledged(str(error)) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect and drop unacknowledged batches."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=_CLOSE_SECONDS)
