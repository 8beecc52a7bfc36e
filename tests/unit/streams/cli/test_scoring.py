"""`hushtag score` and `hushtag train`."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import models
from devkit import modelling
from models import artefact, training
from streams.cli import scoring
from streams.errors import CallerMistake


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    scoring.register(app)
    modelling.register(app)
    return app


def run(app: typer.Typer, *arguments: str, lines: bytes = b"") -> Result:
    return CliRunner().invoke(app, list(arguments), input=lines)


def mistake(result: Result) -> CallerMistake:
    assert isinstance(result.exception, CallerMistake), result.output
    assert result.exception.exit_code == 2
    return result.exception


def test_scores_in_order(app: typer.Typer) -> None:
    texts = ["good morning", "kill all muslims", "तू रंडी है", "", "\ud800", "a\nb"] * 100
    lines = b"".join(json.dumps({"text": text, "lang": "en"}).encode() + b"\n" for text in texts)
    result = run(app, "score", lines=lines.removesuffix(b"\n"))
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == len(texts)
    assert answers[:6] * 100 == answers
    assert answers[0]["harmful"] < 0.3 < 0.6 < answers[1]["harmful"]
    assert list(answers[0]["categories"]) == ["hateful_conduct", "abuse", "gendered_abuse"]
    assert all(answer["harmful"] >= max(answer["categories"].values()) for answer in answers)


def test_score_of_unread_language_is_null(app: typer.Typer) -> None:
    rows = [
        {"text": "இந்த படம் மிகவும் நன்றாக இருக்கிறது"},
        {"text": "Feliz cumpleaños hermana, te quiero mucho"},
        {"text": "enna da panra", "lang": "ta"},
        {"text": "mausam bahut accha hai aaj", "lang": "in"},
        {"text": "आज मौसम बहुत अच्छा है"},
        {"text": "आज मौसम बहुत अच्छा है", "lang": "mr"},
        {"text": "have a lovely day", "lang": "en-IN"},
        {"text": "#only"},
    ]
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    result = run(app, "score", "--explain", lines=lines)
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["language"] for answer in answers] == ["ta", "es", "ta", "hi-Latn", "hi", "mr", "en", "und"]
    for answer in answers:
        unread = answer["language"] in ("ta", "es", "mr")
        assert all((p is None) is unread for p in (answer["harmful"], *answer["categories"].values()))
        explanation = answer["explanation"]
        assert (explanation is None) is (unread or answer["language"] == "und")
        assert explanation is None or explanation["language"] == answer["language"]


def test_explanation_adds_up_and_masks_words(app: typer.Typer) -> None:
    lines = b"".join(json.dumps({"text": text}).encode() + b"\n" for text in ("you v e r m i n", "तू रंडी है", "#only"))
    in_full, masked = (
        [json.loads(line) for line in run(app, "score", *options, lines=lines).stdout.splitlines()]
        for options in (["--show-terms"], ["--explain"])
    )
    assert next(word for word, _ in in_full[0]["explanation"]["terms"]) in ("vermin", "you")
    for full, hidden in zip(in_full[:2], masked[:2], strict=True):
        explanation = full["explanation"]
        log_odds = (
            explanation["intercept"]
            + explanation["rest"]
            + sum(contribution for _, contribution in explanation["terms"])
        )
        assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(full["harmful"], abs=1e-3)
        assert not {word for word, _ in explanation["terms"]} & {word for word, _ in hidden["explanation"]["terms"]}
    assert in_full[2]["explanation"] is None


def test_evaluate_measures_own_folder(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelling, "_N_SIMULATED", 60)  # the full number takes seconds
    rows = [{"text": f"you {word} number {i}", "y": i % 2} for i in range(90) for word in ("vermin", "friend")]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = tmp_path / "page.html"
    result = run(app, "evaluate", "--data", str(tmp_path), "--html", str(page), "--json")
    assert result.exit_code == 0, result.output
    figures = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"dev", "probes", "simulated"} == {figure["texts"] for figure in figures}
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in figures if figure["measure"] == "AUC")
    assert "<svg" in page.read_text("utf-8")
    assert "no labelled texts" in str(mistake(run(app, "evaluate", "--data", str(tmp_path / "absent"))))


def test_score_without_input_prints_nothing(app: typer.Typer) -> None:
    result = run(app, "score", "--json")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "line 2: not JSON at column 1"),
        (b"", "line 2: not JSON"),
        (b"\xff\xfe", "line 2: not UTF-8 at byte 0"),
        (b"[]", 'line 2: expected an object with "text"'),
        (b'{"txt": "a"}', 'line 2: expected an object with "text"'),
        (b'{"text": null}', 'line 2: "text" is NoneType, expected a string'),
        (b'{"text": "a", "lang": 3}', 'line 2: "lang" is int, expected a string'),
        (b"[" * 100_000, "line 2: nested too deeply"),
    ],
)
def test_score_ends_at_bad_line(app: typer.Typer, line: bytes, reason: str) -> None:
    result = run(app, "score", lines=b'{"text": "fine"}\n' + line + b'\n{"text": "never read"}\n')
    error = mistake(result)
    assert str(error).startswith(reason)
    assert '{"text": "..."' in error.fix
    assert len(result.stdout.splitlines()) == 1


def test_broken_model_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    broken = tmp_path / "broken.skops"
    broken.write_bytes(artefact.ARTEFACT_PATH.read_bytes()[:1000])
    error = mistake(run(app, "score", "--model", str(broken), lines=b'{"text": "a"}\n'))
    assert "is not a complete" in str(error)


def test_score_answers_while_input_is_open() -> None:
    program = (
        "import typer; from devkit import modelling; from streams.cli import scoring; app = typer.Typer(); "
        "scoring.register(app); modelling.register(app); app()"
    )
    command = [sys.executable, "-c", program, "score"]
    environment = os.environ | {"PYTHONPATH": str(Path(scoring.__file__).parents[2])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("one", "two"):
            process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
            process.stdin.flush()
            assert "harmful" in json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait() == 0


def test_train_without_data_names_missing_file(app: typer.Typer, tmp_path: Path) -> None:
    error = mistake(run(app, "train", "--data", str(tmp_path), "--out", str(tmp_path / "m.skops")))
    assert "davidson.jsonl" in str(error)
    assert not (tmp_path / "m.skops").exists()


def test_train_writes_model_file(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = artefact.ARTEFACT_PATH.read_bytes()
    monkeypatch.setattr(training, "train", lambda folder, recipe, progress: good)
    (tmp_path / "train").mkdir()
    out = tmp_path / "deep" / "model.skops"
    error = mistake(run(app, "train", "--data", str(tmp_path), "--out", str(out)))
    assert "licences/" in str(error)
    assert "--any-data" in error.fix
    result = run(app, "train", "--data", str(tmp_path), "--out", str(out), "--any-data", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer == {"revision": artefact.load(out).revision, "bytes": len(good), "out": str(out)}
    assert [path.name for path in out.parent.iterdir()] == ["model.skops"]


def test_train_into_unwritable_folder_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file" / "m.skops", tmp_path):
        error = mistake(run(app, "train", "--data", str(tmp_path), "--out", str(out)))
        assert "cannot be written" in str(error)


def test_score_without_encoder_is_refused(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> models.Scorer:
        raise models.EncoderUnavailable("a package is missing: onnxruntime")

    monkeypatch.setattr(models, "load_stack", missing)
    line = b'{"text": "good morning"}\n'
    for arguments in (("score", "--stage", "2"), ("evaluate", "--stage", "2")):
        error = mistake(run(app, *arguments, lines=line))
        assert "onnxruntime" in str(error) and "make encoder" in error.fix
    assert "no terms" in str(mistake(run(app, "score", "--stage", "2", "--explain", lines=line)))
    assert "the gate guards" in str(mistake(run(app, "evaluate", "--stage", "2", "--record")))
    assert run(app, "score", "--stage", "3", lines=line).exit_code == 2


def test_train_without_encoder_is_refused(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "models.encoder", None)
    error = mistake(run(app, "train", "--stage", "2", "--data", str(tmp_path), "--out", str(tmp_path / "s.skops")))
    assert "make encoder" in error.fix
