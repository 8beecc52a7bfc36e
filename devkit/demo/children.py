"""The processes of the demo: started under keepers, so that none outlives it, and watched, so that none is missed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx

from devkit.stack.process import KeptProcess
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway

_LAST_LINES = 15
_STOP_SECONDS = 8.0
_START_SECONDS = 60.0
_PROBE_SECONDS = 0.1


class Child:
    """One `hushtag` command in a process of its own, with its output in a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        logs: Path,
        url: str,
        environment: Mapping[str, str],
        module: str = "streams.cli.main",
    ) -> None:
        self.name = name
        self.url = url
        self._process = KeptProcess(
            [sys.executable, "-m", module, *command],
            name=name,
            log_file=logs / f"{name}.log",
            environment=environment,
        )

    def check(self) -> None:
        """Raise if it has ended.

        Raises:
            DependencyAway: with the last lines of its log.
        """
        if not self._process.running:
            raise DependencyAway(
                f"the {self.name} ended with exit code {self._process.exit_code}; its last words:\n"
                + (self._process.last_words(_LAST_LINES) or "(none)"),
                fix=f"see {self._process.log_file}",
            )

    def wait_until_ready(self, check_others: Callable[[], None]) -> None:
        """Wait until its /readyz says yes.

        Raises:
            DependencyAway: it ends, or is not ready within a minute.
        """
        deadline = monotonic_seconds() + _START_SECONDS
        answer = "no answer"
        with httpx.Client(timeout=2.0) as client:
            while True:
                self.check()
                check_others()
                try:
                    response = client.get(f"{self.url}/readyz")
                    if response.status_code == 200:
                        return
                    answer = response.text
                except httpx.TransportError:
                    pass
                if monotonic_seconds() > deadline:
                    raise DependencyAway(
                        f"the {self.name} is not ready after {_START_SECONDS:g} s ({answer.strip()[:200]}); "
                        f"its last words:\n{self._process.last_words(_LAST_LINES)}",
                        fix=f"see {self._process.log_file}",
                    )
                time.sleep(_PROBE_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not help."""
        self._process.stop(timeout_seconds=_STOP_SECONDS)


class Children:
    """A context: all that were added are stopped together at its end."""

    def __init__(self) -> None:
        self._all: list[Child] = []

    def add(self, child: Child) -> Child:
        """Take care of a child."""
        self._all.append(child)
        return child

    def check(self) -> None:
        """Raise if one of them has ended.

        Raises:
            DependencyAway: with the last lines of its log.
        """
        for child in self._all:
            child.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with ThreadPoolExecutor(max(len(self._all), 1)) as pool:
            list(pool.map(Child.stop, self._all))
