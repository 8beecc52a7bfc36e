"""`hushtag simulate`: output, live or not, and errors for wrong arguments."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from devkit.simulation import cli
from devkit.simulation.config import DEFAULT_START_MS
from devkit.simulation.lines import encode_line
from devkit.simulation.run import Simulation
from streams.errors import CallerMistake, ContractError
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet
from tests.support.paths import ROOT
from tests.support.simulator import LABELLED, small


def command(*arguments: str) -> tuple[int, bytes, BaseException | None]:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout_bytes, result.exception


def test_simulate_writes_log_and_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    code, out, _ = command(
        "--seed", "3", "--minutes", "0.3", "--rate", "30", "--partitions", "2", "--truth", str(truth)
    )
    assert code == 0
    rows = [json.loads(row) for row in out.splitlines()]
    assert {row["partition"] for row in rows} == {0, 1}
    assert set(rows[0]) == {
        "partition",
        "offset",
        "log_time_ms",
        "key",
        "value",
    }
    expected = [encode_line(entry) for entry in Simulation(small(3, 0.3, 30, partitions=2)).lines()]
    assert out.splitlines() == expected
    tags = json.loads(truth.read_bytes())["tags"]
    needed = {"hashtag", "kind", "harmful", "never_suppress", "countries", "from_ms", "to_ms"}
    assert all(needed <= tag.keys() and tag["harmful"] != tag["never_suppress"] for tag in tags)
    assert any(tag["harmful"] for tag in tags)


def test_hard_preset_names_variants_in_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    code, out, _ = command("--preset", "hard", "--minutes", "0.5", "--truth", str(truth))
    assert code == 0
    assert out
    tags = json.loads(truth.read_bytes())["tags"]
    assert {tag["variant"] for tag in tags if "variant" in tag} >= {"open", "disguised", "mockery", "before", "after"}
    assert all("variant" not in tag for tag in tags if tag["kind"] in ("unread", "organic"))


def test_bare_payloads_have_no_clock_ahead() -> None:
    code, out, _ = command("--seed", "1", "--minutes", "1.5", "--rate", "60", "--bare")
    assert code == 0
    highest_ms = 0
    for payload in out.split(b"\n"):
        try:
            event = parse(payload)
        except ContractError:
            continue
        if isinstance(event, Tweet):
            highest_ms = max(highest_ms, event.created_at_ms)
    assert DEFAULT_START_MS + 80_000 < highest_ms <= DEFAULT_START_MS + 90_000


def test_simulate_live_paces_records(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    before_ms = cli.now_ms()
    code, out, _ = command("--live", "--minutes", "0.01", "--rate", "50", "--truth", str(truth))
    assert code == 0
    rows = [json.loads(row) for row in out.splitlines()]
    assert rows
    assert all(before_ms <= row["log_time_ms"] for row in rows)
    assert cli.now_ms() - before_ms >= 500
    assert json.loads(truth.read_bytes())["records"]["lines"] == len(rows)


ALONE = "import typer; from devkit.simulation import cli; app = typer.Typer(); cli.register(app); app()"


def test_closed_pipe_is_not_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ALONE, "--minutes", "2"], stdout=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b'{"partition"')
        running.stdout.close()
        assert running.wait(60) == 0


def test_interrupted_live_run_writes_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    arguments = [sys.executable, "-c", ALONE, "--live", "--rate", "20", "--truth", str(truth)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, cwd=ROOT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    ) as running:  # a background job of a shell, and its children, ignore Ctrl-C
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["offset"] == 0
        assert json.loads(truth.read_bytes())["tags"]  # the plan is there while it runs
        running.send_signal(signal.SIGINT)
        running.stdout.read()
        assert running.wait(60) == 0
    assert json.loads(truth.read_bytes())["records"]["lines"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--minutes", "0"), ("--minutes", "nan"), ("--rate", "0"), ("--rate", "inf"), ("--minutes", "99999"),
        ("--preset", "demo", "--rate", "5"), ("--texts", "no/such/file"), ("--truth", "no/such/folder/truth.json"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_reported_with_fix(arguments: tuple[str, ...]) -> None:
    code, out, error = command(*arguments)
    assert code == 1
    assert isinstance(error, CallerMistake)
    assert error.fix
    assert error.exit_code == 2
    assert not out


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a fine enough text", "y": 0}\n{"text": 5, "y": 0}\n', "line 2"),
        ('{"text": "a fine enough text"}\n', "line 1"),
        ('{"text": "a fine enough text", "harmful": 7}\n', "line 1"),
        ("not json\n", "line 1"),
        ('{"text": "only clean texts in here", "y": 0}\n', "0 harmful"),
        ("", "0 harmful and 0 clean"),
    ],
)
def test_malformed_texts_are_reported_with_line(content: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CallerMistake, match=expected):
        cli.load_texts(path)


def test_texts_from_file_are_used(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [{"text": row.text, "harmful": row.harmful, "lang": row.lang} for row in LABELLED]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    code, out, _ = command("--texts", str(path), "--minutes", "0.3", "--rate", "40", "--bare")
    assert code == 0
    tweets = [event for payload in out.splitlines() if isinstance(event := _parsed(payload), Tweet)]
    english = [tweet for tweet in tweets if tweet.lang == "en"]
    assert english
    assert all(re.search("sentence|number", tweet.text.casefold()) for tweet in english)  # copies may lack either


def _parsed(payload: bytes) -> Tweet | Control | None:
    try:
        return parse(payload)
    except ContractError:
        return None
