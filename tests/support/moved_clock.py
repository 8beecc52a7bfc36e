"""Wall clock of processes that a test moves, by libfaketime; monotonic clocks go on, as when a host's clock is set."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

_READ_EVERY_SECONDS = 1
"""Interval at which a process reads how far its clock is off."""


class MovedClock:
    """Clock of some processes, which are started with its environment; right at first.

    Args:
        file: file in which the processes find the error of their clock.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.move(0)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the processes."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(_READ_EVERY_SECONDS),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def move(self, seconds: int) -> None:
        """Set the clock wrong by some seconds; 0 sets it right. Processes follow within a second."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self._file)


@cache
def why_clocks_stay() -> str:
    """Return why no clock can be moved here; "" if it can."""
    library = _library()
    if library is None:
        return "libfaketime is not installed: make install"
    show = [sys.executable, "-c", "import time; print(int(time.time()))"]
    environment = os.environ | {"LD_PRELOAD": str(library), "FAKETIME": "+3600"}
    shown = [
        int(subprocess.run(show, env=variables, capture_output=True, check=True).stdout)
        for variables in (os.environ, environment)
    ]
    return "" if shown[1] - shown[0] >= 3_600 else f"{library} moves no clock on this machine"


def _library() -> Path | None:
    package = importlib.util.find_spec("libfaketime")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
