"""A worker that cannot start reports why and ends; one whose Redis lost its data reconciles it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from hushtag_client import keys
from kafka.admin import ConfigResource, ConfigResourceType

from devkit.stack.valkey_server import ValkeyServer
from streams.log.admin import admin_client
from streams.log.topic_specs import DECISIONS, TWEETS
from streams.settings import Settings
from tests.support.workers import WorkerProcess, environment, free_port, hushtag, json_lines

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DEADLINE_SECONDS = 2
BACK_SECONDS = 35.0
"""A reconcile at the latest: its interval is 30 s, and a loss is usually noticed sooner."""


@dataclass
class Ended:
    """Result of a command: exit code and stderr."""

    code: int
    stderr: str

    @property
    def error(self) -> str:
        return self.stderr[self.stderr.rindex("error: ") :]


def worker(settings: Settings, *arguments: str, **more: object) -> Ended:
    """Run `hushtag worker` until it ends."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "worker", *arguments],
        env=environment(settings, start_deadline_seconds=DEADLINE_SECONDS, metrics_port=0, **more),
        capture_output=True,
        timeout=240,
        check=False,
    )
    stderr = done.stderr.decode()
    assert done.stdout == b""
    assert "Traceback" not in stderr
    return Ended(done.returncode, stderr)


def nowhere() -> Settings:
    """Return settings with closed ports."""
    return Settings(
        kafka=f"127.0.0.1:{free_port()}",
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        policy=Path("config/policy.yaml"),
    )


def test_missing_kafka_is_reported_and_ends_the_start() -> None:
    settings = nowhere()
    ended = worker(settings)
    assert ended.code == 1
    assert f"waiting up to {DEADLINE_SECONDS} s for Kafka at {settings.kafka}" in ended.stderr
    assert f"Kafka at {settings.kafka} did not answer within {DEADLINE_SECONDS} s" in ended.error
    assert "fix: start it (hushtag up), or set HUSHTAG_KAFKA" in ended.error


def test_missing_redis_is_reported_and_ends_the_start(topics: Settings) -> None:
    away = nowhere().redis_url
    ended = worker(topics, redis_url=away)
    assert ended.code == 1
    assert f"waiting up to {DEADLINE_SECONDS} s for Redis" in ended.stderr
    assert f"Redis accepted no writes within {DEADLINE_SECONDS} s" in ended.error
    assert away.removeprefix("redis://").removesuffix("/0") in ended.error
    assert "HUSHTAG_REDIS_URL" in ended.error


def test_all_wrong_settings_are_named() -> None:
    ended = worker(nowhere(), shards=0, kafka="nowhere", session_timeout_seconds="soon")
    assert ended.code == 2
    for variable, value in (("SHARDS", "0"), ("KAFKA", "nowhere"), ("SESSION_TIMEOUT_SECONDS", "soon")):
        assert f"HUSHTAG_{variable}={value}" in ended.error
        assert f"set HUSHTAG_{variable} to " in ended.error


def test_unknown_stage_is_named() -> None:
    ended = worker(nowhere(), "--stages", "ingest,digest")
    assert ended.code == 2
    assert "unknown stage digest" in ended.error
    assert "fix: --stages ingest,judge,publish" in ended.error


def test_bad_policy_is_refused_with_its_lines(tmp_path: Path) -> None:
    text = Path("config/policy.yaml").read_text()
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("suppress_at:"))
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = f"{indent}suppress_at: 7"
    lines.insert(at + 1, f"{indent}clear_att: 0.1")
    bad = tmp_path / "bad.yaml"
    bad.write_text("\n".join(lines))
    ended = worker(nowhere(), policy=bad)
    assert ended.code == 2
    assert f"{bad}:{at + 1}:" in ended.error
    assert f"{bad}:{at + 2}:" in ended.error
    assert "clear_at" in ended.error

    gone = worker(nowhere(), policy=tmp_path / "gone.yaml")
    assert gone.code == 2
    assert f"cannot read the policy {tmp_path / 'gone.yaml'}" in gone.error


def test_missing_topics_are_refused_with_the_create_command(settings: Settings) -> None:
    ended = worker(settings)
    assert ended.code == 2
    assert f"{settings.topic(DECISIONS)}: missing" in ended.error
    assert "hushtag topics create" in ended.error
    with admin_client(settings) as admin:
        created = [name for name in admin.list_topics() if name.startswith(settings.topic_prefix)]
    assert created == [], "a request creates no topic"


