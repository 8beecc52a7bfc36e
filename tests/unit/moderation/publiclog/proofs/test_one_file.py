"""docs/verify_proof.py: the one file that outsiders download is the verifier that `hushtag proof` runs."""

from __future__ import annotations

import ast
import gzip
import json
import subprocess
import sys
from pathlib import Path

from moderation.publiclog.proofs import verify_proof
from tests.support.paths import ROOT
from tests.support.proof_world import LOG_KEY, NEXT_LOG, SIZE, WITNESS_KEYS, published_report, world

PATH = ROOT / "docs/verify_proof.py"


def test_command_runs_the_file_that_outsiders_download() -> None:
    assert Path(verify_proof.__file__).resolve() == PATH


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


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


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
    assert (done.returncode, json.loads(done.stdout)["verified"]) == (0, True)
    assert done.stderr.startswith("not verified: dsa, restriction.actor, ")
    folder = ("--folder", tmp_path / "log")
    done = run("report", report, "--openings", openings, *folder, *keys)
    assert (done.returncode, json.loads(done.stdout)["verified"]) == (0, True)
    assert "not verified: orders, confidential_orders, orders_by_country, targets, states" in done.stderr
    published = written(tmp_path / "published.json", published_report())
    publication = written(tmp_path / "publication.json", json.dumps(world().proof(SIZE - 1, ("type", "facts"))))
    done = run("report", published, "--openings", openings, *folder, "--publication", publication, *keys)
    assert (done.returncode, done.stderr) == (0, "")
    done = run("log", *folder, *keys)
    assert (done.returncode, json.loads(done.stdout)["size"]) == (0, SIZE)
    assert run("log", *keys).returncode == 2
    statement.write_text(json.dumps(world().statement(2)).replace("tag2", "tag3"), "utf-8")
    done = run("statement", statement, *keys)
    assert (done.returncode, done.stdout) == (3, "")
    assert "wrong_field" in done.stderr
    assert run("statement", statement, "--log-key", "x").returncode == 2
    statement.write_text(json.dumps(world().statement(2)), "utf-8")
    done = run("statement", statement, *keys, "--log-key", NEXT_LOG.public_key)
    assert done.returncode == 0
    openings.write_bytes(gzip.compress(openings.read_bytes())[:-9])
    done = run("report", report, "--openings", openings, "--folder", tmp_path / "log", *keys)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cannot read '{openings}'")
