"""Local run of hushtag: the stack, the topics, and `hushtag` commands as child processes that end with the run."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Self

import httpx

from devkit.stack.jars import Report
from devkit.stack.local import LocalStack
from devkit.stack.ports import LOOPBACK, free_port
from devkit.stack.process import KeptProcess
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway
from streams.log.topics import create_topics
from streams.settings import Settings, load_settings

POLICY = Path(__file__).resolve().parents[2] / "config" / "demo-policy.yaml"
_KEPT_SETTINGS = {"HUSHTAG_CACHE", "HUSHTAG_MAVEN_URL"}
_LAST_LINES = 15
_STOP_SECONDS = 8.0
_REPORT_SECONDS = 15.0
_PROBE_SECONDS = 0.1


class HushtagProcess:
    """One `hushtag` command in its own process, with its output in a log file and /readyz on `url`."""

    def __init__(self, name: str, *command: str, logs: Path, url: str) -> None:
        self.name = name
        self.url = url
        self._answer = "no answer"
        self._process = KeptProcess(
            [sys.executable, "-m", "streams.cli.main", *command],
            name=name,
            log_file=logs / f"{name}.log",
            environment=os.environ,
        )

    def check(self) -> None:
        """Raise if the process has ended.

        Raises:
            DependencyAway: with the last lines of its log.
        """
        if not self._process.running:
            raise self._failure(f"ended with exit code {self._process.exit_code}")

    def is_ready(self, client: httpx.Client) -> bool:
        """Ask /readyz, and keep the answer for the error message."""
        try:
            response = client.get(f"{self.url}/readyz")
        except httpx.TransportError:
            return False
        self._answer = response.text
        return response.status_code == 200

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if it does not end in time."""
        self._process.stop(timeout_seconds=_STOP_SECONDS)

    @property
    def answer(self) -> str:
        """The last answer of /readyz."""
        return self._answer.strip()[:200]

    def _failure(self, what: str) -> DependencyAway:
        lines = self._process.last_lines(_LAST_LINES) or "(none)"
        return DependencyAway(
            f"the {self.name} {what}; last lines of its log:\n{lines}", fix=f"see {self._process.log_file}"
        )


class LocalRun:
    """Context manager around a run; at its end all processes and servers are stopped.

    HUSHTAG_ variables of the caller are removed from the environment, so that they cannot affect the run.

    Args:
        folder: receives data and logs.
        report: receives one line on each step of the start.
        settings: further HUSHTAG_ variables of the run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kafka_port: int = 0,
        redis_port: int = 0,
        report: Report = lambda line: None,
        **settings: str,
    ) -> None:
        for name in [name for name in os.environ if name.startswith("HUSHTAG_") and name not in _KEPT_SETTINGS]:
            del os.environ[name]
        self.folder = folder
        self._report = report
        self.stack = LocalStack(folder / "stack", kafka_port=kafka_port, redis_port=redis_port, report=report)
        self._metrics_port = free_port()
        self._settings = settings
        self._processes: list[HushtagProcess] = []

    @cached_property
    def settings(self) -> Settings:
        """Settings of the run; read after `start_servers`."""
        return load_settings()

    def start_servers(self) -> None:
        """Start Kafka and Valkey, and set the environment.

        Raises:
            StackError: one of them does not come up.
        """
        self.stack.start()
        os.environ.update(self.stack.environment(), HUSHTAG_METRICS_PORT=str(self._metrics_port), **self._settings)

    def create_topics(self) -> None:
        """Create the topics of the run."""
        create_topics(self.settings)

    def spawn(self, name: str, *command: str, port: int) -> HushtagProcess:
        """Start a command that serves /readyz on a port."""
        process = HushtagProcess(name, *command, logs=self.folder, url=f"http://{LOOPBACK}:{port}")
        self._processes.append(process)
        return process

    def spawn_worker(self, *options: str) -> HushtagProcess:
        """Start a worker with the options of `hushtag worker`."""
        return self.spawn("worker", "worker", *options, port=self._metrics_port)

    def wait_until_ready(self, process: HushtagProcess) -> None:
        """Wait until a process is ready, for as long as all parts of the run live; report every 15 s why it is not.

        Raises:
            HushtagError: a part of the run ended.
        """
        began = reported = monotonic_seconds()
        with httpx.Client(timeout=2.0) as client:
            while not process.is_ready(client):
                self.check()
                now = monotonic_seconds()
                if now - reported >= _REPORT_SECONDS:
                    reported = now
                    self._report(f"the {process.name} is not ready after {now - began:.0f} s ({process.answer})")
                time.sleep(_PROBE_SECONDS)

    def check(self) -> None:
        """Raise if a server or a process has ended.

        Raises:
            HushtagError: with the last lines of its log.
        """
        for process in self._processes:
            process.check()
        self.stack.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with ThreadPoolExecutor(max(len(self._processes), 1)) as pool:
            list(pool.map(HushtagProcess.stop, self._processes))
        self.stack.stop()