def test_wrong_topic_settings_are_refused_with_fixing_commands(topics: Settings) -> None:
    wrong = {TWEETS: {"retention.ms": "60000"}, DECISIONS: {"cleanup.policy": "compact", "retention.ms": "86400000"}}
    with admin_client(topics) as admin:
        for name, configs in wrong.items():
            resource = ConfigResource(ConfigResourceType.TOPIC, topics.topic(name), configs)
            assert set(admin.alter_configs([resource])["topic"].values()) == {"OK"}
    ended = worker(topics, shards=topics.shards + 1)
    assert ended.code == 2
    assert f"{topics.topic(TWEETS)}: retention.ms is 60000, needed: at least " in ended.error
    assert f"{topics.topic(DECISIONS)}: cleanup.policy is compact, needed: delete" in ended.error
    assert f"{topics.topic(DECISIONS)}: retention.ms is 86400000, needed: at least 90000000" in ended.error, "25 h"
    assert f"{topics.topic(DECISIONS)}: partitions is {topics.shards}, needed: {topics.shards + 1}" in ended.error
    assert f"--entity-name {topics.topic(TWEETS)} --add-config retention.ms=" in ended.error
    assert f"--entity-name {topics.topic(DECISIONS)} --add-config cleanup.policy=delete" in ended.error
    assert f"export HUSHTAG_SHARDS={topics.shards}" in ended.error


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A separate server that keeps nothing on disk."""
    made = ValkeyServer(tmp_path / "valkey", config={"appendonly": "no"})
    made.start()
    yield made
    made.kill()


def eventually(what: str, holds: Callable[[], bool], seconds: float = BACK_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except redis.RedisError:
            pass  # the server is starting
        time.sleep(0.1)
    raise AssertionError(f"{what} not within {seconds:g} s")


def test_redis_that_lost_its_data_is_reconciled(topics: Settings, valkey: ValkeyServer, tmp_path: Path) -> None:
    """Kill and restart it empty, then flush it: both times a block returns and every partition accepts writes."""
    settings = topics.model_copy(update={"redis_url": valkey.url})
    running = WorkerProcess(settings, tmp_path).start().wait_ready()
    try:
        with redis.Redis.from_url(valkey.url, socket_timeout=5) as server:
            field = keys.field("trends", "*", "human", "sometag")

            def blocked() -> bool:
                found = server.hget(keys.REGISTERS, field)
                return found is not None and json.loads(found)["action"] == "suppress"

            def all_open() -> bool:
                life = server.info("server")["run_id"]
                partitions = [*map(str, range(settings.shards)), keys.MODERATION]
                found = server.mget([keys.sentinel(one) for one in partitions])
                return all(one and one.decode().split()[0] == life for one in found)

            eventually("opened", all_open, 120)
            hushtag(settings, "block", "SomeTag", "--reason", "test", "--for", "1h", "--wait", "60")
            eventually("blocked", blocked, 120)
            before = server.info("server")["run_id"]

            valkey.kill()
            assert not valkey.running
            time.sleep(1.0)
            valkey.start()
            assert server.info("server")["run_id"] != before
            eventually("blocked after kill -9", blocked)
            eventually("opened after kill -9", all_open)

            server.flushall()
            eventually("blocked after FLUSHALL", blocked)
            eventually("opened after FLUSHALL", all_open)

            hushtag(settings, "block", "AnotherTag", "--reason", "test", "--for", "1h", "--wait", "60")
            listed = {row["hashtag"] for row in json_lines(hushtag(settings, "flags", "list", "--json"))}
            assert listed == {"sometag", "anothertag"}
        assert running.running
    finally:
        running.kill()


def test_evicting_redis_is_refused(topics: Settings, tmp_path: Path) -> None:
    evicting = ValkeyServer(tmp_path / "valkey", config={"maxmemory-policy": "allkeys-lru"})
    with evicting:
        ended = worker(topics, redis_url=evicting.url)
    assert ended.code == 2
    assert "allkeys-lru" in ended.error and "noeviction" in ended.error


@pytest.mark.long
def test_read_only_redis_is_waited_for(topics: Settings, valkey: ValkeyServer, tmp_path: Path) -> None:
    """During a failover a starting worker waits, and then ends as if Redis were away, to be restarted."""
    with redis.Redis.from_url(valkey.url) as server:
        server.replicaof("127.0.0.1", 1)
        ended = worker(topics, redis_url=valkey.url)
        assert ended.code == 1, "code 2 would mean that a restart changes nothing"
        assert "is a read replica" in ended.error and "HUSHTAG_REDIS_URL to its primary" in ended.error
        settings = topics.model_copy(update={"redis_url": valkey.url})
        running = WorkerProcess(settings, tmp_path).start(start_deadline_seconds=60)
        try:
            eventually("the wait is logged", lambda: "waiting up to 60 s for Redis" in running.log.read_text(), 90)
            server.replicaof("NO", "ONE")
            running.wait_ready()
        finally:
            running.kill()


def test_waiting_worker_starts_once_redis_answers(topics: Settings, tmp_path: Path) -> None:
    late = ValkeyServer(tmp_path / "valkey")
    settings = topics.model_copy(update={"redis_url": late.url})
    running = WorkerProcess(settings, tmp_path).start(start_deadline_seconds=60)
    try:
        eventually("the wait is logged", lambda: "waiting up to 60 s for Redis" in running.log.read_text(), 90)
        late.start()
        running.wait_ready()
    finally:
        running.kill()
        late.kill()
