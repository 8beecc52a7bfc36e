"""Workers and a reader on a secured Kafka and Valkey, each user with the documented rights of its role alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from hushtag_client import FlagsClient

from streams.log.reading import connection
from streams.settings import Settings
from tests.support.secured import Secured, blocking, succeed
from tests.support.steady_tweets import POLICY
from tests.support.workers import WorkerProcess

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


async def send_tweets(settings: Settings, count: int) -> None:
    """Send tweets as a producer with the rights of its role: idempotent, with all acknowledgements."""
    now = time.time_ns() // 1_000_000
    async with AIOKafkaProducer(**connection(settings), enable_idempotence=True, acks="all") as producer:
        for number in range(count):
            tweet = (
                f'{{"id": "{number}", "author_id": "{number}", "created_at_ms": {now}, "country": "IN", '
                f'"text": "hello #sometag"}}'
            )
            await producer.send(settings.topic("tweets"), tweet.encode())


def until(true, *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.05)


def with_policy(settings: Settings, folder: Path) -> Settings:
    path = folder / "policy.yaml"
    path.write_text(POLICY)
    return settings.model_copy(update={"policy": path})


def test_flag_is_answered_with_documented_rights_alone(secured: Secured, tmp_path: Path) -> None:
    counting = WorkerProcess(
        with_policy(secured.user("ingest", "judge"), tmp_path), tmp_path, "counting", "ingest,judge"
    )
    publishing = WorkerProcess(with_policy(secured.user("publish"), tmp_path), tmp_path, "publishing", "publish")
    try:
        counting.start()
        publishing.start()
        blocking(send_tweets(secured.user("producer"), 50))
        counting.wait_ready()
        publishing.wait_ready()
        succeed(secured.user("moderation"), "block", "#sometag", "--actor", "asha", "--reason", "r", "--for", "1h")
        with FlagsClient(secured.user("reader").redis_url) as reader:
            assert reader.wait_until_ready(30)
            until(lambda: not reader.check("#SomeTag", "trends", "IN").shown)
        until(lambda: counting.metric("hushtag_tweets_total") >= 50)
        assert counting.stop() == 0 and publishing.stop() == 0
    finally:
        for worker in (counting, publishing):
            if worker.running:
                worker.kill()
