"""A new signal is one file: policy, evidence, decisions, explanations, backtest and statements know it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from streams.signals.registry import SIGNALS
from tests.support.paths import ROOT

TOY = """
from streams.signals.base import SHARE, MeasuredSignal


class Toy(MeasuredSignal):
    name = "toy"
    order = 1_000
    kind = SHARE
    description = "Share of accounts that are a week old."
    label = "Toy accounts"
    statement = "many accounts that are a week old"

    def measure(self, seen):
        return seen.share(seen.age_days >= 0, seen.age_days == 7)

    def uncovered(self, policy, kept):
        if policy.young_days != kept.young_days:
            yield "toy: weeks were longer"


SIGNAL = Toy()
"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("signals")
    (folder / "toy.py").write_text(TOY, "utf-8")
    command = [sys.executable, "-m", "tests.support.toy_signal", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_policy_schema_has_key_of_new_signal(findings: dict[str, Any]) -> None:
    assert findings["schema"] == {
        "description": "Share of accounts that are a week old.",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "type": "number",
    }
    assert findings["most_needed"] == len(SIGNALS) + 1


def test_evidence_measures_and_keeps_new_signal(findings: dict[str, Any]) -> None:
    assert findings["evidence"] == findings["round_trip"] == [0.8]


def test_decision_has_evidence_and_reason_of_new_signal(findings: dict[str, Any]) -> None:
    assert findings["decision"] == 0.8
    assert findings["reason"] == [0.8, 0.5]


def test_explanation_shows_new_signal_with_policy_line(findings: dict[str, Any]) -> None:
    assert findings["explain"] == [0.8, 0.5, True, 12, "toy: 0.5"]
    assert findings["page"] == "Toy accounts"


def test_backtest_decides_by_new_signal(findings: dict[str, Any]) -> None:
    assert findings["backtest"] == [["newly", "tag"]]
    assert "toy: weeks were longer" in findings["coverage"]


def test_statement_of_reasons_names_new_signal(findings: dict[str, Any]) -> None:
    assert "many accounts that are a week old" in findings["statement"]
    assert findings["statement_evidence"] == 0.8
