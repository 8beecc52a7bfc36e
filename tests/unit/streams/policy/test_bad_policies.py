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


def test_check_command_reports_all_problems_of_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command adds nothing to the parser's problems, which the cases above show one by one."""
    monkeypatch.delenv("HUSHTAG_SHARDS", raising=False)
    app = typer.Typer()
    register(app)
    paths, expected = [], []
    for number, case in enumerate(sorted(BAD, key=lambda case: case.count)[-2:]):
        path = tmp_path / f"bad{number}.yaml"
        path.write_bytes(case.content)
        with pytest.raises(PolicyFileError) as caught:
            parse_policy(case.content, str(path))
        paths.append(str(path))
        expected += [problem.as_json() for problem in caught.value.problems]
    result = CliRunner().invoke(app, ["policy", "check", "--json", *paths])
    assert result.exit_code == 2
    assert [json.loads(row) for row in result.stdout.splitlines()] == expected
    assert len(expected) > 2
