"""A worker that hardly gets a core becomes ready all the same: its own delay is not the broker's silence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.workers import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(1_200)]

BUSY = 10


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run processes that take all cores. Each has a session of its own, as Linux shares the cores between sessions."""
    busy = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(busy, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def test_starved_worker_becomes_ready(topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics, tmp_path).start().wait_ready()
    worker.stop()
    worker.command = ["nice", "-n", "19", *worker.command]
    with busy_processes(BUSY):
        worker.start().wait_ready(900)
    assert worker.stop() == 0
