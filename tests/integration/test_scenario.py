"""The scenario command from start to end, and the files that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.workers import hushtag

pytestmark = [pytest.mark.integration, pytest.mark.long]


def test_scenario_india_2021_runs_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # from anywhere
    out = tmp_path / "out"
    [line] = hushtag(Settings(), "scenario", "india-2021", "--out", "out", "--json").splitlines()
    summary = json.loads(line)
    assert summary["problems"] == []
    assert summary["checked"] > 350
    facts = summary["report"]
    assert facts["states"]["account"] == {"declined": 666, "ended": 427, "suspended": 96, "withheld": 44, "released": 6}
    assert (facts["targets"]["account"], facts["requested"]["account"]) == (1239, 1359)
    assert summary["forgeries_found"] == 12
    assert sorted(path.name for path in out.iterdir()) == [
        "keys.txt", "openings.jsonl", "public-update.txt", "published", "reply-1.txt", "reply-2.txt", "reply-3.txt",
        "statement.json", "transparency-report.csv", "transparency-report.html", "transparency-report.json",
    ]  # fmt: skip
    keys = (out / "keys.txt").read_text("utf-8").split()
    checked = hushtag(Settings(), "proof", "verify", "out/statement.json", *keys, "--folder", "out/published", "--json")
    assert json.loads(checked)["verified"]
    assert "44 accounts are withheld in India only" in (out / "public-update.txt").read_text("utf-8")
    assert "<svg" in (out / "transparency-report.html").read_text("utf-8")
