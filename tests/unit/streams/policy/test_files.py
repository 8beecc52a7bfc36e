"""Files generated from the policy model (JSON Schema, tables of the docs), and the commands that write them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import typer
import yaml
from typer.testing import CliRunner

from models import load_scorer
from streams.cli.policy import TABLE_BEGINS, TABLE_ENDS, register, with_table
from streams.errors import CallerMistake
from streams.policy import PolicyFileError, parse_policy
from streams.policy.schema import policy_schema, tables
from streams.scoring import TextScorer
from tests.support.paths import ROOT
from tests.support.policy_cases import GOOD, edited

SCHEMA = ROOT / "config" / "policy.schema.json"
DOCS = ROOT / "docs" / "policy.md"


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


def test_committed_schema_is_current() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == policy_schema(), (
        "hushtag policy schema --into config/policy.schema.json"
    )


def test_docs_tables_are_current() -> None:
    text = DOCS.read_text("utf-8")
    assert with_table(text, tables()) == text, "hushtag policy schema --table --into docs/policy.md"


def test_every_key_is_documented() -> None:
    for model in (policy_schema(), *policy_schema()["$defs"].values()):
        assert all(one.get("description") for one in model["properties"].values()), model["title"]


def test_schema_accepts_good_and_refuses_bad_policies() -> None:
    validator = jsonschema.Draft202012Validator(policy_schema())
    validator.check_schema(policy_schema())
    for text in (GOOD, *(path.read_text("utf-8") for path in (ROOT / "config").glob("*policy.yaml"))):
        validator.validate(yaml.safe_load(text))
    wrong = {
        5: "    mode: supress",
        7: "    min_tweets: -1",
        9: "    supress_at: 0.5",
        12: "    dwell: 30",
        16: "      - {country: UK, suppress_at: 0.6}",
    }
    for number, line in wrong.items():
        assert not validator.is_valid(yaml.safe_load(edited({number: line}))), line


def test_docs_bounds_equal_scorer_bounds() -> None:
    rows = re.findall(r"^\| (0\.\d) \| (.*) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 4
    scale, column = TextScorer(load_scorer()).scale, 1
    assert scale is not None
    english, roman, devanagari = np.eye(3)
    mix = np.stack((english, english, english, devanagari, roman))
    clean, harmful = (mix @ scale.moments[:, column, side] for side in (0, 1))
    for share, cells in rows:
        mean = clean + float(share) * (harmful - clean)
        _, lower, upper = scale.bounds(mean, np.array([20, 40, 64, 64, 64]), mix, column, 0.95)
        expected = [f"{low:.2f} to {high:.2f}" for low, high in zip(lower, upper, strict=True)]
        assert cells.split(" | ") == expected


def test_docs_examples_are_valid_policies() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    category = GOOD[GOOD.index("categories:") : GOOD.index("never_suppress")]
    modes = set()
    for block in blocks:
        text = "serial: 1\n" + block + ("" if "categories:" in block else category)
        policy = parse_policy(text, "docs/policy.md", shards=8)
        modes |= {rule.mode for rule in policy.rule_table.values()}
    assert len(blocks) >= 6
    assert modes == {"suppress", "hold_for_review", "review", "shadow"}, "an example of each mode"


# ---- the command ----


def test_check_accepts_valid_files(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, "utf-8")
    result = CliRunner().invoke(app, ["policy", "check", str(path), str(ROOT / "config" / "policy.yaml")])
    assert result.exit_code == 0, result.output
    assert result.stdout.count(": good. revision ") == 2
    assert CliRunner().invoke(app, ["policy", "check", "--json", str(path)]).stdout == ""


def test_check_prints_each_problem_of_each_file(app: typer.Typer, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD, "utf-8")
    bad.write_text(edited({5: "    mode: hold", 9: "    supress_at: 0.5"}), "utf-8")
    with pytest.raises(PolicyFileError) as refused:
        parse_policy(bad.read_bytes(), str(bad))
    paths = [str(tmp_path / "none.yaml"), str(tmp_path), str(bad), str(good)]
    result = CliRunner().invoke(app, ["policy", "check", *paths])
    assert result.exit_code == 2
    assert "none.yaml:1:1: cannot be read: No such file" in result.stdout
    assert "cannot be read: Is a directory" in result.stdout
    assert f"{bad}:9:5: unknown key `supress_at`" in result.stdout
    assert "    supress_at: 0.5\n    |     ^^^^^^^^^^\n" in result.stdout
    assert f"{bad}:5:11: 'hold' is not known here" in result.stdout
    assert result.stdout.count("did you mean") == 2
    assert f"{good}: good." in result.stdout
    rows = CliRunner().invoke(app, ["policy", "check", "--json", *paths])
    assert rows.exit_code == 2
    problems = [json.loads(row) for row in rows.stdout.splitlines()]
    assert problems[2:] == [problem.as_json() for problem in refused.value.problems]


def test_check_divides_cap_by_shards(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cap.yaml"
    path.write_text(edited({21: "valves: {new_suppressions_per_hour: 10}"}), "utf-8")
    monkeypatch.setenv("HUSHTAG_SHARDS", "16")
    assert CliRunner().invoke(app, ["policy", "check", str(path)]).exit_code == 2
    assert CliRunner().invoke(app, ["policy", "check", "--shards", "8", str(path)]).exit_code == 0


def test_schema_command_prints_and_writes(app: typer.Typer, tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["policy", "schema"]).stdout
    assert json.loads(printed) == policy_schema()
    assert CliRunner().invoke(app, ["policy", "schema", "--into", str(tmp_path / "s.json")]).exit_code == 0
    assert (tmp_path / "s.json").read_text("utf-8") == printed
    page = tmp_path / "page.md"
    page.write_text(f"before\n{TABLE_BEGINS}\nold\n{TABLE_ENDS}\nafter\n", "utf-8")
    assert CliRunner().invoke(app, ["policy", "schema", "--table", "--into", str(page)]).exit_code == 0
    written = page.read_text("utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "| `suppress_at` |" in written
    assert "old" not in written.splitlines()
    with pytest.raises(CallerMistake, match="no marks"):
        with_table("nothing here", "")
