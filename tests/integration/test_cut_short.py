"""A log that has lost its end, as where a broker falls that had no replica: nobody reads on as if nothing were lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from streams.log.topic_specs import DECISIONS, PARTIALS
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.integration.workers import WorkerProcess, values

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def made_anew(settings: Settings, topic: str) -> None:
    """The shortest way to a log that ends before what was read of it."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    admin.delete_topics([settings.topic(topic)])
    admin.close()
    create_topics(settings)


def test_it_ends_the_worker(topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics, tmp_path).start().wait_ready()
    try:
        deadline = time.monotonic() + 120
        while len(values(topics, DECISIONS)) < topics.shards:  # each shard has said how far it is
            assert time.monotonic() < deadline, worker.tail()
            time.sleep(0.5)
        made_anew(topics, PARTIALS)
        while worker.running:
            assert time.monotonic() < deadline, worker.tail()
            time.sleep(0.2)
        said = json.loads(worker.tail(1))
        assert worker.code == 2 and said["kind"] == "TopicsError", worker.tail()
        assert topics.topic(PARTIALS) in said["error"]
        assert "cut short, or made anew" in said["error"] or "does not exist" in said["error"], "between the two"
    finally:
        if worker.running:
            worker.kill()
