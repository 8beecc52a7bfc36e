"""Run the schedules of the session in lanes, and print the result table at its end.

Environment: `SEEDS` is the number of seeds (default 4, the short form), `FIRST` the first seed, `LANES` the number of
lanes (default 2). `RESULTS` is a file to which each result is appended as a line of JSON; `python -m tests.fault.table
FILE...` prints one table of several such files.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.fault.lanes import lanes
from tests.fault.play import Result
from tests.fault.table import text

SEEDS, FIRST, LANES = (
    int(os.environ.get(name, default)) for name, default in (("SEEDS", 4), ("FIRST", 0), ("LANES", 2))
)
RESULTS = os.environ.get("RESULTS", "")
_done: list[Result] = []
_begun = time.monotonic()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames and metafunc.module.__name__.endswith("test_schedules"):
        metafunc.parametrize("seed", range(FIRST, FIRST + SEEDS))


@pytest.fixture(scope="session")
def schedules() -> Iterator[dict[int, Future[Result]]]:
    """Results by seed, as they arrive. Worker logs of failed schedules stay in `.cache/fault`."""
    base = Path(".cache/fault").resolve()
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    with lanes(base, range(FIRST, FIRST + SEEDS), min(LANES, SEEDS)) as running:
        yield running


@pytest.fixture
def result(schedules: dict[int, Future[Result]], seed: int) -> Result:
    """Return the result of a seed."""
    found = schedules[seed].result()
    _done.append(found)
    if RESULTS:
        with Path(RESULTS).open("a") as file:
            print(json.dumps(found.as_dict()), file=file)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _done:
        return
    terminalreporter.section("faults")
    cores = len(os.sched_getaffinity(0))
    terminalreporter.line(
        f"{len(_done)} schedules in {time.monotonic() - _begun:.0f} s on {cores} cores ({platform.machine()}, "
        f"Python {platform.python_version()}), {time.strftime('%Y-%m-%d')}"
    )
    for line in text(_done).splitlines():
        terminalreporter.line(line)
