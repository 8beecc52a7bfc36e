"""`hushtag warm-up`: no kernel is left out, a second run compiles nothing, and a read-only folder is an error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from models import compiled
from models.compiled import KernelCounts
from streams.cli import warm_up
from streams.errors import CallerMistake
from tests.support.paths import ROOT

LEFT_OUT = """
from streams.cli import warm_up
from tests.support.kernels import all_kernels, called_kernels

known, called = all_kernels(), called_kernels()
assert len(known) >= 25 and len(called) >= 12, (len(known), len(called))
assert not any(one.signatures for one in known), "an import compiles"
warm_up.warm_up(as_json=True)
cold = [name for name, one in called.items() if not one.signatures]
assert not cold, cold
"""


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_every_kernel_is_warmed_and_second_run_compiles_nothing() -> None:
    run("-c", LEFT_OUT)
    counts = json.loads(run("-m", "streams.cli.main", "warm-up", "--json"))
    assert counts["compiled"] == counts["unsaved"] == 0
    assert counts["loaded"] >= 10
    assert counts["kernels"] >= 25


def test_unwritable_folder_is_callers_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = KernelCounts(kernels=3, loaded=1, compiled=2, unsaved=2)
    monkeypatch.setattr(compiled, "kernel_counts", lambda: counts)
    monkeypatch.setattr("models.warm_up.warm_up", lambda: None)
    monkeypatch.setattr("streams.warm_up.warm_up", lambda scorer: None)
    app = typer.Typer()
    warm_up.register(app)
    result = CliRunner().invoke(app, [])
    assert isinstance(result.exception, CallerMistake), result.output
    assert "NUMBA_CACHE_DIR" in result.exception.fix
