"""The scenario command from start to end, and the files that it writes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.workers import hushtag

pytestmark = pytest.mark.integration


def test_scenario_india_2021_runs_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # from anywhere
    out = tmp_path / "out"
    began = time.monotonic()
    [line] = hushtag(Settings(), "scenario", "india-2021", "--out", "out", "--json").splitlines()
    seconds = time.monotonic() - began
    summary = json.loads(line)
    assert summary["problems"] == []
    accounts = summary["report"]["outcomes"]["account"]
    assert accounts == {"declined": 645, "withheld": 437, "suspended": 96}
    assert seconds < 60
    assert sorted(path.name for path in out.iterdir()) == [
        "public-update.txt", "reply-to-the-authority.txt", "transparency-report.html", "transparency-report.json",
    ]  # fmt: skip
    assert "437 accounts are withheld in India only" in (out / "public-update.txt").read_text("utf-8")
    assert "<svg" in (out / "transparency-report.html").read_text("utf-8")
