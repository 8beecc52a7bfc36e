"""docs/verify_proof.py, which shares no code with hushtag, gives the answers of hushtag's verifier."""

from __future__ import annotations

import ast
import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.proof_vectors import VECTORS, case_lines, files_of, keys_of, text_of
from tests.support.proof_world import LOG_KEY, NEXT_LOG, WITNESS_KEYS, world

PATH = ROOT / "docs/verify_proof.py"
SPEC = importlib.util.spec_from_file_location("verify_proof", PATH)
assert SPEC is not None
assert SPEC.loader is not None
verifier = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verifier)


@pytest.mark.parametrize("case", VECTORS["proofs"], ids=lambda case: case["name"])
def test_proof_is_answered_as_the_vector_says(case: dict[str, Any]) -> None:
    def answer() -> Any:
        return verifier.verify_statement(text_of(case), *keys_of(case), case.get("quorum"), case.get("seen"))

    check(case, answer)


@pytest.mark.parametrize("case", VECTORS["reports"], ids=lambda case: case["name"])
def test_report_is_answered_as_the_vector_says(case: dict[str, Any]) -> None:
    def answer() -> Any:
        return verifier.verify_report(
            json.dumps(case["report"]), case_lines(case), files_of(case).get, *keys_of(case), case.get("quorum"),
            case.get("seen"),
        )  # fmt: skip

    check(case, answer)


def check(case: dict[str, Any], answer: Any) -> None:
    if case["code"] is None:
        assert answer() == case["answer"]
        return
    with pytest.raises(verifier.Refused) as error:
        answer()
    assert (error.value.code, case.get("field", error.value.field)) == (case["code"], error.value.field)


def test_file_imports_the_standard_library_and_cryptography_alone() -> None:
    imported = {
        name.split(".")[0]
        for one in ast.walk(ast.parse(PATH.read_text("utf-8")))
        if isinstance(one, ast.Import | ast.ImportFrom)
        for name in ([one.module or ""] if isinstance(one, ast.ImportFrom) else [alias.name for alias in one.names])
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PATH), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def test_command_verifies_a_statement_and_a_report(tmp_path: Path) -> None:
    for path, content in world().files().items():
        (tmp_path / "log" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / path).write_bytes(content)
    statement, report, openings = (tmp_path / name for name in ("statement.json", "report.json", "openings.jsonl"))
    statement.write_text(json.dumps(world().statement(2)), "utf-8")
    report.write_text(json.dumps(world().report()), "utf-8")
    openings.write_text("\n".join(world().opening_lines()) + "\n", "utf-8")
    keys = ("--log-key", LOG_KEY, "--witness-key", WITNESS_KEYS[0], "--witness-key", WITNESS_KEYS[1])
    done = run("statement", statement, *keys)
    assert (done.returncode, json.loads(done.stdout)["verified"], done.stderr) == (0, True, "")
    done = run("report", report, "--openings", openings, "--folder", tmp_path / "log", *keys)
    assert (done.returncode, json.loads(done.stdout)["verified"], done.stderr) == (0, True, "")
    statement.write_text(json.dumps(world().statement(2)).replace("tag2", "tag3"), "utf-8")
    done = run("statement", statement, *keys)
    assert (done.returncode, done.stdout) == (3, "")
    assert "wrong_field" in done.stderr
    assert run("statement", statement, "--log-key", "x").returncode == 2
    statement.write_text(json.dumps(world().statement(2)), "utf-8")
    done = run("statement", statement, *keys, "--log-key", NEXT_LOG.public_key)
    assert (done.returncode, done.stderr) == (0, "")
    openings.write_bytes(gzip.compress(openings.read_bytes())[:-9])
    done = run("report", report, "--openings", openings, "--folder", tmp_path / "log", *keys)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cannot read '{openings}'")
