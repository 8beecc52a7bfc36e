"""Every process and command on a secured Kafka and Valkey, each user with the documented rights of its role alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from hushtag_client import FlagsClient

from moderation.access.keys import hash_of
from streams.log.reading import connection
from streams.settings import Settings
from tests.support.other_model import OTHER
from tests.support.secured import Secured, blocking, run, succeed
from tests.support.steady_tweets import HARSH, POLICY, STRICT
from tests.support.workers import WorkerProcess, environment

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]
WHO = ("--actor", "asha", "--reason", "r")


def until(true: Callable[[], bool], *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.1)


async def send(settings: Settings, first: int, count: int) -> None:
    """Send harmful tweets of many authors as a producer with the rights of its role."""
    at_ms = time.time_ns() // 1_000_000
    async with AIOKafkaProducer(**connection(settings), enable_idempotence=True, acks="all") as producer:
        for number in range(first, first + count):
            tweet = {
                "id": str(number), "author_id": str(number % 60), "created_at_ms": at_ms, "country": "IN",
                "text": f"{HARSH} #watched",
            }  # fmt: skip
            await producer.send(settings.topic("tweets"), json.dumps(tweet).encode())


class Feeder(threading.Thread):
    """Sends ten tweets a second."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self.settings, self.stopped = settings, threading.Event()

    def run(self) -> None:
        first = 0
        while not self.stopped.wait(1.0):
            blocking(send(self.settings, first, 10))
            first += 10


