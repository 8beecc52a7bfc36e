"""`hushtag model apply`: artefacts that are refused before anything is sent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from models import artefact
from streams.cli import model as commands
from streams.errors import CallerMistake
from tests.support.other_model import GOOD, OTHER, REVISION, packed

APP = typer.Typer()
commands.register(APP)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD[: len(GOOD) // 2], "is not a complete skops file"),
        (packed(digest="0" * 64), "was altered"),
        (packed(features="0" * 12), "was trained on features"),
        (packed(format="hushtag-linear-1"), "has format 'hushtag-linear-1'"),
        (b"", "is not a complete skops file"),
    ],
    ids=["truncated", "tampered", "other features", "other version", "empty"],
)
def test_unusable_artefact_is_refused_with_the_reason(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(data)
    done = CliRunner().invoke(APP, ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--yes"])
    assert isinstance(done.exception, CallerMistake) and why in str(done.exception)
    assert "the live model stays" in done.exception.fix


def test_artefact_larger_than_a_record_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(GOOD)
    monkeypatch.setattr("streams.log.models.MAX_BYTES", 1_000_000)
    with pytest.raises(CallerMistake, match="a record of the topic `models` holds 1,000,000"):
        commands.checked(path)


def test_worse_guarded_figures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(OTHER)
    assert commands.guarded(artefact.ARTEFACT_PATH, GOOD) == []
    (doubt,) = commands.guarded(path, OTHER)
    assert doubt == f"no guarded figures of {REVISION} are known"
    done = CliRunner().invoke(APP, ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--yes"])
    assert done.exit_code == 3 and f"refused: {doubt}" in done.output
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "better": -1}
    reference = {
        "artefact_sha256": hashlib.sha256(OTHER).hexdigest(),
        "figures": {"identity": figure | {"value": 0.7}},
        "previous": {"artefact_sha256": "", "figures": {"identity": figure}},
    }
    (tmp_path / "reference.json").write_bytes(msgspec.json.encode(reference))
    (doubt,) = commands.guarded(path, OTHER)
    assert doubt.startswith("identity: 0.700, was 0.500")


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b"[]", b"{}", b'{"artefact_sha256": "SHA"}', b'{"artefact_sha256": "SHA", "previous": 1}'],
)
def test_unreadable_guarded_figures_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(OTHER)
    (tmp_path / "reference.json").write_bytes(content.replace(b"SHA", hashlib.sha256(OTHER).hexdigest().encode()))
    done = CliRunner().invoke(APP, ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--yes"])
    assert done.exit_code == 3, done.exception
    assert f"refused: {tmp_path / 'reference.json'} has no readable guarded figures" in done.output
    assert "--unguarded" in done.output


def test_missing_confirmation_is_a_caller_mistake(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(OTHER)
    asked = ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--unguarded"]
    done = CliRunner().invoke(APP, asked, input="")
    assert isinstance(done.exception, CallerMistake) and "--yes" in done.exception.fix
    refused = CliRunner().invoke(APP, asked, input="n\n")
    assert refused.exit_code == 3 and "nothing was sent" in refused.output
