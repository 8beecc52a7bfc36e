"""hushtag's worker as it runs in production, started by a benchmark and seen through its metrics."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import redis

from benchmarks.side_by_side import Result, console
from streams.settings import Settings

TWEETS, CPU = "hushtag_tweets_total", "process_cpu_seconds_total"
_SCRAPE_SECONDS = 0.25
"""An answer to one takes a worker some 5 ms."""


class Pipeline:
    """hushtag's worker as it runs in production: all stages in one process, or each set of them in its own.

    It begins with an empty Redis: one that knows other topics takes nothing of new ones.
    """

    def __init__(self, settings: Settings, folder: Path, processes: Sequence[str]) -> None:
        self.settings = settings
        with redis.Redis.from_url(settings.redis_url) as server:
            server.flushall()
        self._log = (folder / "worker.log").open("a")
        self._ports = [settings.metrics_port + number for number in range(len(processes))]
        self._processes: list[subprocess.Popen[bytes]] = []
        for port, stages in reversed(list(zip(self._ports, processes, strict=True))):
            if self._processes:
                self._wait_ready(port + 1)  # whoever reads what this one writes
            own = settings.model_copy(update={"metrics_port": port}).model_dump(exclude_defaults=True)
            environment = {**os.environ, **{f"HUSHTAG_{name.upper()}": str(value) for name, value in own.items()}}
            command = [sys.executable, "-m", "streams.cli.main", "worker", "--stages", stages]
            self._processes.append(subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log))

    def metric(self, name: str) -> float:
        """Sum over labels and processes; 0 of one that does not answer."""
        return sum(self._metric(port, name) for port in self._ports)

    def _metric(self, port: int, name: str) -> float:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            if any(process.poll() is not None for process in self._processes):
                raise SystemExit(f"a worker ended: {Path(self._log.name).read_text()[-2000:]}") from None
            return 0.0
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def _wait_ready(self, port: int) -> None:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    return
            except OSError:
                self._metric(port, "up")
                time.sleep(0.1)

    def read_all(self, name: str, tweets: int) -> Result:
        """From the first tweet to all panes judged and all flags written."""
        with console.status(f"{name}: {tweets:,} tweets"):
            while (before := self.metric(TWEETS)) == 0:
                time.sleep(0.02)
            start, cpu = time.monotonic(), self.metric(CPU)
            self.wait_until_read(tweets)
            seconds = time.monotonic() - start
            cpu = self.metric(CPU) - cpu
            memory = self.metric("process_resident_memory_bytes") / 2**20
        return Result(name, tweets - int(before), seconds, cpu, memory)

    def wait_until_read(self, tweets: int) -> None:
        """So many in all, and everything judged."""
        while self.metric(TWEETS) < tweets or self.metric("hushtag_judge_backlog_records") > 0:
            time.sleep(_SCRAPE_SECONDS)

    def wait_ready(self) -> None:
        """All of them."""
        for port in self._ports:
            self._wait_ready(port)

    def stop(self) -> None:
        """SIGTERM."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(20)
