"""The connected admin client, and the facts about the source topic that only the broker knows."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError

from streams.errors import DependencyAway, SettingsError, TopicsError
from streams.log.kafka_security import security_kwargs
from streams.log.topic_specs import TWEETS
from streams.settings import Settings

Report = Callable[[str], None]
"""Prints one line about what the command waits for."""


@contextmanager
def admin_client(settings: Settings, *, report: Report = lambda line: None) -> Iterator[Any]:
    """Connect kafka-python's admin client; close it at the end.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`.
        SettingsError: the broker refuses the login.
    """
    admin = _connect(settings, report)
    try:
        yield admin
    except AuthorizationError as error:
        raise SettingsError(
            f"Kafka at {settings.kafka} does not permit it: {error}",
            fix="grant this user the rights, or use another one",
        ) from None
    finally:
        with _quiet_kafka_logs():
            admin.close()


def _connect(settings: Settings, report: Report) -> Any:
    deadline = time.monotonic() + settings.start_deadline_seconds
    servers = settings.kafka.split(",")
    arguments = security_kwargs(settings) | {
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
            except SaslAuthenticationFailedError as refusal:
                raise SettingsError(
                    f"Kafka at {settings.kafka} refuses the login: {refusal}",
                    fix="check HUSHTAG_KAFKA_SASL_MECHANISM, HUSHTAG_KAFKA_SASL_USERNAME, HUSHTAG_KAFKA_SASL_PASSWORD",
                ) from None
            except KafkaError as failure:
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


def topic_id_of(settings: Settings, topic: str) -> str:
    """Return the id of one of hushtag's topics; one created again under the same name has another. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    with admin_client(settings) as admin:
        return str(_describe(admin, settings.topic(topic), settings)["topic_id"])


def describe_source(settings: Settings) -> SourceTopic:
    """Describe the `tweets` topic. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    name = settings.topic(TWEETS)
    with admin_client(settings) as admin:
        topic = _describe(admin, name, settings)
        configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        stamped_by = configs["topic"][name]["message.timestamp.type"]["value"]
    return SourceTopic(str(topic["topic_id"]), len(topic["partitions"]), stamped_by == "CreateTime")


def _describe(admin: Any, name: str, settings: Settings) -> dict[str, Any]:
    if name not in admin.list_topics():
        raise TopicsError(f"topic {name} does not exist on {settings.kafka}", fix="hushtag topics create")
    topic: dict[str, Any] = admin.describe_topics([name])[0]
    return topic
