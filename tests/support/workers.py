"""Worker processes for tests: the real command with its log in a file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from devkit.stack.ports import free_port
from streams.log.reading import LogReader, connection
from streams.settings import Settings

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


def environment(settings: Settings, **more: object) -> dict[str, str]:
    """Return the environment that gives a process these settings."""
    given = {**settings.model_dump(exclude_defaults=True), **more}
    values = {f"HUSHTAG_{name.upper()}": _text(value) for name, value in given.items()}
    return {**{k: v for k, v in os.environ.items() if not k.startswith("HUSHTAG_")}, **values}


def _text(value: object) -> str:
    return str(value.get_secret_value()) if hasattr(value, "get_secret_value") else str(value)


def hushtag(settings: Settings, *arguments: str, stdin: bytes | None = None, timeout: float = 240) -> bytes:
    """Run a command and return its stdout; a failure shows its stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments],
        env=environment(settings), input=stdin, capture_output=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout


def answer(
    settings: Settings, *arguments: str, variables: Mapping[str, str] = NO_VARIABLES
) -> subprocess.CompletedProcess[bytes]:
    """Run a command that may fail."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments], env=environment(settings) | dict(variables),
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def json_lines(text: bytes) -> Iterator[dict]:
    """Decode each line of JSON."""
    return (json.loads(line) for line in text.splitlines() if line.strip())


def values(settings: Settings, topic: str) -> list[bytes]:
    """Read all values of a topic in this process, since `hushtag dump` takes a second to start."""

    async def read() -> list[bytes]:
        async with LogReader(connection(settings), settings.topic(topic)) as reader:
            return [record.value async for batch in reader.to_end() for record in batch]

    return asyncio.run(read())


class WorkerProcess:
    """A `hushtag worker` process that a test can kill, pause and restart."""

    def __init__(self, settings: Settings, folder: Path, name: str = "w", stages: str = "ingest,judge,publish") -> None:
        self.command = [sys.executable, "-m", "streams.cli.main"]
        """Program that runs the worker; a test may set another version's."""
        self.log = folder / f"{name}.log"
        self.settings = settings
        self._name = name
        self._stages = stages
        self.variables: dict[str, str] = {}
        """Further variables of its environment."""
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self, **more: object) -> WorkerProcess:
        self.port = free_port()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.command, "worker", "--stages", self._stages],
                env=environment(self.settings, metrics_port=self.port, **more) | self.variables,
                stdout=log, stderr=log,
            )  # fmt: skip
        return self

    def wait_ready(self, seconds: float = 120) -> WorkerProcess:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, f"the worker ended:\n{self.tail()}"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"the worker was not ready in {seconds:g} s:\n{self.tail()}")

    def readiness(self) -> dict:
        """Return the answer of /readyz; {} without one."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())
        except OSError:
            return {}

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, seconds: float = 60) -> int:
        """Terminate the process and return its exit code; `test_ending` tests how soon it ends."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the worker did not stop in {seconds:g} s:\n{self.tail()}") from None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code after the end; negative for a signal."""
        return None if self._process is None else self._process.poll()

    def metric(self, name: str, label: str = "") -> float:
        """Return the sum of a metric over its labels, or over the samples with a label as Prometheus writes it."""
        return sum(self._samples(name, label))

    def series(self, name: str) -> int:
        """Return the number of label sets of a metric."""
        return len(self._samples(name))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def metrics(self) -> str:
        """Return all metrics in Prometheus' text format."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            text: str = answer.read().decode()
        return text

    def lowest(self, name: str) -> float:
        """Return the smallest value of a metric over its labels; -1 without values or without an answer."""
        try:
            return min(self._samples(name), default=-1.0)
        except OSError:
            return -1.0

    def _samples(self, name: str, label: str = "") -> list[float]:
        lines = [line for line in self.metrics().splitlines() if label in line]
        return [float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name]

    def tail(self, lines: int = 15) -> str:
        return "\n".join(line[:600] for line in self.log.read_text().splitlines()[-lines:])
