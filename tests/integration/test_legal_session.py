"""The legal officer's session in docs/legal-orders.md, run as written on a local stack with a publish stage.

Output may differ from the page in times, versions and spaces only. A line of `...` stands for lines that the page
leaves out. After a change, copy what the test prints.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from moderation.outward.statements.dsa import DsaBatch
from streams.cli.main import make_app
from streams.settings import Settings
from tests.support.paths import ROOT
from tests.support.workers import WorkerProcess, environment

pytestmark = [pytest.mark.integration, pytest.mark.long]
PAGE = ROOT / "docs" / "legal-orders.md"
RECEIVED = "2026-11-28T09:00+05:30"
"""Receipt on the page; the test receives the orders an hour ago, so that no deadline has passed."""
_VARIES = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( UTC)?|\d\d:\d\d:\d\d UTC", "TIME"),
    (r"version [0-9a-f.:-]+", "version V"),
    (r"\s+", " "),
)


def steps(page: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the recorded session with the lines that the page shows below it."""
    block = re.search(r"## A recorded session\n.*?```console\n(.*?)```", page, re.DOTALL)
    assert block is not None
    command, shown = "", []
    for line in block[1].replace("\\\n", " ").splitlines():
        if not line.startswith("$ "):
            shown.append(line)
            continue
        if command:
            yield command, shown
        command, shown = line.removeprefix("$ "), []
    yield command, shown


def comparable(line: str) -> str:
    for pattern, name in _VARIES:
        line = re.sub(pattern, name, line)
    return line.rstrip()


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether the output is as shown; `...` stands for any lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(comparable(line)) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(comparable(line) + "\n" for line in printed)) is not None


@pytest.fixture
def worker(topics: Settings, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A real publish stage."""
    (tmp_path / "worker").mkdir()
    worker = WorkerProcess(topics, tmp_path / "worker", stages="publish").start()
    worker.wait_ready()
    yield worker
    worker.stop()


def test_recorded_session_prints_what_page_shows(
    topics: Settings, worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = make_app(), tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, value in environment(topics, policy=ROOT / "config" / "policy.yaml").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOGNAME", "lee")
    received = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="minutes")
    differences: list[str] = []
    for command, shown in steps(PAGE.read_text("utf-8")):
        words = shlex.split(command.replace(RECEIVED, received))
        if words[0] == "cat":
            (folder / words[1]).write_text("\n".join(shown) + "\n", "utf-8")
        elif words[0] == "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, value)
        else:
            assert words[0] == "hushtag"
            into = folder / words[words.index(">") + 1] if ">" in words else None
            arguments = words[1 : words.index(">") if into else None]
            done = CliRunner().invoke(app, arguments)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            if into is not None:
                into.write_text(done.stdout, "utf-8")
            printed = (done.stderr + ("" if into else done.stdout)).splitlines()
            if not matches(shown, printed):
                differences.append("\n".join([f"$ {command}", *printed]))
    assert not differences, "the page shows something else:\n" + "\n".join(differences)
    for line in (folder / "statements.json").read_text("utf-8").splitlines():
        DsaBatch.model_validate_json(line)
    letter = (folder / "reply.txt").read_text("utf-8")
    assert "5500000001" in letter and "5500000002" not in letter, "the letter names no protected speaker"
