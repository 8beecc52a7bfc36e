"""Both surfaces as processes: tweets from a real Kafka, flags from a real Valkey, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest
import redis
from aiokafka import AIOKafkaProducer
from hushtag_client import keys
from hushtag_client.memory import MemoryServer
from hushtag_client.registers import Register, encode

from streams.settings import Settings

pytestmark = pytest.mark.integration

RUN = "import typer, surfaces.cli; app = typer.Typer(); surfaces.cli.register(app); app()"


@contextmanager
def surface(kind: str, settings: Settings, deadline_seconds: int = 60) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    environment = os.environ | {
        "HUSHTAG_KAFKA": settings.kafka,
        "HUSHTAG_REDIS_URL": settings.redis_url,
        "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix,
        "HUSHTAG_START_DEADLINE_SECONDS": str(deadline_seconds),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, kind, "--port", "0", "--json"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield (json.loads(line)["url"] if line else ""), process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def get(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, timeout=30, **options)


def eventually(check: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


async def send_tweets(settings: Settings, hashtag: str, count: int) -> None:
    now = time.time_ns() // 1_000_000
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        await producer.send_and_wait(settings.topic("tweets"), b"not a tweet")
        for i in range(count):
            tweet = {
                "id": str(i),
                "author_id": str(i),
                "created_at_ms": now,
                "country": "IN",
                "text": f"hello #{hashtag}",
            }
            await producer.send(settings.topic("tweets"), msgspec.json.encode(tweet))


def write_flag(settings: Settings, hashtag: str) -> None:
    """Write registers, their changes and a heartbeat, as publish does, with the in-memory store's content."""
    now = time.time_ns() // 1_000_000
    twin = MemoryServer()
    registers = [
        Register(
            version="1", action="suppress", hashtag=hashtag, display=hashtag, surface=where, country="IN",
            expires_at_ms=now + 600_000, keep_until_ms=now + 900_000,
        )
        for where in ("trends", "search")
    ]  # fmt: skip
    twin.seed(registers, settled_ms=now)
    with redis.Redis.from_url(settings.redis_url) as client:
        client.set(keys.INCARNATION, twin.incarnation)
        for change in twin.changes:
            client.hset(keys.REGISTERS, change.field, change.value)
            entry = {"seq": change.seq, "incarnation": change.incarnation, "field": change.field, "value": change.value}
            client.xadd(keys.CHANGES, entry)
        client.set(keys.SEQ, twin.seq)
        client.hset(keys.RECONCILED, mapping=twin.reconciled)
        beat = {"settled_ms": now, "at_ms": now, "partitions": 1}
        client.hset(keys.HEARTBEATS, "0", json.dumps(beat))
    assert encode(registers[0])


async def test_surfaces_count_tweets_and_obey_flags(topics: Settings) -> None:
    await send_tweets(topics, "BeforeTheStart", 11)
    with surface("trends", topics) as (trends, process), surface("search", topics) as (search, _):
        eventually(lambda: get(trends + "readyz").status_code == get(search + "readyz").status_code == 200)
        await send_tweets(topics, "नमस्ते", 17)

        def ranks(country: str) -> list[tuple[int, str, int]]:
            rows = get(trends + f"api/trends?country={country}").json()["trends"]
            return [(row["rank"], row["display"], row["tweets"]) for row in rows]

        both = [(1, "नमस्ते", 17), (2, "BeforeTheStart", 11)]
        eventually(lambda: ranks("in") == both)
        assert ranks("IN") == both
        assert sum(get(trends + "api/trends?country=IN").json()["trends"][0]["sparkline"]) == 17

        eventually(lambda: get(search + "api/tag?q=%23नमस्ते&country=IN").json()["tweets"] == 17)
        assert get(search + "api/suggest?q=नम&country=IN").json()["suggestions"]
        write_flag(topics, "नमस्ते")
        eventually(lambda: ranks("IN") == [(1, "BeforeTheStart", 11)])
        eventually(lambda: not get(search + "api/suggest?q=नम&country=IN").json()["suggestions"])
        assert len(get(trends + "api/trends").json()["trends"]) == 2, "the flag is for India alone"
        assert get(search + "api/tag?q=%23नमस्ते&country=IN").json()["tweets"] == 17
        held = get(trends + "api/held?country=IN").json()["held"]
        assert [(one["hashtag"], one["would_be_rank"], one["tweets"]) for one in held] == [("नमस्ते", 1, 17)]
        assert get(trends + "api/held?country=IN", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 403

        watching, ended = threading.Event(), threading.Event()

        def watch() -> None:
            with httpx.stream("GET", trends + "stream?country=IN", timeout=60) as stream:
                for _ in stream.iter_lines():
                    watching.set()
            ended.set()

        viewer = threading.Thread(target=watch, daemon=True)
        viewer.start()
        assert watching.wait(60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0, "a viewer does not hold up the end"
        assert ended.wait(5)


def test_missing_kafka_is_reported_at_start(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka": "127.0.0.1:9"})
    with surface("trends", away, deadline_seconds=8) as (url, process):
        assert url, "pages answer meanwhile"
        assert "Kafka" in get(url + "readyz").json()["missing"]
        assert process.wait(90) != 0
