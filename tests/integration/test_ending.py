"""The end of a worker: a stuck one ends itself, and a terminated one hands its partitions over at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.workers import WorkerProcess, environment, free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

STUCK = """
import asyncio, time
from streams.pipeline.judge_partition import JudgePartition

async def hangs(self, judge, records):
    {how}

JudgePartition._judge = hangs
from streams.cli.main import run
run()
"""


@pytest.mark.parametrize(
    ("how", "why"),
    [
        pytest.param("time.sleep(600)", "the event loop has not run for", marks=pytest.mark.long),
        ("await asyncio.sleep(600)", "hashtag-partials["),
    ],
)
def test_stuck_worker_ends_itself_with_one_log_line(topics: Settings, how: str, why: str):
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(how=how), "worker"],
        env=environment(topics, stuck_after_seconds=10, metrics_port=free_port()),
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    entry = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == 1
    assert entry["message"] == "worker ends" and entry["kind"] == "Stuck"
    assert entry["error"].startswith("stuck: ") and why in entry["error"]


def test_terminated_worker_hands_over_to_the_other(topics: Settings, tmp_path: Path):
    """After SIGTERM, without static membership, the other worker becomes ready with all partitions."""
    first = WorkerProcess(topics, tmp_path, "first").start().wait_ready()
    second = WorkerProcess(topics, tmp_path, "second").start().wait_ready()
    try:
        deadline = time.monotonic() + 90
        while shards(first) + shards(second) != topics.shards or not shards(second):
            assert time.monotonic() < deadline, "the partitions were never divided"
            time.sleep(0.2)
        assert first.stop() == 0
        deadline = time.monotonic() + 60
        while shards(second) != topics.shards:
            assert time.monotonic() < deadline, second.tail()
            time.sleep(0.05)
        second.wait_ready()
    finally:
        for one in (first, second):
            if one.running:
                one.kill()


def shards(worker: WorkerProcess) -> int:
    """Return the number of shards with judged records."""
    return worker.series("hushtag_open_panes") if worker.running else 0
