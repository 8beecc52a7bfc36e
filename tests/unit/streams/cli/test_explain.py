"""The command `hushtag explain`."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import explain
from streams.explain.evidence_report import EvidenceReport
from streams.explain.explanation import Explanation
from streams.explain.hashtag_report import HashtagReport
from streams.settings import Settings
from tests.support.explanations import NOW_MS, decision, history, override, registers_of, scope


@pytest.fixture
def app() -> typer.Typer:
    found = typer.Typer()
    explain.register(found)
    return found


@pytest.mark.parametrize("as_json", [False, True])
def test_explain_prints_everything(app: typer.Typer, as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gather(
        settings: Settings, hashtag: str, country: str | None, at_ms: int | None, *, words: bool
    ) -> Explanation:
        decisions = [decision(1, scope(), scope("search", "review")), decision(2, scope(), country="IN")]
        people = history(override("a", "allow", reason="a protest\nin the news"))
        registers = registers_of(decisions, people)[:1]
        report = HashtagReport(hashtag, decisions, people, registers, NOW_MS, country)
        return Explanation(report, EvidenceReport(), None, "")

    monkeypatch.setattr(explain, "gather_explanation", gather)
    result = CliRunner().invoke(app, ["#TAG", "--json" if as_json else "--all"])
    assert result.exit_code == 0, result.output
    if as_json:
        [line] = result.stdout.splitlines()
        assert json.loads(line)["known"] is True
        return
    for line in (
        "trends, everywhere: hidden",
        "automated, everywhere: suppress for hateful conduct, until 1970-01-01 00:33:20 UTC (for 17 min): decides",
        "harmful share lower 0.5, threshold 0.35, margin +0.15",
        "90 tweets, 40 authors, 0 established, 38 scored; policy p1, model m1",
        "corrected by stage 2 s2, which read the texts of 20 of them",
        "not published yet: allow on trends, everywhere",
        "review for hateful conduct on search, everywhere: hides nothing",
        "allow everywhere on trends by ann: in force (a protest in the news)",
    ):
        assert line in result.stdout, result.stdout
    assert CliRunner().invoke(app, ["unknown"]).exit_code == 3


def test_explain_prints_sentence_and_at_most_fifteen_lines(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gather(*_: object, **__: object) -> Explanation:
        decisions = [decision(at, scope("search" if at % 2 else "trends"), country="IN") for at in range(30)]
        report = HashtagReport("tag", decisions, history(), registers_of(decisions, history()), NOW_MS, None)
        return Explanation(report, EvidenceReport(), None, "")

    monkeypatch.setattr(explain, "gather_explanation", gather)
    sentence, *lines = CliRunner().invoke(app, ["tag"]).stdout.splitlines()
    assert sentence.startswith("#Tag is hidden from search in India by the pipeline for hateful conduct (")
    assert (len(lines) <= 15, lines[-1]) == (True, "more: hushtag explain tag --all")
    assert json.loads(CliRunner().invoke(app, ["tag", "--json"]).stdout)["sentence"] == sentence


def test_explain_refuses_two_words(app: typer.Typer) -> None:
    assert getattr(CliRunner().invoke(app, ["a b"]).exception, "exit_code", None) == 2
