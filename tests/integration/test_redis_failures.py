"""A publish worker whose Redis answers and refuses writes: not ready, counted by kind, logged once a minute."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from devkit.stack.valkey_server import ValkeyServer
from streams.settings import Settings
from tests.support.workers import WorkerProcess

pytestmark = pytest.mark.integration


def eventually(what: str, holds: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)


def refusals(worker: WorkerProcess) -> list[dict[str, object]]:
    """Return the lines of the log about refused writes."""
    lines = [json.loads(line) for line in worker.log.read_text("utf-8").splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == "Redis takes no writes"]


def test_refused_writes_are_reported_until_they_succeed(topics: Settings, tmp_path: Path) -> None:
    valkey = ValkeyServer(tmp_path / "valkey")
    valkey.start()
    url = valkey.url.replace("redis://", "redis://few:secret@")
    with redis.Redis.from_url(valkey.url) as admin:
        admin.execute_command("ACL SETUSER", "few", "on", ">secret", "~*", "+@all")
        worker = WorkerProcess(topics.model_copy(update={"redis_url": url}), tmp_path, stages="publish").start()
        try:
            worker.wait_ready()
            began = time.monotonic()
            admin.execute_command("ACL SETUSER", "few", "-hset")
            eventually("not ready", lambda: "NOPERM" in str(worker.readiness().get("reason")))
            assert str(worker.readiness()["reason"]).startswith("Redis takes no writes (")
            eventually("counted", lambda: worker.metric("hushtag_flag_write_failures_total") >= 3)
            assert 'hushtag_flag_write_failures_total{kind="NOPERM"}' in worker.metrics()
            lines = refusals(worker)
            assert 1 <= len(lines) <= 1 + (time.monotonic() - began) / 60
            assert all((line["kind"], line["level"]) == ("NOPERM", "warning") for line in lines)
            assert "hset" in str(lines[0]["why"])
            admin.execute_command("ACL SETUSER", "few", "+hset")
            worker.wait_ready()
            admin.config_set("maxmemory", 1)
            eventually("not ready", lambda: "OOM" in str(worker.readiness().get("reason")))
            assert list(dict.fromkeys(line["kind"] for line in refusals(worker))) == ["NOPERM", "OOM"]
            admin.config_set("maxmemory", 0)
            worker.wait_ready()
            admin.config_set("maxmemory-policy", "allkeys-lru")
            eventually("not ready", lambda: "allkeys-lru" in str(worker.readiness().get("reason")))
            assert worker.metric("hushtag_redis_unsafe") == 1
            admin.config_set("maxmemory-policy", "noeviction")
            worker.wait_ready()
        finally:
            worker.kill()
            valkey.kill()
