"""A `tweets` topic that is deleted and created again is counted from its first offset, and no tweet twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.log.pane_assembly import assemble
from streams.log.pane_rows import rows_of
from streams.log.panes import pane_records
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.support.workers import WorkerProcess, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(300)]


def recreate(settings: Settings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        admin.delete_topics([settings.topic("tweets")])
    finally:
        admin.close()
    create_topics(settings)


def send(settings: Settings, tag: str, count: int) -> None:
    """Send tweets under one hashtag to one partition."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka, acks="all")
    now_ms = int(time.time() * 1000)
    for number in range(count):
        tweet = {
            "id": str(now_ms * 10_000 + number), "author_id": str(number), "created_at_ms": now_ms,
            "text": f"{tag} {number}", "hashtags": [tag],
        }  # fmt: skip
        producer.send(settings.topic("tweets"), json.dumps(tweet).encode(), partition=0)
    producer.flush(60)
    producer.close()


def counted(settings: Settings) -> Counter[str]:
    """Return the tweets in all settled panes of ten seconds, by hashtag."""
    known = {record.key: record for record in pane_records(values(settings, "hashtag-short-panes"))}
    tags, found = Tags(), Counter[str]()
    for pane in assemble([record for record in known.values() if record.length_ms == PANE_MS], tags):
        for row in rows_of(pane, tags):
            found[row.hashtag] += row.tweets if row.country == "*" else 0
    return found


def wait_for(settings: Settings, worker: WorkerProcess, expected: dict[str, int]) -> None:
    deadline, found = time.monotonic() + 90, Counter[str]()
    while (found := counted(settings)) != expected:
        assert time.monotonic() < deadline, f"{found} instead of {expected}\n{worker.tail()}"
        time.sleep(0.5)


@contextmanager
def supervised(worker: WorkerProcess) -> Iterator[None]:
    """Start a worker, and start it again whenever it ends with code 1."""
    ending = Event()

    def supervise() -> None:
        while not ending.wait(0.2):
            if worker.code == 1:
                worker.start()

    worker.start().wait_ready()
    thread = Thread(target=supervise)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        if worker.running:
            worker.stop()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_tweets_created_again_under_a_worker_are_counted_once(topics: Settings, tmp_path: Path) -> None:
    """The new topic is longer than what was read of the old one, so the old offset exists in it."""
    worker = WorkerProcess(topics, tmp_path)
    with supervised(worker):
        send(topics, "first", 300)
        wait_for(topics, worker, {"first": 300})
        recreate(topics)
        send(topics, "second", 900)
        until(lambda: "tweets was created again: its id is" in worker.log.read_text(), worker.tail())
        wait_for(topics, worker, {"first": 300, "second": 900})
        assert worker.metric("hushtag_gaps_total", 'kind="recreated"') > 0
        send(topics, "third", 100)
        wait_for(topics, worker, {"first": 300, "second": 900, "third": 100})


def test_tweets_created_again_without_a_worker_are_counted_once(topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics, tmp_path).start().wait_ready()
    send(topics, "first", 300)
    wait_for(topics, worker, {"first": 300})
    worker.stop()
    recreate(topics)
    send(topics, "second", 900)
    worker.start().wait_ready()
    wait_for(topics, worker, {"first": 300, "second": 900})
    assert worker.metric("hushtag_tweets_total") == 900
    assert worker.metric("hushtag_gaps_total", 'kind="recreated"') > 0
    worker.stop()
