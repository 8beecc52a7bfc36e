"""Child process under a keeper, which ends it when the parent process ends, even by kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from devkit.stack.errors import StackError

_KEEPER = Path(__file__).with_name("keeper.py")


class KeptProcess:
    """Running child process. The keeper forwards signals and has not reaped the child, so its pid cannot be reused."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        name: str,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        grace_seconds: float = 5.0,
        keep_open: Sequence[int] = (),
    ) -> None:
        """Start a command.

        Args:
            command: program and arguments.
            name: name for error messages.
            log_file: receives standard output and standard error.
            environment: environment of the child; None: the present one.
            folder: working folder of the child; None: the present one.
            grace_seconds: time between SIGTERM and SIGKILL once the parent has ended.
            keep_open: file descriptors, such as a lock, that the keeper holds until the child has ended.

        Raises:
            StackError: it cannot be started.
        """
        self.name = name
        self.log_file = log_file
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), str(os.getpid()), str(grace_seconds), str(log_file)]
        self._keeper = subprocess.Popen(
            [*keeper, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=None if environment is None else dict(environment),
            cwd=folder,
            start_new_session=True,  # Ctrl-C in a terminal reaches the parent alone, which stops children in order
            pass_fds=tuple(keep_open),
        )
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._commands, self._answers = self._keeper.stdin, self._keeper.stdout
        self._lock = threading.Lock()
        answer = self._answers.readline().decode(errors="replace").strip()
        if not answer.isdigit():
            self._release()
            self._keeper.wait()
            raise StackError(f"{name} cannot be started: {answer.removeprefix('error ')}", fix=f"see {log_file}")
        self.pid = int(answer)
        """Process id of the child."""

    @property
    def exit_code(self) -> int | None:
        """Exit code of the child, or 128 + signal; None while it runs."""
        code = self._keeper.poll()
        return 128 - code if code is not None and code < 0 else code

    @property
    def running(self) -> bool:
        """Whether the child has not ended."""
        return self.exit_code is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal and return once it is sent; does nothing if the child has ended."""
        with self._lock, suppress(OSError, ValueError):
            self._commands.write(bytes([number]))
            self._answers.read(1)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the child to end; return False if it still runs after `timeout_seconds`."""
        try:
            self._keeper.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *, timeout_seconds: float = 20.0) -> None:
        """Send SIGTERM, then SIGKILL after `timeout_seconds`; return when it has ended. May be called again."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        if not self.wait(timeout_seconds):
            self.kill()
        self._release()

    def kill(self) -> None:
        """Send SIGKILL and return when it has ended."""
        self.signal(signal.SIGKILL)
        self._keeper.wait()
        self._release()

    def _release(self) -> None:
        for pipe in (self._commands, self._answers):
            with suppress(OSError):
                pipe.close()

    def last_lines(self, lines: int = 5) -> str:
        """Return the last lines of its log, for an error message; "" without a log."""
        try:
            text = self.log_file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join([line[:300] for line in text.splitlines() if line.strip()][-lines:])
