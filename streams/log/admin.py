"""The connected admin client, and the facts about the source topic that only the broker knows."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import AuthorizationError, KafkaError

from streams.errors import DependencyAway, TopicsError
from streams.log.kafka_security import TOPIC_AUTHORIZATION_FAILED, check_login, connection_of, lacking, refusal
from streams.log.topic_specs import TWEETS
from streams.settings import Settings

_UNKNOWN_TOPIC = 3
"""Error code of a topic that does not exist."""
Report = Callable[[str], None]
"""Prints one line about what the command waits for."""


@contextmanager
def admin_client(settings: Settings, *, report: Report = lambda line: None) -> Iterator[Any]:
    """Connect kafka-python's admin client; close it at the end.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`, or later to a request.
        BrokerRefuses: TLS or the login failed, or the user lacks a right.
    """
    admin = _connect(settings, report)
    try:
        with missing_right(settings, "Describe or DescribeConfigs"):
            yield admin
    except KafkaError as error:  # the broker went away after the client had connected
        what = str(error) or type(error).__name__
        raise DependencyAway(
            f"Kafka at {settings.kafka}: {what}", fix="is the broker up, and HUSHTAG_KAFKA right?"
        ) from error
    finally:
        with _quiet_kafka_logs():
            admin.close()


@contextmanager
def missing_right(settings: Settings, right: str, resource: str = "") -> Iterator[None]:
    """Translate the error of a call that needs a right: the broker's answer does not name it.

    Raises:
        BrokerRefuses: the user lacks it.
    """
    try:
        yield
    except AuthorizationError as error:
        raise refusal(error, connection_of(settings), right=right, resource=resource) or error from None


def _connect(settings: Settings, report: Report) -> Any:
    deadline = time.monotonic() + settings.start_deadline_seconds
    servers = settings.kafka.split(",")
    arguments = connection_of(settings) | {
        "bootstrap_servers": servers,
        "client_id": "hushtag-admin",
        "request_timeout_ms": 30_000,
        "reconnect_backoff_max_ms": 1_000,
    }
    error, reported = Exception("no server listens there"), False
    while True:
        # Try the port first: without a server the client logs many errors and leaves a thread behind.
        if any(_is_listening(server) for server in servers):
            try:
                with _quiet_kafka_logs():
                    return KafkaAdminClient(bootstrap_timeout_ms=5_000, **arguments)
            except KafkaError as failure:
                if (refused := refusal(failure, arguments)) is not None:
                    raise refused from None
                _check_login(arguments)
                error = failure
        if not reported:
            report(f"waiting up to {settings.start_deadline_seconds:g} s for Kafka at {settings.kafka}")
            reported = True
        if time.monotonic() >= deadline:
            raise DependencyAway(
                f"Kafka at {settings.kafka} did not answer within {settings.start_deadline_seconds:g} s: {error}",
                fix="start it (hushtag up), or set HUSHTAG_KAFKA",
            )
        time.sleep(min(0.2, max(0.0, deadline - time.monotonic())))


def _check_login(kafka: Mapping[str, Any]) -> None:
    """Raise what the client reports as an unreachable broker. A separate thread runs it: this one may run a loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(check_login(kafka))).result()


def _is_listening(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2.0):
            return True
    except OSError:
        return False


@contextmanager
def _quiet_kafka_logs() -> Iterator[None]:
    """Suppress kafka-python's logs: it logs each refused connection as an error, and we report the wait ourselves."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


@dataclass(frozen=True, slots=True)
class SourceTopic:
    """The `tweets` topic as the broker describes it."""

    topic_id: str
    """A topic created again under the same name has another id."""
    partitions: int
    create_time: bool
    """Whether producers stamp the records, and not the broker."""


class PartitionFields(TypedDict):
    """One partition, as kafka-python describes it."""

    replica_nodes: list[int]


class TopicFields(TypedDict):
    """One topic, as kafka-python describes it."""

    name: str
    topic_id: object
    error_code: int
    partitions: list[PartitionFields]


def topic_id_of(settings: Settings, topic: str) -> str:
    """Return the id of one of hushtag's topics; one created again under the same name has another. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        BrokerRefuses: the user may not see it.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    with admin_client(settings) as admin:
        return str(_describe(admin, settings.topic(topic), settings)["topic_id"])


def describe_source(settings: Settings) -> SourceTopic:
    """Describe the `tweets` topic. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        BrokerRefuses: the user may not see it.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    name = settings.topic(TWEETS)
    with admin_client(settings) as admin:
        topic = _describe(admin, name, settings)
        resources = [ConfigResource(ConfigResourceType.TOPIC, name)]
        configs = admin.describe_configs(resources, config_filter="all")["topic"]
        require_configs(configs, settings)
        stamped_by = configs[name]["message.timestamp.type"]["value"]
    return SourceTopic(str(topic["topic_id"]), len(topic["partitions"]), stamped_by == "CreateTime")


def _describe(admin: Any, name: str, settings: Settings) -> TopicFields:
    topics = describe_existing(admin, [name], settings)
    if name not in topics:
        raise TopicsError(f"topic {name} does not exist on {settings.kafka}", fix="hushtag topics create")
    return topics[name]


def require_configs(configs: Mapping[str, Mapping[str, Any]], settings: Settings) -> None:
    """Check that the settings of each topic were described: the client ignores the broker's refusal.

    Raises:
        BrokerRefuses: the user may not describe the settings of a topic.
    """
    for name, described in configs.items():
        if not described:
            raise lacking("DescribeConfigs", f"topic {name}", connection_of(settings))


def describe_existing(admin: Any, names: Sequence[str], settings: Settings) -> dict[str, TopicFields]:
    """Describe those of the topics that exist, by name. The request creates none.

    Raises:
        BrokerRefuses: the user may not see one of them. A list of all topics would leave it out.
    """
    topics: dict[str, TopicFields] = {topic["name"]: topic for topic in admin.describe_topics(list(names))}
    for name, topic in topics.items():
        if topic["error_code"] == TOPIC_AUTHORIZATION_FAILED:
            raise lacking("Describe", f"topic {name}", connection_of(settings))
    return {name: topic for name, topic in topics.items() if topic["error_code"] != _UNKNOWN_TOPIC}
