"""Bad policies, refused by the library and by the command with position and hint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from streams.cli.policy import register
from streams.policy import PolicyFileError, parse_policy
from tests.support.policy_cases import BAD, GOOD, SHARDS, Bad

ids = [case.name for case in BAD]


def test_table_has_distinct_cases() -> None:
    assert len(BAD) >= 45
    assert len(set(ids)) == len(ids)
    parse_policy(GOOD, "good.yaml", shards=SHARDS)


@pytest.mark.parametrize("case", BAD, ids=ids)
def test_parse_reports_bad_policy(case: Bad) -> None:
    with pytest.raises(PolicyFileError) as caught:
        parse_policy(case.content, "bad.yaml", shards=SHARDS)
    problems = caught.value.problems
    shown = "\n".join(problem.render() for problem in problems)
    here = [problem for problem in problems if (problem.line, problem.column) == (case.line, case.column)]
    assert here, shown
    assert any(case.message in problem.message and case.hint in problem.hint for problem in here), shown
    assert len(problems) == case.count, shown
    for problem in here:
        rows = problem.render().splitlines()
        assert rows[0].startswith(f"bad.yaml:{case.line}:{case.column}: ")
        if problem.source.strip():
            assert rows[2].strip(" |").strip("^") == "", "the third row is the carets"
    assert problems[0].message in caught.value.summary


def test_check_command_reports_bad_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUSHTAG_SHARDS", raising=False)
    app = typer.Typer()
    register(app)
    runner = CliRunner()
    for case in BAD:
        path = tmp_path / "bad.yaml"
        path.write_bytes(case.content)
        result = runner.invoke(app, ["policy", "check", "--json", str(path)])
        assert result.exit_code == 2, (case.name, result.output)
        found = [json.loads(row) for row in result.stdout.splitlines()]
        assert len(found) == case.count, case.name
        assert any(
            (one["line"], one["column"]) == (case.line, case.column)
            and case.message in one["message"]
            and case.hint in one["hint"]
            for one in found
        ), (case.name, found)
