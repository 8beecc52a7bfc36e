"""How a worker ends: stuck, it ends itself; told to, it hands its partitions over at once."""

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
from streams.pipeline.judge import JudgePartition

async def hangs(self, judge, records):
    {how}

JudgePartition._judge = hangs
from streams.cli.main import run
run()
"""


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("time.sleep(600)", "the event loop has not run for"),
        ("await asyncio.sleep(600)", "hashtag-partials["),
    ],
)
def test_a_stuck_worker_ends_itself_and_says_so_in_one_line(topics: Settings, how: str, why: str):
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(how=how), "worker"],
        env=environment(topics, stuck_after_seconds=10, metrics_port=free_port()),
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    said = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == 1
    assert said["message"] == "worker ends" and said["kind"] == "Stuck"
    assert said["error"].startswith("stuck: ") and why in said["error"]


def test_a_worker_that_is_told_to_end_hands_over_within_five_seconds(topics: Settings, tmp_path: Path):
    """By SIGTERM, without a name of its own in the group; the other is ready with all partitions."""
    first = WorkerProcess(topics, tmp_path, "first").start().wait_ready()
    second = WorkerProcess(topics, tmp_path, "second").start().wait_ready()
    try:
        deadline = time.monotonic() + 90
        while shards(first) + shards(second) != topics.shards or not shards(second):
            assert time.monotonic() < deadline, "the partitions were never shared out"
            time.sleep(0.2)
        start = time.monotonic()
        assert first.stop() == 0
        stopped = time.monotonic() - start
        while shards(second) != topics.shards:
            assert time.monotonic() - start < 60, second.tail()
            time.sleep(0.05)
        second.wait_ready()
        taken = time.monotonic() - start
        print(f"ended after {stopped:.2f} s, handed over after {taken:.2f} s")
        assert taken < 5
    finally:
        for one in (first, second):
            if one.running:
                one.kill()


def shards(worker: WorkerProcess) -> int:
    """How many shards it has judged a record of."""
    return worker.series("hushtag_open_panes") if worker.running else 0
