"""The rights of every role on a secured server: what the table allows is permitted, and everything else refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from hushtag_client import keys
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import AuthorizationError

from streams.access.roles import ALL, BY_NAME, ROLES, Role
from streams.errors import BrokerRefuses
from streams.log.kafka_security import connection_of
from streams.log.reading import LogReader, connection
from streams.settings import Settings
from tests.support.secured import Secured, blocking

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(300)]


async def readable(settings: Settings) -> set[str]:
    """Return the topics of which the user can fetch the record that each has."""
    found = set()
    for topic in ALL:
        with suppress(BrokerRefuses):
            async with LogReader(connection(settings), settings.topic(topic), silence_seconds=60) as reader:
                if [record async for batch in reader.to_end() for record in batch]:
                    found.add(topic)
    return found


async def writable(settings: Settings) -> set[str]:
    """Return the topics to which the user can send records."""
    found = set()
    async with AIOKafkaProducer(**connection(settings), request_timeout_ms=5_000) as producer:
        for topic in ALL:
            try:
                await producer.send_and_wait(settings.topic(topic), b"x", key=b"k", partition=0)
                found.add(topic)
            except TopicAuthorizationFailedError:
                pass
    return found


async def permitted(attempt: Callable[[], object], refused: type[Exception] | tuple[type[Exception], ...]) -> bool:
    try:
        await attempt()  # type: ignore[misc]
    except refused:
        return False
    return True


async def joins(settings: Settings, group: str, topic: str) -> bool:
    """Return whether the user may join a group."""
    consumer = AIOKafkaConsumer(settings.topic(topic), **connection(settings), group_id=group, request_timeout_ms=8_000)
    try:
        return await permitted(consumer.start, (GroupAuthorizationFailedError, TopicAuthorizationFailedError))
    finally:
        await consumer.stop()


async def begins_transaction(settings: Settings, name: str) -> bool:
    """Return whether the user may write transactions of an id."""
    producer = AIOKafkaProducer(**connection(settings), transactional_id=name, request_timeout_ms=8_000)
    try:
        return await permitted(producer.start, (TransactionalIdAuthorizationFailed, KafkaError))
    finally:
        await producer.stop()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_reads_and_writes_what_the_table_says(secured: Secured, role: Role) -> None:
    assert blocking(writable(secured.admin)) == set(ALL)
    settings = secured.user(role.name)
    assert blocking(readable(settings)) == set(role.reads)
    assert blocking(writable(settings)) == set(role.writes)


@pytest.mark.parametrize("role", ["worker", "publish", "audit", "publisher", "notify", "reader", "api"])
def test_role_joins_only_its_groups_and_transactions(secured: Secured, role: str) -> None:
    settings, wanted = secured.user(role), BY_NAME[role]
    topic = wanted.reads[0] if wanted.reads else "tweets"
    own = settings.topic_prefix + settings.group
    assert blocking(joins(settings, f"{own}-publish", topic)) == wanted.group
    assert not blocking(joins(settings, "another", topic))
    for name in ("audit-writer", "audit-checkpoints-writer", "notifications-writer"):
        assert blocking(begins_transaction(settings, settings.topic(name))) == (name == wanted.transactional_id)
    assert not blocking(begins_transaction(settings, "another"))


@pytest.mark.parametrize("role", ["worker", "api", "policy", "topics", "explain"])
def test_role_manages_no_topics_and_rights_beyond_its_own(secured: Secured, role: str) -> None:
    settings = secured.user(role)
    admin = KafkaAdminClient(**connection_of(settings), request_timeout_ms=10_000)

    def may(act: Callable[[], object]) -> bool:
        try:
            act()
        except AuthorizationError:
            return False
        return True

    def describe(topic: str) -> bool:
        return bool(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], "all")["topic"][topic])

    try:
        wish = {"num_partitions": 1, "replication_factor": 1}
        assert not may(lambda: admin.create_topics({"another": wish}))
        assert not may(lambda: admin.delete_topics([settings.topic("tweets")]))
        assert describe(settings.topic("audit")) == BY_NAME[role].checks
        changed = admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, settings.topic("tweets"), {"retention.ms": "86400000"})],
            raise_on_unknown=False,
        )["topic"][settings.topic("tweets")]
        assert (changed == "OK") == BY_NAME[role].creates, changed
    finally:
        admin.close()


FORBIDDEN = [
    ("SCRIPT", "FLUSH"), ("FUNCTION", "FLUSH"), ("FLUSHALL",), ("FLUSHDB",), ("CONFIG", "GET", "*"), ("KEYS", "*"),
    ("ACL", "LIST"), ("SCRIPT", "LOAD", "return 1"), ("SHUTDOWN", "NOSAVE"), ("MONITOR",),
    ("SET", "another", "1"), ("GET", "another"), ("PUBLISH", "a", "b"), ("RENAME", keys.SEQ, "another"),
]  # fmt: skip
WRITES = [
    ("SET", keys.SEQ, "1"), ("HSET", keys.REGISTERS, "f", "v"), ("HDEL", keys.REGISTERS, "f"), ("DEL", keys.SEQ),
    ("XADD", keys.CHANGES, "*", "a", "b"), ("INCR", keys.SEQ), ("EVALSHA", "0" * 40, "0"),
    ("EVAL", "return 1", "0"),
]  # fmt: skip


@pytest.mark.parametrize("role", ["reader", "trends", "publish"])
def test_role_runs_no_forbidden_command_of_redis(secured: Secured, role: str) -> None:
    settings = secured.user(role)
    writes = BY_NAME[role].redis == "write"
    with redis.Redis.from_url(settings.redis_url, protocol=2, driver_info=None) as client:
        for command in FORBIDDEN:
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
        for command in WRITES:
            if writes:
                with suppress(redis.exceptions.NoScriptError):
                    client.execute_command(*command)
            else:
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command)
