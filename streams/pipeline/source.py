"""What the broker says of the source topic: its id, its partitions, whose clock stamps it."""

from __future__ import annotations

from dataclasses import dataclass

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


def describe_source(settings: Settings) -> Source:
    """Ask the broker. Blocks.

    Raises:
        TopicsError: the topic does not exist.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    name = settings.topic(TWEETS)
    with admin_client(settings) as admin:
        if name not in admin.list_topics():
            raise TopicsError(f"topic {name} does not exist on {settings.kafka}", fix="hushtag topics create")
        topic = admin.describe_topics([name])[0]
        configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        stamped_by = configs["topic"][name]["message.timestamp.type"]["value"]
    return Source(str(topic["topic_id"]), len(topic["partitions"]), stamped_by == "CreateTime")
