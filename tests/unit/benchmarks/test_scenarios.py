"""The verdict of `make scenarios`: a campaign found and nothing else passes, every other outcome fails."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import scenarios
from devkit.simulation import cli
from devkit.simulation.texts import LabelledTexts

START_MS = 1_000_000


def tag(hashtag: str, kind: str, harmful: bool, country: str = "IN") -> dict[str, object]:
    return {
        "hashtag": hashtag, "kind": kind, "harmful": harmful, "never_suppress": not harmful, "countries": [country],
        "from_ms": START_MS, "to_ms": START_MS + 600_000, "language": "en",
    }  # fmt: skip


def said(hashtag: str, action: str, at_seconds: int, *, country: str = "IN", early: bool = False) -> dict[str, object]:
    at_ms = START_MS + at_seconds * 1000
    ruling = {"category": "abuse", "surface": "trends", "action": action, "since_ms": at_ms, "provisional": early}
    return {"hashtag": hashtag, "country": country, "rulings": [ruling], "decided_at_ms": at_ms, "provisional": early}


TRUTH = [tag("out", "campaign", True), tag("march", "protest", False)]
GOOD = [said("out", "suppress", 12, early=True), said("out", "suppress", 20), said("out", "suppress", 90)]


def test_scenario_passes_with_campaign_found() -> None:
    verdict = scenarios.judge(0, TRUTH, GOOD)
    assert verdict.campaigns == [scenarios.CampaignResult("out", "IN", "en", 20.0, 12.0)]
    assert verdict.campaigns[0].seconds == 12.0
    assert (verdict.false_ones, verdict.early_flags, verdict.withdrawn) == ([], 1, 0)
    assert scenarios.failures([verdict]) == []
    assert scenarios.failures([scenarios.judge(0, TRUTH, [said("out", "suppress", 20, country="*")])]) == []


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [
        ([], "campaign out .* not suppressed"),
        ([said("out", "suppress", 9, early=True)], "only early"),
        ([said("out", "hold", 9), said("out", "review", 9)], "not suppressed"),
        ([said("out", "suppress", 9, country="US")], "not suppressed"),
        ([*GOOD, said("march", "suppress", 30)], "protest march suppressed in IN, settled"),
        ([*GOOD, said("march", "suppress", 30, early=True)], "protest march suppressed in IN, early"),
        ([*GOOD, said("monday", "suppress", 30)], "one-use monday"),
        ([*GOOD, said("out", "clear", 30, early=True)], "1 of 1 early flags withdrawn"),
    ],
)
def test_other_outcomes_fail(decisions: list[dict[str, object]], reason: str) -> None:
    problems = scenarios.failures([scenarios.judge(0, TRUTH, decisions)])
    assert len(problems) == 1
    assert re.search(reason, problems[0])


def test_hold_review_shadow_of_clean_tag_pass() -> None:
    others = [said("march", action, 30) for action in ("hold", "review", "shadow", "clear", "allow")]
    assert scenarios.failures([scenarios.judge(0, TRUTH, [*GOOD, *others])]) == []


def test_few_withdrawals_are_forgiven_many_are_not() -> None:
    flags = [said("out", "suppress", second, early=True) for second in range(20)]
    one = [*GOOD[1:], *flags, said("out", "clear", 30, early=True)]
    assert scenarios.failures([scenarios.judge(0, TRUTH, one)]) == []
    assert scenarios.failures([scenarios.judge(0, TRUTH, [*one, said("out", "clear", 31, early=True)])])


def test_table_shows_every_seed() -> None:
    shown = scenarios.table([scenarios.judge(4, TRUTH, GOOD), scenarios.judge(5, TRUTH, [])])
    assert shown.row_count == 2


def test_dev_splits_become_lines(tmp_path: Path) -> None:
    if not scenarios.DEV.is_dir():
        pytest.skip("../shared/data/harm/dev is absent")
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in scenarios.dev_texts(scenarios.DEV)), encoding="utf-8")
    texts = cli.load_texts(path)
    assert isinstance(texts, LabelledTexts)
    assert min(texts.n_harmful, texts.n_clean) > 1_500
