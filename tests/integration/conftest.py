"""Real servers for the integration tests: one Kafka and one Valkey per session, new names for each test."""

from __future__ import annotations

import itertools
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

with warnings.catch_warnings():  # kafka-python reads its schemas, when imported, by a deprecated function
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka.admin  # noqa: F401

from devkit.stack import LocalStack
from streams.log.topics import create_topics
from streams.settings import Settings

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Kafka and Valkey on free loopback ports; the project's `.cache` keeps Kafka's jars between runs."""
    with LocalStack(tmp_path_factory.mktemp("stack"), heap_mb=384) as running:
        yield running


@pytest.fixture
def settings(stack: LocalStack) -> Settings:
    """Settings with their own topic prefix and group and an empty Valkey, without topics."""
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushall()
    unique = f"t{next(_numbers)}-{uuid.uuid4().hex[:8]}"
    return Settings(
        kafka=stack.kafka,
        redis_url=stack.redis_url,
        topic_prefix=f"{unique}.",
        group=unique,
        shards=4,
        metrics_port=0,
        start_deadline_seconds=60,
        encoder="off",
        policy=Path("config/policy.yaml"),
    )


@pytest.fixture
def topics(settings: Settings) -> Settings:
    """The same settings, with all topics created."""
    create_topics(settings)
    return settings
