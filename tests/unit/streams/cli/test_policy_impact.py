"""`hushtag policy impact` over a file of evidence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import make_app
from streams.errors import CallerMistake
from tests.support.backtest_cases import BASE, LIVE, steady
from tests.support.evidence_files import write_evidence

NEW = BASE.replace("[tag1]", "[tag2]").replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6")
SHARES = {"tag1": 0.9, "tag2": 0.9, "a": 0.66, "<b>bold": 0.9}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "live.yaml").write_text(BASE, "utf-8")
    (tmp_path / "new.yaml").write_text(NEW, "utf-8")
    write_evidence(tmp_path / "evidence.jsonl", steady(LIVE, SHARES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUSHTAG_POLICY", "live.yaml")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(*args: str):
    return CliRunner().invoke(make_app("policy"), ["policy", "impact", *args], catch_exceptions=True)


def test_terminal_lists_protected_changes_first(files):
    result = run("new.yaml", "--evidence", "evidence.jsonl")
    assert result.exit_code == 0, result.output
    out = result.stdout
    assert "1 newly suppressed; 2 no longer suppressed." in out
    order = [out.index("Protected: would be hit"), out.index("loses its protection"), out.index("#a\t")]
    assert order == sorted(order)
    assert "120 tag-panes of 1 shard, 1970-01-01 00:00 UTC" in out
    assert "suppress_at: l 0.4, n 0.4\n" in out and "█" in out
    assert "suppressed 01-01 00:" in out
    assert "Early ones" in out


def test_json_prints_one_object(files):
    result = run("new.yaml", "--evidence", "evidence.jsonl", "--json")
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    assert [(one["hashtag"], one["kind"], one["was_protected"]) for one in found["changes"]] == [
        ("tag1", "newly", True), ("a", "cleared", False), ("tag2", "cleared", False)
    ]  # fmt: skip
    assert found["changes"][0]["new"]["authors"] == 50
    assert [one["hashtag"] for one in found["protected"]] == ["tag2"]
    assert found["tag_panes"] == 120 and found["needs_replay"] == []


def test_page_is_self_contained(files):
    text = BASE.replace("suppress_at: 0.4", "suppress_at: 0.95\n    clear_at: 0.94").replace("    clear_at: 0.3\n", "")
    text = text.replace("[tag1]", "[]").replace("0.95\n", "0.9\n").replace("0.94", "0.8").replace("0.5}", "0.9}")
    (files / "new.yaml").write_text(text, "utf-8")
    result = run("new.yaml", "--evidence", "evidence.jsonl", "--html", "page.html")
    assert result.exit_code == 0, result.output
    assert (files / "page.html").stat().st_mode & 0o077 == 0, "it names hashtags"
    page = (files / "page.html").read_text("utf-8")
    assert "#&lt;b&gt;bold" in page and "<b>bold" not in page
    assert page.count("<svg") == 2 and "live 0.4" in page and "new 0.9" in page
    assert not re.findall(r"""(?:src|href|url\()\s*=?\s*["']?(?!data:)(?:https?:|//)""", page)
    assert "<script" not in page and "default-src 'none'" in page


def test_uncovered_scopes_need_replay(files):
    (files / "new.yaml").write_text(NEW.replace("[2m, 20m]", "[2m, 5m, 20m]"), "utf-8")
    result = run("new.yaml", "--evidence", "evidence.jsonl")
    assert "hateful_conduct on search and trends needs replay (new policy): window 5m was not counted" in result.stdout
    lines = result.stdout.splitlines()
    assert lines[0].startswith("hateful_conduct on search and trends needs replay (new policy): window 5m"), (
        "comes first"
    )
    assert lines[1].endswith("Not known without a replay: hateful_conduct on search and trends.")
    assert "would change" not in result.stdout


def test_change_that_no_evidence_answers_comes_first(files):
    (files / "new.yaml").write_text(BASE + "max_tags_per_pane: 100\n", "utf-8")
    lines = run("new.yaml", "--evidence", "evidence.jsonl").stdout.splitlines()
    assert lines[0] == "max_tags_per_pane 50000 → 100: the evidence lacks hashtags that a crowded pane drops"
    assert lines[1].endswith("Nothing else would change.")


def test_since_counts_from_last_record_of_file(files):
    def tag_panes(*args: str) -> int:
        return json.loads(run("new.yaml", "--evidence", "evidence.jsonl", "--json", *args).stdout)["tag_panes"]

    assert (tag_panes(), tag_panes("--since", "24h")) == (120, 120)
    assert 0 < tag_panes("--since", "1m") < 120


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--evidence", "none.jsonl"), "cannot read none.jsonl"),
        (("--evidence", "text.jsonl"), "line 1 is not evidence"),
        (("--evidence", "evidence.jsonl", "--live", "none.yaml"), "cannot read the policy none.yaml"),
        (("--evidence", "evidence.jsonl", "--html", "no/such/page.html"), "cannot write no/such/page.html"),
        (("--since", "soon", "--live", "live.yaml"), "--since 'soon' is not a duration"),
        (("--since", "soon", "--evidence", "evidence.jsonl"), "--since 'soon' is not a duration"),
    ],
)
def test_mistakes_are_reported(files, args, message):
    (files / "text.jsonl").write_text(json.dumps({"partition": 0, "offset": 0, "log_time_ms": 0, "value": "hello"}))
    result = run("new.yaml", *args)
    assert isinstance(result.exception, CallerMistake) and message in str(result.exception)
    assert result.exception.fix
