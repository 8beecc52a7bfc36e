"""What the broker says of the source topic: its id, its partitions, whose clock stamps it; and ids of other topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from streams.errors import TopicsError
from streams.log.topic_specs import TWEETS
from streams.log.topics import admin_client
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Source:
    """The `tweets` topic."""

    topic_id: str
    """A topic made anew under the same name has another."""
    partitions: int
    create_time: bool
    """Stamped by producers, not by the broker."""


def topic_id_of(settings: Settings, topic: str) -> str:
    """The id of one of hushtag's topics; made anew under the same name it has another. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    name = settings.topic(topic)
    with admin_client(settings) as admin:
        return str(_describe(admin, name, settings)["topic_id"])


def describe_source(settings: Settings) -> Source:
    """Ask the broker. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    name = settings.topic(TWEETS)
    with admin_client(settings) as admin:
        topic = _describe(admin, name, settings)
        configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        stamped_by = configs["topic"][name]["message.timestamp.type"]["value"]
    return Source(str(topic["topic_id"]), len(topic["partitions"]), stamped_by == "CreateTime")


def _describe(admin: KafkaAdminClient, name: str, settings: Settings) -> dict[str, Any]:
    if name not in admin.list_topics():
        raise TopicsError(f"topic {name} does not exist on {settings.kafka}", fix="hushtag topics create")
    topic: dict[str, Any] = admin.describe_topics([name])[0]
    return topic
