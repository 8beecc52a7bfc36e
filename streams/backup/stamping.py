"""Topics that take the log times of their producers, for the duration of a restore.

A fact about an account counts from the log time of its record, and the audit log states log times. So a restored record
keeps its time, although the broker stamps the records of a topic in normal operation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType

from streams.errors import DependencyAway, TopicsError
from streams.log.admin import admin_client
from streams.settings import Settings

SETTING = "message.timestamp.type"
_CREATE_TIME = "CreateTime"
_WAIT_SECONDS = 15.0


@contextmanager
def producer_times(settings: Settings, topics: Sequence[str]) -> Iterator[None]:
    """Let topics take their producers' times; at the end they stamp their records as before. Blocks."""
    with admin_client(settings) as admin:
        before = {topic: _value(admin, topic) for topic in topics}
        stamping = [topic for topic, value in before.items() if value != _CREATE_TIME]
        for topic in stamping:
            _set(admin, topic, _CREATE_TIME)
    try:
        yield
    finally:
        with admin_client(settings) as admin:
            for topic in stamping:
                _set(admin, topic, before[topic])


def _value(admin: Any, topic: str) -> str:
    configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return str(configs["topic"][topic][SETTING]["value"])


def _set(admin: Any, topic: str, value: str) -> None:
    result = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {SETTING: value})])["topic"][topic]
    if result != "OK":
        raise TopicsError(f"{SETTING} of {topic} cannot be set to {value}: {result}", fix="grant AlterConfigs")
    deadline = time.monotonic() + _WAIT_SECONDS
    while _value(admin, topic) != value:
        if time.monotonic() >= deadline:
            raise DependencyAway(f"{SETTING} of {topic} did not become {value} in {_WAIT_SECONDS:g} s")
        time.sleep(0.05)
