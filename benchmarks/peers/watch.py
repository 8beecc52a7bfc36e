"""Runs a peer and measures it from outside, the same way for all: from its first tweet until it has nothing more to do.

A peer prints `started`. It is through when it prints `done`, or ends, or wants no processor for some seconds; the clock
is then set back to when it last wanted one. Time spent waiting for a processor counts as wanting one, or a busy machine
would end a peer early. Processor time and memory are read from /proc: start-up is outside of the first, inside of the
second.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS = 0.1
_QUIET_SECONDS = 6.0
_QUIET_SHARE = 0.2
"""Share of one processor below which a process is idle: a JVM's timers take less, a running job much more."""
_START_SECONDS = 90.0
_WRITING_SECONDS = 60.0


class PeerFailed(Exception):
    """A peer did not start, ended with an error, or was not through in time."""


@dataclass(frozen=True)
class Measured:
    """One run: wall and processor seconds from the first tweet to the last, and the most memory it had."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class _Sample:
    at: float
    cpu_seconds: float
    waited_seconds: float

    def wanted_since(self, before: _Sample) -> float:
        """Processors wanted on average since an earlier sample."""
        wanted_seconds = self.cpu_seconds + self.waited_seconds - before.cpu_seconds - before.waited_seconds
        return wanted_seconds / max(self.at - before.at, 1e-9)


def watch(command: list[str], environment: dict[str, str], log: Path, deadline_seconds: float) -> Measured:
    """Run `command` to the end of its work; its processes are ended after that.

    Raises:
        PeerFailed: with the end of what it wrote to its standard error.
    """
    with _running(command, environment, log) as process:
        _until(process, "started", time.monotonic() + _START_SECONDS, log)
        first = last = now = _sample(process.pid)
        recent, most_mb, through = deque([first]), 0.0, False
        while not through:
            line = _line(process, _EVERY_SECONDS)
            ended = process.poll() is not None
            if ended and process.returncode:
                raise PeerFailed(f"ended with {process.returncode}: {_tail(log)}")
            if not ended:
                now, most_mb = _sample(process.pid), max(most_mb, peak_mb(process.pid))
                recent.append(now)
                while now.at - recent[0].at > 1.0:
                    recent.popleft()
                if line == "done" or now.wanted_since(recent[0]) > _QUIET_SHARE:
                    last = now
            through = ended or line == "done" or now.at - last.at > _QUIET_SECONDS
            if now.at - first.at > deadline_seconds:
                raise PeerFailed(f"was not through after {deadline_seconds:.0f} s")
        if line == "done":
            process.wait(_WRITING_SECONDS)
        return Measured(last.at - first.at, last.cpu_seconds - first.cpu_seconds, most_mb)


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, bufsize=0, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _line(process: subprocess.Popen[bytes], seconds: float) -> str:
    """The line that it prints within so many seconds, or nothing; unbuffered, so that none is left unseen."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], seconds)[0]:
        return ""
    line = process.stdout.readline().decode()
    if not line:
        time.sleep(seconds)  # its output is closed: nothing to wait on
    return line.strip()


def _until(process: subprocess.Popen[bytes], word: str, deadline: float, log: Path) -> None:
    while _line(process, _EVERY_SECONDS) != word:
        if process.poll() is not None:
            raise PeerFailed(f"ended before its first tweet: {_tail(log)}")
        if time.monotonic() > deadline:
            raise PeerFailed(f"had no tweet after {_START_SECONDS:.0f} s: {_tail(log)}")


def _sample(pid: int) -> _Sample:
    """Works for an ended process as well, until its exit status is collected."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_seconds = (int(fields[11]) + int(fields[12])) / _TICK
    waited_ns = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            waited_ns += int((thread / "schedstat").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended meanwhile
    return _Sample(time.monotonic(), cpu_seconds, waited_ns / 1e9)


def peak_mb(pid: int) -> float:
    """Return the most resident memory that a process has had, start-up included; 0 once it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-600:] or "it wrote nothing to its standard error"
