"""Runs of the scenarios: the list of them, and a short one through the reference."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import pytest

from benchmarks.scenarios import __main__ as command
from benchmarks.scenarios import runs
from benchmarks.scenarios.sources import SIMULATOR
from tests.support.paths import ROOT

POLICY = ROOT / "config" / "demo-policy.yaml"


def test_doctests() -> None:
    assert doctest.testmod(command).failed == 0


def test_runs_are_every_preset_and_seed_of_every_source() -> None:
    found = runs.runs(["dev", "uli_hi"], [1, 2], POLICY, (0, 300))
    assert len(set(found)) == len(found) == 12
    assert {run.source for run in found if run.labels} == {"uli_hi"}


def test_short_run_suppresses_campaigns_and_spares_unread_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.PRESETS, runs.HARD, (2.0, 60.0, 1_000))
    run = runs.ScenarioRun(SIMULATOR, runs.HARD, 1, POLICY)
    verdict = runs.observe(run)
    found = {one.hashtag for one in verdict.tags if one.harmful and one.found}
    assert len(found) >= 2
    assert not any(one.seconds for one in verdict.tags if one.kind == "unread")


def test_command_writes_json_and_picture_and_reports_missed_goals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "names", lambda: (SIMULATOR,))
    monkeypatch.setattr(runs, "PRESETS", {runs.HARD: (0.5, 20.0, 1_000)})
    rows, drawn = tmp_path / "rows.json", tmp_path / "recall.svg"
    code = command.main(["--seeds", "4", "--json", str(rows), "--picture", str(drawn)])
    assert code == command.EXIT_MISSED
    content = json.loads(rows.read_text("utf-8"))
    assert (content["seeds"], len(content["goals"]["0"])) == ("4", 6)
    assert {tag["seed"] for tag in content["tags"]} == {4}
    assert "MISSED" in capsys.readouterr().out
    assert drawn.read_text("utf-8").startswith("<svg")
