"""Settings of Hypothesis, signals, and a summary of simulated schedules."""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, settings

# The duration of an example depends on the machine, that of drawing it too. A failing one prints how to run it again.
settings.register_profile("hushtag", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hushtag")

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # in the background of a shell; the commands of tests would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SCHEDULE = re.compile(r"simulation/test_(models|publish|restarts|successors)\.py::.*\[\d+\]$")
"""Id of a test that plays one history, with its seed in brackets."""

EXAMPLES_SHARE = int(os.environ.get("EXAMPLES_SHARE", "1"))
"""Each property test draws this part of its examples: 4 stands for a quarter. State machines draw all."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Let each property test draw fewer examples, where the caller repeats the suite."""
    if EXAMPLES_SHARE == 1:
        return
    for test in {item.function for item in items if isinstance(item, pytest.Function)}:
        # The settings of a decorator too, which no profile changes: Hypothesis has no public way.
        if (full := getattr(test, "_hypothesis_internal_use_settings", None)) is not None:
            fewer = settings(full, max_examples=max(1, full.max_examples // EXAMPLES_SHARE))
            test._hypothesis_internal_use_settings = fewer


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect garbage neither while thousands of tests are found, nor later among what was found."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of simulated schedules and their rate."""
    found: dict[str, list[float]] = {}
    for report in terminalreporter.getreports("passed"):
        if (match := _SCHEDULE.search(report.nodeid)) is not None:
            found.setdefault("publish" if match[1] == "publish" else "ingest and judge", []).append(report.duration)
    for what, seconds in found.items():
        rate = 60 * len(seconds) / sum(seconds)
        terminalreporter.write_line(
            f"{len(seconds):,} schedules of {what} in {sum(seconds):,.0f} s: {rate:,.0f} a minute and process"
        )
