"""A command in a pseudo-terminal of a size, with typed keys: what a person at a terminal sees and does."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

CTRL_C = "\x03"


class Terminal:
    """Context manager around a command that runs in a terminal; at the end its whole session is killed."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 100,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.output = ""
        given = dict(os.environ if environment is None else environment)
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # of the `make` around the tests
            given.pop(name, None)
        given |= {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            with suppress(OSError):
                os.execvpe(command[0], list(command), given)
            os._exit(127)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.exit_code: int | None = None

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self._terminal, keys.encode())

    def press_until(self, keys: str, words: str, seconds: float = 60.0) -> None:
        """Press keys again each second until words are on the terminal: the first may come before the command reads."""
        deadline = time.monotonic() + seconds
        while words not in self.output and time.monotonic() < deadline:
            self.type(keys)
            with suppress(AssertionError):
                self.wait_for(words, 1.0)
        assert words in self.output, f"{words!r} is not in: {self.output[-2_000:]}"

    def signal(self, number: int) -> None:
        """Send the command a signal."""
        os.kill(self.pid, number)

    def wait_for(self, words: str, seconds: float = 60.0) -> None:
        """Read until words are on the terminal."""
        self._read(lambda: words in self.output, seconds)
        assert words in self.output, f"{words!r} is not in: {self.output[-2_000:]}"

    def wait(self, seconds: float = 60.0) -> int:
        """Read until the command ends, and return its exit code."""
        self._read(lambda: False, seconds)
        if self.exit_code is None:
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.exit_code

    def _read(self, enough: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not enough():
            assert time.monotonic() < deadline, f"no end after {seconds} s: {self.output[-2_000:]}"
            if not select.select([self._terminal], [], [], 0.1)[0]:
                continue
            try:
                chunk = os.read(self._terminal, 65_536)
            except OSError:  # the last process with the terminal has ended
                return
            if not chunk:
                return
            self.output += chunk.decode("utf-8", "replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.exit_code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)  # hangs the other processes of the session up
