"""Two Kafka requests that aiokafka lacks, in its own protocol classes: Metadata 11 and OffsetForLeaderEpoch 3.

aiokafka asks for Metadata up to version 5, which names neither topic ids nor leader epochs. Formats:
https://kafka.apache.org/protocol. Both requests need the right Describe on the topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

_NODES = CompactArray(Int32)
_CONSUMER = -1
"""Replica id of a client that is no broker."""


class _TopicId(AbstractType[UUID]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class MetadataResponseV11(Response):  # type: ignore[misc]
    """Brokers, and the requested topics with their ids, leaders, epochs and replicas."""

    API_KEY = 3
    API_VERSION = 11
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(
            ("node_id", Int32), ("host", CompactString()), ("port", Int32), ("rack", CompactString()),
            ("tags", TaggedFields),
        )),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        ("topics", CompactArray(
            ("error_code", Int16), ("name", CompactString()), ("topic_id", _TopicId), ("is_internal", Boolean),
            ("partitions", CompactArray(
                ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
                ("replicas", _NODES), ("in_sync", _NODES), ("offline", _NODES), ("tags", TaggedFields),
            )),
            ("authorized_operations", Int32), ("tags", TaggedFields),
        )),
        ("tags", TaggedFields),
    )  # fmt: skip


class MetadataRequestV11(RequestStruct):  # type: ignore[misc]
    """Request for named topics, without creation of missing ones."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 11
    RESPONSE_TYPE = MetadataResponseV11
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _TopicId), ("name", CompactString()), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class DescribeTopic(Request[MetadataRequestV11]):  # type: ignore[misc]
    """Asks a broker for its view of one topic."""

    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[Any]) -> Any:
        """Return the request in its one version."""
        return request_struct_class([(UUID(int=0), self._topic, {})], False, False, {})


class EpochEndResponseV3(Response):  # type: ignore[misc]
    """Log ends of the requested epochs."""

    API_KEY = 23
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("topics", Array(
            ("topic", String("utf-8")),
            ("partitions", Array(
                ("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64),
            )),
        )),
    )  # fmt: skip


class EpochEndRequestV3(RequestStruct):  # type: ignore[misc]
    """Request for the end of a leader epoch in the log of each partition."""

    API_KEY = 23
    API_VERSION = 3
    RESPONSE_TYPE = EpochEndResponseV3
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("topics", Array(
            ("topic", String("utf-8")),
            ("partitions", Array(("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32))),
        )),
    )  # fmt: skip


class EpochEnds(Request[EpochEndRequestV3]):  # type: ignore[misc]
    """Asks a broker for the log ends of the current leader epochs.

    The leader of an epoch answers with its log end. Any other broker answers with an error that states whether it knows
    a newer epoch.

    Args:
        topic: name of the topic.
        epochs: leader epoch by partition.
    """

    API_KEY = 23

    def __init__(self, topic: str, epochs: Mapping[int, int]) -> None:
        self._topic = topic
        self._epochs = epochs

    def build(self, request_struct_class: type[Any]) -> Any:
        """Return the request in its one version."""
        partitions = [(partition, epoch, epoch) for partition, epoch in self._epochs.items()]
        return request_struct_class(_CONSUMER, [(self._topic, partitions)])
