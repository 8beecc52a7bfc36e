"""Backpressure: a worker with a backlog is not ready, and a paused Redis does not fill its memory."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from devkit.simulation.firehose import firehose
from devkit.stack.valkey_server import ValkeyServer
from streams.settings import Settings
from tests.support.workers import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

TWEETS = 40_000
POLICY = """
serial: 1
windows: [10m]
score_floor: 2
evidence_floor: 2
early_confidence: 0.6
categories:
  hateful_conduct:
    {mode: suppress, min_tweets: 2, min_authors: 2, suppress_at: 0.01, clear_at: 0.005, confidence: 0.55, dwell: 10s,
     corroborate: {need: 1, authors: 1}}
"""
"""A policy that suppresses nearly every hashtag, so that many registers wait."""


def eventually(what: str, holds: Callable[[], bool], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.2)


async def send(settings: Settings, seed: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=20)
    await producer.start()
    for payload in firehose(seed, TWEETS, start_ms=int(time.time() * 1000), per_second=10**6, tags=2_000):
        await producer.send(settings.topic("tweets"), payload)
    await producer.stop()


def why_not_ready(worker: WorkerProcess) -> str:
    """Return the reason of /readyz; "" when ready, "-" without an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/readyz", timeout=5):
            return ""
    except urllib.error.HTTPError as refused:
        return f"{refused.code}: {json.loads(refused.read())['reason']}"
    except OSError:
        return "-"


def test_paused_redis_neither_stops_counting_nor_fills_memory(topics: Settings, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    valkey = ValkeyServer(tmp_path / "valkey", config={"appendonly": "no"})
    valkey.start()
    settings = topics.model_copy(update={"redis_url": valkey.url, "policy": policy})
    asyncio.run(send(settings, 1))
    worker = WorkerProcess(settings, tmp_path).start()
    try:
        reasons: list[str] = []
        eventually("ready", lambda: not (reasons.append(why_not_ready(worker)) or reasons[-1]))
        assert worker.metric("hushtag_tweets_total") >= TWEETS, "ready before the backlog was processed"
        assert any(reason.startswith("503: ") for reason in reasons), reasons
        eventually("flags written", lambda: worker.metric("hushtag_flag_writes_total") > 100)
        before = worker.metric("process_resident_memory_bytes")
        valkey.pause()
        decided = worker.metric("hushtag_decisions_total")
        for seed in (2, 3, 4):
            asyncio.run(send(settings, seed))
        eventually("counting continues", lambda: worker.metric("hushtag_tweets_total") >= 4 * TWEETS)
        eventually("deciding continues", lambda: worker.metric("hushtag_decisions_total") > decided)
        eventually("Redis found away", lambda: worker.metric("hushtag_redis_up") == 0)
        grown = (worker.metric("process_resident_memory_bytes") - before) / 2**20
        print(f"grown by {grown:.0f} MB")
        assert grown < 250
        valkey.resume()
        eventually("Redis is back", lambda: worker.metric("hushtag_redis_up") == 1)
    finally:
        worker.kill()
        valkey.kill()
