"""A log that has lost its end, as after the loss of a broker without replicas, ends the worker."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import redis
from kafka.admin import KafkaAdminClient

from streams.log.decisions import Progress, decode_record
from streams.log.topic_specs import DECISIONS, MODERATION, PARTIALS
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.support.workers import WorkerProcess, hushtag, values

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def create_again(settings: Settings, topic: str) -> None:
    """Delete and create a topic: its log then ends before the offsets already read."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    admin.delete_topics([settings.topic(topic)])
    admin.close()
    create_topics(settings)


def shards_far_in_their_logs(settings: Settings) -> set[int]:
    """Return the shards that have read so much that a new log does not grow as long before the worker looks at it."""
    records = [decode_record(value) for value in values(settings, DECISIONS)]
    return {one.shard for one in records if isinstance(one, Progress) and one.position > 40}


def last_error(worker: WorkerProcess, deadline: float) -> str:
    """Wait until the worker ends with code 2; return its error."""
    try:
        while worker.running:
            assert time.monotonic() < deadline, worker.tail()
            time.sleep(0.2)
        entry = json.loads(worker.tail(1))
        assert worker.code == 2 and entry["kind"] == "TopicsError", worker.tail()
        return str(entry["error"])
    finally:
        if worker.running:
            worker.kill()


@pytest.mark.long
def test_shortened_log_ends_the_worker(topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics, tmp_path).start().wait_ready()
    deadline = time.monotonic() + 120
    while len(shards_far_in_their_logs(topics)) < topics.shards:
        assert time.monotonic() < deadline, worker.tail()
        time.sleep(0.5)
    create_again(topics, PARTIALS)
    error = last_error(worker, deadline)
    assert topics.topic(PARTIALS) in error
    assert "cut short, or created again" in error or "does not exist" in error, (
        "or the moment between deletion and creation"
    )


def test_new_log_under_old_redis_ends_the_worker(topics: Settings, tmp_path: Path) -> None:
    deadline = time.monotonic() + 150
    worker = WorkerProcess(topics, tmp_path, stages="publish").start().wait_ready()
    hushtag(topics, "block", "rumour", "--actor", "ann", "--reason", "a lie")
    worker.stop()
    create_again(topics, MODERATION)
    worker.start()
    assert f"{topics.topic(MODERATION)}[0] ends at 0, before 1" in last_error(worker, deadline)
    with redis.Redis.from_url(topics.redis_url) as server:
        server.delete(*server.scan_iter("{hushtag}:v1:*"))
    worker.start().wait_ready().stop()
