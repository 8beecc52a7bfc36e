"""Run the schedules of the session in lanes, and print the result table at its end.

Environment: `SEEDS` is the number of seeds (default 4, the short form), `FIRST` the first seed, `LANES` the number of
lanes (default 2). `CLUSTER` is the number of schedules on a cluster of four brokers (default 1), played first and one
by one. `RESULTS` is a file to which each result is appended as a line of JSON; `python -m tests.fault.table
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
from tests.fault.plan import cluster_plan, plan
from tests.fault.play import Result
from tests.fault.table import text
from tests.support.moved_clock import why_clocks_stay

SEEDS, FIRST, LANES, CLUSTER = (
    int(os.environ.get(name, default)) for name, default in (("SEEDS", 4), ("FIRST", 0), ("LANES", 2), ("CLUSTER", 1))
)
RESULTS = os.environ.get("RESULTS", "")
_done: list[Result] = []
_begun = time.monotonic()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, count in (("seed", SEEDS), ("cluster_seed", CLUSTER)):
        if fixture in metafunc.fixturenames and metafunc.module.__name__.endswith("schedules"):
            metafunc.parametrize(fixture, range(FIRST, FIRST + count))


@pytest.fixture(scope="session")
def folder() -> Path:
    """Return the empty folder of the lanes. Worker logs of failed schedules stay in it."""
    base = Path(".cache/fault").resolve()
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    return base


@pytest.fixture(scope="module")
def schedules(folder: Path) -> Iterator[dict[int, Future[Result]]]:
    """Results by seed, as they arrive."""
    with lanes(folder, map(plan, range(FIRST, FIRST + SEEDS)), min(LANES, SEEDS)) as running:
        yield running


@pytest.fixture(scope="module")
def cluster_schedules(folder: Path) -> Iterator[dict[int, Future[Result]]]:
    """Results of the cluster schedules by seed, as they arrive. One lane: five servers are enough for two cores."""
    with lanes(folder, map(cluster_plan, range(FIRST, FIRST + CLUSTER)), 1) as running:
        yield running


@pytest.fixture
def result(schedules: dict[int, Future[Result]], seed: int) -> Result:
    """Return the result of a seed."""
    return _noted(schedules[seed].result())


@pytest.fixture
def cluster_result(cluster_schedules: dict[int, Future[Result]], cluster_seed: int) -> Result:
    """Return the result of a seed on a cluster."""
    return _noted(cluster_schedules[cluster_seed].result())


def _noted(result: Result) -> Result:
    _done.append(result)
    if RESULTS:
        with Path(RESULTS).open("a") as file:
            print(json.dumps(result.as_dict()), file=file)
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _done:
        return
    terminalreporter.section("faults")
    cores = len(os.sched_getaffinity(0))
    terminalreporter.line(
        f"{len(_done)} schedules in {time.monotonic() - _begun:.0f} s on {cores} cores ({platform.machine()}, "
        f"Python {platform.python_version()}), {time.strftime('%Y-%m-%d')}"
    )
    if why := why_clocks_stay():
        terminalreporter.line(f"no clock was moved: {why}")
    for line in text(_done).splitlines():
        terminalreporter.line(line)