@pytest.fixture(scope="module")
def live(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A pipeline with an automated flag on #watched: topics, worker and producer have their own users."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "policy.yaml").write_text(POLICY)
    secured = Secured(stack, "live")
    stack.valkey_server.flush()
    succeed(secured.user("topics"), "topics", "create")
    secured.admin = secured.admin.model_copy(update={"policy": folder / "policy.yaml"})
    worker = WorkerProcess(secured.user("worker"), folder, "worker").start()
    feeder = Feeder(secured.user("producer"))
    feeder.start()
    try:
        worker.wait_ready()
        with FlagsClient(secured.user("reader").redis_url) as reader:
            until(lambda: not reader.check("#watched", "trends", "IN").shown)
        yield secured
        assert worker.running, worker.tail()
        assert "does not permit" not in worker.log.read_text()
    finally:
        feeder.stopped.set()
        feeder.join()
        if worker.running:
            worker.kill()


@contextmanager
def serving(settings: Settings, folder: Path, *command: str) -> Iterator[str]:
    """Run a server and return its URL."""
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli.main", *command, "--port", "0", "--json"],
            env=environment(settings), stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / f"{command[0]}.log").read_text()[-2000:]
        yield str(json.loads(line)["url"]).rstrip("/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.stdout.close()


def test_topics_are_created_and_checked(live: Secured) -> None:
    settings = live.user("topics")
    succeed(settings, "topics", "check")
    succeed(settings, "topics", "create", "--alter")


@pytest.mark.parametrize("kind", ["trends", "search"])
def test_surface_serves_and_hides(live: Secured, tmp_path: Path, kind: str) -> None:
    with serving(live.user("trends"), tmp_path, kind) as url:
        until(lambda: httpx.get(f"{url}/readyz", timeout=30).status_code == 200)
        path = "trends?country=IN" if kind == "trends" else "search?q=watched&country=IN"
        assert "watched" not in httpx.get(f"{url}/v1/{path}", timeout=30).text


def test_people_decide_and_see_their_decisions(live: Secured) -> None:
    settings = live.user("moderation")
    succeed(settings, "block", "#other", "--for", "1h", *WHO)
    succeed(settings, "undo", "#other", *WHO)
    succeed(settings, "hold", "#other", "--family", "--for", "1h", *WHO)
    succeed(settings, "pause", "--for", "1m", *WHO)
    succeed(settings, "resume", *WHO)
    for command in (
        ("moderation", "list"), ("orders", "list"), ("speakers", "list"), ("cases", "list"),
        ("appeal", "list"), ("statement", "#watched"),
    ):  # fmt: skip
        succeed(settings, *command, codes=(0, 3))


def test_api_reads_and_writes(live: Secured, tmp_path: Path) -> None:
    keys = [{"name": "ben", "role": "admin", "sha256": hash_of("hush_ben")}]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys}))
    with serving(live.user("api"), tmp_path, "api", "--keys", str(tmp_path / "keys.json")) as url:
        headers = {"Authorization": "Bearer hush_ben"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            body = {"hashtag": "#Rumour", "action": "block", "if_version": "", "actor": "ben", "reason": "r"}
            answer = client.post("/v1/overrides", json=body, headers={"Idempotency-Key": "1"})
            assert answer.status_code in (200, 201), answer.text
            for path in ("/v1/hashtags/watched", "/v1/cases", "/v1/orders", "/v1/audit", "/v1/overrides"):
                answer = client.get(path)
                assert answer.status_code == 200, (path, answer.text)


def test_audit_is_written_verified_and_reported(live: Secured, tmp_path: Path) -> None:
    folder, today = str(tmp_path / "log"), f"{datetime.now(UTC):%Y-%m-%d}"
    succeed(live.user("audit"), "audit", "run", "--once")
    succeed(live.user("publisher"), "audit", "publish", "--once", "--to", folder)
    settings = live.user("report")
    succeed(settings, "audit", "verify", "--sources", "--folder", folder)
    succeed(settings, "audit", "export")
    succeed(settings, "report", "--from", today, "--to", today, "--json")


def test_decisions_are_explained(live: Secured) -> None:
    settings = live.user("explain")
    assert json.loads(succeed(settings, "explain", "#watched", "--json", "--terms"))["redis"] is True
    succeed(settings, "policy", "status", codes=(0, 3))
    succeed(settings, "policy", "impact", str(settings.policy), "--since", "10m", codes=(0, 3))
    succeed(settings, "model", "status")
    for topic in ("tweets", "hashtag-panes", "hashtag-short-panes", "suppression-decisions", "policy"):
        succeed(settings, "dump", topic)
    succeed(settings, "panes", codes=(0, 3))


def test_policy_is_applied_to_the_topic(live: Secured, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(STRICT)
    settings = live.user("policy")
    succeed(settings, "policy", "apply", str(tmp_path / "new.yaml"), "--to", "topic", "--yes", *WHO)


def test_model_is_applied(live: Secured, tmp_path: Path) -> None:
    (tmp_path / "other.skops").write_bytes(OTHER)
    succeed(live.user("model"), "model", "apply", str(tmp_path / "other.skops"), "--yes", "--unguarded", *WHO)


def test_reader_lists_flags(live: Secured) -> None:
    settings = live.user("reader")
    assert "watched" in succeed(settings, "flags", "list", "--json")
    succeed(settings, "flags", "get", "#watched", codes=(0, 3))


def test_dead_letters_and_foreign_flags_are_looked_at(live: Secured) -> None:
    succeed(live.user("operator"), "dead-letters", "list", "--json", codes=(0, 3))
    succeed(live.user("repair"), "flags", "repair", "trends|IN|automated|unknown", "--yes", *WHO, codes=(3,))


def test_backup_is_taken(live: Secured, tmp_path: Path) -> None:
    succeed(live.user("backup"), "backup", "--into", str(tmp_path / "backup"))


def test_rights_are_set_by_the_command(live: Secured, tmp_path: Path) -> None:
    """Give a new user its rights by `hushtag acls --apply`, and run its command."""
    password = tmp_path / "password"
    password.write_text(live.logins.password("ann"))
    live.cluster.add_user("ann")
    denied = run(live.admin.model_copy(update={"redis_url": live.stack.valkey_server.url}), "acls", "kafka")
    assert denied.returncode == 2
    succeed(live.admin, "acls", "kafka", "--role", "moderation", "--principal", "User:ann", "--apply")
    options = ("--user", "ann", "--password-file", str(password), "--apply")
    succeed(live.admin, "acls", "redis", "--role", "moderation", *options)
    given = live.admin.model_dump(exclude_defaults=True) | live.logins.kafka_settings("ann")
    ann = Settings.model_validate({**given, "redis_url": live.stack.valkey_server.url_of("ann")})
    succeed(ann, "block", "#third", "--for", "1h", *WHO)
    assert run(ann, "acls", "kafka", "--role", "worker", "--apply").returncode == 2
    assert run(ann, "acls", "redis", "--role", "publish", "--apply").returncode == 2
