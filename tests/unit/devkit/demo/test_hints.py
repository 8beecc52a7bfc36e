"""Hints of the demo: each fits a terminal of 100 columns, with the longest names and ports of a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hushtag_client.registers import Register

from devkit.demo import view
from devkit.demo.public_log import write_check_script
from devkit.demo.state import DemoState, TrendRow
from devkit.demo.traffic import Traffic
from devkit.scenario.public_log import StoryLog
from streams.settings import Settings
from tests.support.terminal_text import drawn

FOLDER = ".cache/demo-4194304-abcdefgh"
COLUMNS, ROWS = 100, 40
NARROW = 80


@pytest.fixture(scope="module")
def longest_name() -> str:
    return max((tag["display"] for tag in Traffic(Settings(), seed=7)._run.truth()["tags"]), key=len)


def state_with(name: str, which: str) -> DemoState:
    """Build the state with the longest hints, about a trend, a flag or a person's decision."""
    state = DemoState(
        "http://127.0.0.1:65535", "http://127.0.0.1:65535", f"{FOLDER}/demo-policy.yaml",
        "export HUSHTAG_KAFKA=127.0.0.1:65535 HUSHTAG_REDIS_URL=redis://127.0.0.1:65535/0", None,
        "http://127.0.0.1:65535/login/link?token=" + "x" * 22, (), f"{FOLDER}/check-log",
    )  # fmt: skip
    register = Register(
        hashtag=name.lower(), display=name, version="1", action="suppress", surface="trends",
        source="automated" if which == "flag" else "human", expires_at_ms=2**40,
    )  # fmt: skip
    state.rows = [TrendRow(1, name.lower(), name, 99_999, [1] * 8)] if which == "trend" else []
    state.held = [register] if which == "flag" else []
    state.by_people = [register] if which == "decision" else []
    return state


def name_of(line: str) -> str:
    return line[2:18].rstrip()


@pytest.mark.parametrize("which", ["trend", "flag", "decision"])
def test_hints_fit_a_terminal(longest_name: str, which: str) -> None:
    state = state_with(longest_name, which)
    lines = view.hint_lines(state)
    assert max(map(len, lines)) <= COLUMNS, max(lines, key=len)
    assert [line for line in lines if len(line) > NARROW and name_of(line) != "export first"] == []
    screen = drawn(view.screen(state, ROWS), COLUMNS, ROWS).splitlines()
    assert len(screen) <= ROWS
    for label, command in view.hints(state):
        assert [line for line in screen if line.startswith(label) and line.rstrip().endswith(command)], command


def test_check_script_checks_the_log(tmp_path: Path) -> None:
    log = StoryLog.new(tmp_path / "public-log")
    script = write_check_script(log, tmp_path)
    refused = subprocess.run(["sh", script], capture_output=True, text=True, timeout=60)
    assert f"there is no folder '{log.folder}'" in refused.stderr, "all options are known"
    assert str(Path(sys.executable).parent) in script.read_text()
