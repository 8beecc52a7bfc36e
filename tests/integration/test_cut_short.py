"""A log that has lost its end, as where a broker falls that had no replica: nobody reads on as if nothing were lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import redis
from kafka.admin import KafkaAdminClient

from streams.log.topic_specs import DECISIONS, MODERATION, PARTIALS
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.support.workers import WorkerProcess, hushtag, values

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def made_anew(settings: Settings, topic: str) -> None:
    """The shortest way to a log that ends before what was read of it."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    admin.delete_topics([settings.topic(topic)])
    admin.close()
    create_topics(settings)


def last_words(worker: WorkerProcess, deadline: float) -> str:
    """The error of a worker that ends with 2 by itself."""
    try:
        while worker.running:
            assert time.monotonic() < deadline, worker.tail()
            time.sleep(0.2)
        said = json.loads(worker.tail(1))
        assert worker.code == 2 and said["kind"] == "TopicsError", worker.tail()
        return str(said["error"])
    finally:
        if worker.running:
            worker.kill()


def test_it_ends_the_worker(topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics, tmp_path).start().wait_ready()
    deadline = time.monotonic() + 120
    while len(values(topics, DECISIONS)) < topics.shards:  # each shard has said how far it is
        assert time.monotonic() < deadline, worker.tail()
        time.sleep(0.5)
    made_anew(topics, PARTIALS)
    error = last_words(worker, deadline)
    assert topics.topic(PARTIALS) in error
    assert "cut short, or made anew" in error or "does not exist" in error, "between the two"


def test_nobody_publishes_a_new_log_to_a_redis_that_knows_the_old_one(topics: Settings, tmp_path: Path) -> None:
    deadline = time.monotonic() + 150
    worker = WorkerProcess(topics, tmp_path, stages="publish").start().wait_ready()
    hushtag(topics, "block", "rumour", "--actor", "ann", "--reason", "a lie")
    worker.stop()
    made_anew(topics, MODERATION)
    worker.start()
    assert f"{topics.topic(MODERATION)}[0] ends at 0, before 1" in last_words(worker, deadline)
    with redis.Redis.from_url(topics.redis_url) as server:
        server.delete(*server.scan_iter("{hushtag}:v1:*"))
    worker.start().wait_ready().stop()
