"""A server process under a keeper: started, signalled and stopped; gone when whoever started it is gone."""

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
    """One running server. Signals go through the keeper, which holds the child unreaped: a pid is never mistaken."""

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
        """Start `command`. `keep_open`: file descriptors that the keeper holds until the server has ended (a lock).

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
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone; we stop the servers in order
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
        """Process id of the server itself."""

    @property
    def exit_code(self) -> int | None:
        """None while it runs; else the server's exit code, 128 + signal if one ended it."""
        code = self._keeper.poll()
        return 128 - code if code is not None and code < 0 else code

    @property
    def running(self) -> bool:
        return self.exit_code is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and return once it is sent; nothing happens if the server has ended."""
        with self._lock, suppress(OSError, ValueError):
            self._commands.write(bytes([number]))
            self._answers.read(1)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the end; False if it still runs after `timeout_seconds`."""
        try:
            self._keeper.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *, timeout_seconds: float = 20.0) -> None:
        """SIGTERM, then SIGKILL after `timeout_seconds`; returns when it has ended. May be called again."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        if not self.wait(timeout_seconds):
            self.kill()
        self._release()

    def kill(self) -> None:
        """SIGKILL; returns when it has ended."""
        self.signal(signal.SIGKILL)
        self._keeper.wait()
        self._release()

    def _release(self) -> None:
        for pipe in (self._commands, self._answers):
            with suppress(OSError):
                pipe.close()

    def last_words(self, lines: int = 5) -> str:
        """The last lines of its log, for an error message; "" if there is none."""
        try:
            text = self.log_file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join([line[:300] for line in text.splitlines() if line.strip()][-lines:])
