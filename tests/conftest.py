"""What all suites share."""

from __future__ import annotations

import re

import pytest
from hypothesis import settings

# How long one example takes says more of the machine than of the code; a failing one prints how to run it again.
settings.register_profile("hushtag", deadline=None, print_blob=True)
settings.load_profile("hushtag")

_SCHEDULE = re.compile(r"test_simulated_(\w+)\.py::.*\[\d+\]$")
"""A test that is one history, its seed in its name."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many schedules were simulated, and how fast."""
    found: dict[str, list[float]] = {}
    for report in terminalreporter.getreports("passed"):
        if (match := _SCHEDULE.search(report.nodeid)) is not None:
            found.setdefault("publish" if match[1] == "publish" else "ingest and judge", []).append(report.duration)
    for what, seconds in found.items():
        rate = 60 * len(seconds) / sum(seconds)
        terminalreporter.write_line(
            f"{len(seconds):,} schedules of {what} in {sum(seconds):,.0f} s: {rate:,.0f} a minute and process"
        )
