"""Base class of the two servers: start, stop, kill, pause, resume and restart on a fixed port and data folder."""

from __future__ import annotations

import math
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from devkit.stack.errors import StackError, StackMistake
from devkit.stack.jars import Report
from devkit.stack.process import KeptProcess
from streams.private_files import PRIVATE_FOLDER

REPORT_SECONDS = 15.0
"""Interval between two reports of a server that is still starting."""
_LEAST_FREE_BYTES = 512 * 1024 * 1024


class Server(ABC):
    """Server of the local stack. Its port is chosen at construction and kept over restarts, as is its data."""

    name: str
    port: int

    def __init__(self, data_dir: Path, *, report: Report = lambda line: None, keep_open: Sequence[int] = ()) -> None:
        self.data_dir = data_dir.resolve()
        self._report = report
        self._keep_open = keep_open
        self._launched_seconds = self._reported_seconds = 0.0
        self._process: KeptProcess | None = None
        self._given_up = False
        _prepare_folder(self.data_dir, self.name)

    @property
    def log_file(self) -> Path:
        """File of the server's output, in its data folder."""
        return self.data_dir / f"{self.name.lower()}.log"

    @property
    def pid(self) -> int:
        """Process id of the running server.

        Raises:
            StackError: it does not run.
        """
        if self._process is None or not self._process.running:
            raise StackError(f"{self.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.running

    def start(self, *, timeout_seconds: float = math.inf) -> None:
        """Start the server and wait until it answers: on a slow disk that takes minutes, and is reported.

        Raises:
            StackError: it ended, or does not answer within `timeout_seconds`; its last log lines are in the message.
        """
        deadline = time.monotonic() + timeout_seconds
        self.launch()
        try:
            self._wait_until_ready(deadline)
        except BaseException:
            self.kill()
            raise

    def give_up(self) -> None:
        """Let a start that runs, or a later one, raise StackError; for signal handlers, which may not wait for it."""
        self._given_up = True

    def launch(self) -> None:
        """Start the server without waiting for its answers; `wait` waits for them."""
        assert not self.running, f"{self.name} runs already"
        command = self._command()
        self._launched_seconds = self._reported_seconds = time.monotonic()
        self._process = KeptProcess(
            command,
            name=self.name,
            log_file=self.log_file,
            folder=self.data_dir,
            keep_open=self._keep_open,
        )

    def wait(self, *, timeout_seconds: float = math.inf) -> None:
        """Wait until a launched server answers.

        Raises:
            StackError: it ended, or does not answer within `timeout_seconds`.
        """
        self._wait_until_ready(time.monotonic() + timeout_seconds)

    def stop(self, *, timeout_seconds: float = 20.0) -> None:
        """Send SIGTERM, and SIGKILL after `timeout_seconds`; does nothing if it does not run."""
        if self._process is not None:
            self._process.stop(timeout_seconds=timeout_seconds)

    def kill(self) -> None:
        """Send SIGKILL; does nothing if it does not run."""
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """Send SIGSTOP: the server keeps its connections but does not answer."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT, which continues a paused server."""
        self._signal(signal.SIGCONT)

    def restart(self, *, timeout_seconds: float = math.inf) -> None:
        """Stop the server if it runs, and start it on the same port and data."""
        self.stop()
        self.start(timeout_seconds=timeout_seconds)

    def check(self) -> None:
        """Raise if the server has ended.

        Raises:
            StackError: with its exit code and last log lines.
        """
        if not self.running:
            raise self._ended("has ended")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @abstractmethod
    def _command(self) -> list[str | Path]:
        """Return the command line."""

    @abstractmethod
    def _wait_until_ready(self, deadline: float) -> None:
        """Return once the server answers; call `_still_starting` between attempts."""

    def _still_starting(self, deadline: float) -> None:
        if self._given_up:
            raise StackError(f"{self.name} was stopped before it answered")
        if not self.running:
            raise self._ended("ended while starting")
        now = time.monotonic()
        if now - self._reported_seconds >= REPORT_SECONDS:
            self._reported_seconds = now
            self._report(f"{self.name} is still starting after {now - self._launched_seconds:.0f} s ({self.log_file})")
        if now > deadline:
            raise StackError(f"{self.name} does not answer on port {self.port} in time", fix=f"see {self.log_file}")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or not self._process.running:
            raise StackError(f"{self.name} does not run")
        self._process.signal(number)

    def _ended(self, what: str) -> StackError:
        message = f"{self.name} {what}"
        if self._process is not None:
            code, lines = self._process.exit_code, self._process.last_lines()
            message += f" by signal {code - 128}" if code is not None and code > 128 else f" with exit code {code}"
            message += f"; last lines of its log:\n{lines}" if lines else ""
        return StackError(message, fix=f"see {self.log_file}")


def _prepare_folder(folder: Path, name: str) -> None:
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise StackMistake(
            f"{name} cannot write to {folder}: {error.strerror}", fix="name another folder with --data"
        ) from None
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise StackMistake(
            f"only {free // 2**20} MB are free where {folder} is, {name} needs {_LEAST_FREE_BYTES // 2**20}",
            fix="free some disk space, or name a folder on another disk with --data",
        )
