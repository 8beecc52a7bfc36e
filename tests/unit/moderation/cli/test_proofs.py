"""`hushtag proof`: answers, exit codes, the checkpoint seen before, and what the command imports."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from moderation.cli.proofs import register
from moderation.publiclog.tlog.errors import ProofCode, ProofError
from streams.errors import CallerMistake, DependencyAway
from tests.support.proof_vectors import VECTORS
from tests.support.proof_world import (
    COSIGNED,
    EARLY,
    LOG_KEY,
    NEXT_LOG,
    REPORTED,
    SIZE,
    TO_MS,
    WITNESS_KEYS,
    World,
    published_report,
    split_world,
    world,
)

KEYS = ("--log-key", LOG_KEY, *(word for key in WITNESS_KEYS for word in ("--witness-key", key)))


def publish(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return publish(tmp_path / "log", world().files())


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    return written(tmp_path / "statement.json", world().statement(2))


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def run(*arguments: object, keys: tuple[str, ...] = KEYS, given: str | None = None) -> Result:
    app = typer.Typer()
    register(app)
    app.command("unused")(lambda: None)
    return CliRunner().invoke(app, ["proof", *map(str, arguments), *keys], input=given)


def code_of(result: Result) -> ProofCode:
    assert isinstance(result.exception, ProofError), result
    assert result.exception.exit_code == 3
    assert f"it does not verify ({result.exception.code})" in str(result.exception)
    return result.exception.code


def test_verify_prints_fields_and_limits(statement: Path, log: Path) -> None:
    printed = run("verify", statement, "--folder", log).output
    assert "verified: entry 2 of the log example.com/hushtag" in printed
    assert "  hashtag: tag2\n" in printed
    assert '\n  reason: harmful share above the threshold "0.5"\\nin हिन्दी' in printed
    assert "cosigned by one.example/witness at 2026-11-" in printed
    assert "contains this checkpoint; it has 260 entries now" in printed
    assert "does not prove: that the decision was right" in printed
    assert "not excluded" not in printed


def test_verify_without_witness_keys_says_what_is_not_excluded(statement: Path) -> None:
    printed = run("verify", statement, keys=KEYS[:2]).output
    assert "not excluded: another history of the log for others" in printed
    assert "not compared with the published log" in printed


def test_verify_reads_standard_input() -> None:
    result = run("verify", "-", "--json", given=json.dumps(world().proof(5)))
    assert json.loads(result.output) | {"opened": {}} == {
        "verified": True, "index": 5, "log": "example.com/hushtag", "size": SIZE, "opened": {},
        "cosigned_by": COSIGNED, "not_verified": [],
    }  # fmt: skip


def test_verify_names_the_changed_field(tmp_path: Path) -> None:
    statement = world().statement(2)
    forged = statement | {"entry": statement["entry"] | {"country": "DE"}}
    result = run("verify", written(tmp_path / "forged.json", forged))
    assert code_of(result) is ProofCode.wrong_field
    assert "the field country was changed" not in str(result.exception)
    assert "shows another country than the log: 'DE', not 'IN'" in str(result.exception)
    answer = run("verify", tmp_path / "forged.json", "--json")
    assert answer.exit_code == 3
    assert json.loads(answer.output)["code"] == "wrong_field"
    assert json.loads(answer.output)["field"] == "country"


@pytest.mark.parametrize("arguments", [("--log-key", "x"), ("--log-key", LOG_KEY, "--quorum", "1")])
def test_unusable_keys_are_the_callers_mistake(statement: Path, arguments: tuple[str, ...]) -> None:
    assert isinstance(run("verify", statement, keys=arguments).exception, CallerMistake)


def test_missing_files_are_the_callers_mistake(statement: Path, tmp_path: Path) -> None:
    for arguments in ((tmp_path / "none.json",), (statement, "--folder", tmp_path / "none")):
        assert isinstance(run("verify", *arguments).exception, CallerMistake)


def test_verify_finds_a_published_log_without_its_checkpoint(statement: Path, tmp_path: Path) -> None:
    back = publish(tmp_path / "back", world().files(EARLY))
    assert code_of(run("verify", statement, "--folder", back)) is ProofCode.rolled_back
    split = publish(tmp_path / "split", World(SIZE + 5, changed={3: {"action": "x"}}).files())
    assert code_of(run("verify", statement, "--folder", split)) is ProofCode.split_view
    assert code_of(run("verify", statement, "--folder", publish(tmp_path / "two", split_world().files()))) is (
        ProofCode.split_view
    )
    longer = publish(tmp_path / "longer", World(SIZE + 5).files())
    assert run("verify", statement, "--folder", longer).exit_code == 0
    (longer / "tile/1/000.p/1").write_bytes(bytes(32))
    assert code_of(run("verify", statement, "--folder", longer)) is ProofCode.wrong_path


def test_seen_checkpoint_is_kept_and_compared(statement: Path, log: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    early = publish(tmp_path / "early", world().files(EARLY))
    early_statement = written(tmp_path / "early.json", world().proof(2, size=EARLY))
    assert run("verify", early_statement, "--folder", early, "--seen", seen).exit_code == 0
    assert f"\n{EARLY}\n" in seen.read_text("utf-8")
    assert run("verify", statement, "--folder", log, "--seen", seen).exit_code == 0
    assert f"\n{SIZE}\n" in seen.read_text("utf-8")
    assert run("verify", early_statement, "--folder", log, "--seen", seen).exit_code == 0
    assert code_of(run("verify", early_statement, "--folder", early, "--seen", seen)) is ProofCode.rolled_back
    assert code_of(run("verify", early_statement, "--seen", seen)) is ProofCode.rolled_back
    other = written(tmp_path / "other.json", split_world().proof(2))
    assert code_of(run("verify", other, "--seen", seen)) is ProofCode.split_view
    assert f"\n{SIZE}\n" in seen.read_text("utf-8")
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


@pytest.mark.parametrize("packed", [False, True])
def test_report_lists_its_numbers(log: Path, tmp_path: Path, packed: bool) -> None:
    lines = "\n".join(world().opening_lines()).encode() + b"\n"
    openings, seen = tmp_path / "openings.jsonl", tmp_path / "seen"
    openings.write_bytes(gzip.compress(lines) if packed else lines)
    report = written(tmp_path / "report.json", world().report())
    result = run("report", report, "--openings", openings, "--folder", log, "--seen", seen)
    assert (
        "verified: the report opens the first 258 entries of the log example.com/hushtag, and leaves out none\n"
        "recounted from 2026-11-02 to 2026-11-07, UTC:\n"
    ) in result.output
    assert "counts as of 2026-11-30T00:53:20.000+00:00: 2 later entries of the log are not in it" in result.output
    assert "  decisions_by_people.block: 20\n" in result.output
    assert "  orders_by_country.DE: at least 20\n" in result.output
    assert "not verified: orders, confidential_orders, orders_by_country, targets, states" in result.output
    assert f"\n{SIZE}\n" in seen.read_text("utf-8")


def test_report_names_the_number_that_does_not_add_up(log: Path, tmp_path: Path) -> None:
    openings = tmp_path / "openings.jsonl"
    openings.write_text("\n".join(world().opening_lines()), "utf-8")
    report = written(tmp_path / "report.json", world().report() | {"orders": 7})
    result = run("report", report, "--openings", openings, "--folder", log)
    assert code_of(result) is ProofCode.wrong_number
    assert "the report's number 'orders' without the confidential ones is 5, the log has 40" in str(result.exception)


def openings_of(folder: Path, content: bytes | None = None) -> Path:
    path = folder / "openings"
    path.write_bytes("\n".join(world().opening_lines()).encode() if content is None else content)
    return path


def test_report_before_its_end_is_not_final(log: Path, tmp_path: Path) -> None:
    report = world().report()
    report["log"] |= {"checkpoint": world().checkpoint(REPORTED, at_seconds=TO_MS // 1000 - 60).encode()}
    options = ("--openings", openings_of(tmp_path), "--folder", log)
    result = run("report", written(tmp_path / "report.json", report), *options)
    assert (
        "not final: it counts as of 2026-11-07T23:59:00.000+00:00, before its period ended; 2 later entries"
        in result.output
    )
    result = run("report", tmp_path / "report.json", *options, keys=KEYS[:2])
    assert "not proven: that it counts up to the end of its period, as no witness gives a time" in result.output


def test_report_that_is_not_recounted_says_so_first(log: Path, tmp_path: Path) -> None:
    report = world().report() | {"to_ms": TO_MS - 1}
    report["log"] |= {"entries": None, "first_day": None, "last_day": None}
    options = ("--openings", openings_of(tmp_path), "--folder", log)
    lines = run("report", written(tmp_path / "report.json", report), *options).output.split("\n")
    assert lines[1].startswith("not recounted: the report is not of whole days in UTC")


@pytest.mark.parametrize("cut", [40, -9])
def test_damaged_gzip_of_openings_is_named(log: Path, tmp_path: Path, cut: int) -> None:
    packed = gzip.compress("\n".join(world().opening_lines()).encode())
    openings = openings_of(tmp_path, packed[:cut])
    result = run("report", written(tmp_path / "r", world().report()), "--openings", openings, "--folder", log)
    assert isinstance(result.exception, CallerMistake)
    assert f"cannot read '{openings}'" in str(result.exception)


@pytest.mark.parametrize("place", ["none/seen", "folder"])
def test_seen_file_that_cannot_be_written_is_named(log: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    result = run("log", "--folder", log, "--seen", tmp_path / place)
    assert isinstance(result.exception, CallerMistake)
    assert place.split("/")[0] in str(result.exception)


def test_both_keys_of_a_log_verify_files_from_before_and_after(statement: Path, tmp_path: Path) -> None:
    log = publish(tmp_path / "log", world().files(note=world().checkpoint(keys=(NEXT_LOG,))))
    keys = (*KEYS, "--log-key", str(NEXT_LOG.public_key))
    seen = tmp_path / "seen"
    seen.write_text(world().checkpoint(EARLY).encode(), "utf-8")
    assert code_of(run("verify", statement, "--folder", log)) is ProofCode.wrong_log
    assert run("verify", statement, "--folder", log, "--seen", seen, keys=keys).exit_code == 0
    report, openings = written(tmp_path / "r", world().report()), openings_of(tmp_path)
    assert run("report", report, "--openings", openings, "--folder", log, "--seen", seen, keys=keys).exit_code == 0
    seen.write_text(world().checkpoint(EARLY).encode(), "utf-8")
    assert run("log", "--folder", log, "--seen", seen, keys=keys).exit_code == 0


def test_order_says_that_its_target_is_not_verified(tmp_path: Path) -> None:
    case = next(one for one in VECTORS["proofs"] if one["name"].startswith("an order, whose entry names no target"))
    printed = run("verify", written(tmp_path / "order.json", case["file"])).output
    assert "not verified: dsa, restriction.kind, restriction.target, restriction.display" in printed


def test_published_report_is_compared_with_its_publication(log: Path, tmp_path: Path) -> None:
    publication = written(tmp_path / "publication.json", world().proof(SIZE - 1, ("type", "facts")))
    options = ("--openings", openings_of(tmp_path), "--folder", log, "--publication", publication)
    report = tmp_path / "report.json"
    report.write_text(published_report(), "utf-8")
    printed = run("report", report, *options).output
    assert "published: the log has the publication of exactly this file, as transparency-2026-11-02" in printed
    assert "not verified" not in printed
    report.write_text(published_report().replace(": 96", ": 95").replace("20 to 23", "21 to 24"), "utf-8")
    assert code_of(run("report", report, *options)) is ProofCode.wrong_field


def test_log_verifies_every_entry_and_follows_its_history(log: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    assert "history: nothing to compare with" in run("log", "--folder", log, "--seen", seen).output
    assert "history: contains the checkpoint that you saw before" in run("log", "--folder", log, "--seen", seen).output
    longer = publish(tmp_path / "longer", World(700).files())
    assert json.loads(run("log", "--folder", longer, "--seen", seen, "--json").output)["size"] == 700
    assert code_of(run("log", "--folder", log, "--seen", seen)) is ProofCode.rolled_back
    assert code_of(run("log", "--folder", publish(tmp_path / "x", World(701, changed={600: {"action": "x"}}).files()),
                       "--seen", seen)) is ProofCode.split_view  # fmt: skip
    bundle = longer / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    assert code_of(run("log", "--folder", longer)) is ProofCode.wrong_path
    bundle.unlink()
    assert code_of(run("log", "--folder", longer)) is ProofCode.omitted_entry


def test_published_log_on_a_server_that_is_away_is_reported(statement: Path) -> None:
    result = run("verify", statement, "--folder", "http://127.0.0.1:9")
    assert isinstance(result.exception, DependencyAway)


def test_command_imports_neither_kafka_nor_settings() -> None:
    script = "import sys, moderation.cli.proofs; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"faust", "aiokafka", "kafka", "redis", "streams.settings", "streams.pipeline"} & set(loaded)
