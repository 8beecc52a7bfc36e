"""The third party of the scenario: it believes the genuine files, and finds each of twelve forgeries."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.scenario.evidence_files import EvidenceFiles, published_files
from devkit.scenario.forgeries import FORGERIES, Forger, Forgery
from devkit.scenario.third_party import KEYS, SEEN, answers
from moderation.publiclog.proofs.published_log import CHECKPOINT
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from tests.support.paths import ROOT
from tests.support.proof_world import LOG, LOG_KEY, NAME, WITNESS_KEYS, WITNESSES, World

EARLIER, ENTRY = 120, 128


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def files(world: World) -> EvidenceFiles:
    lines = tuple(world.opening_lines())
    return EvidenceFiles(world.statement(ENTRY), world.report("IN"), lines, world.files())


@pytest.fixture(scope="module")
def forger(world: World) -> Forger:
    other = PrivateKey(NAME, KeyKind.log, b"o" * 32)
    return Forger(LOG, other, WITNESSES, world.files(EARLIER), 1_800_000_000)


def answer_on(folder: Path, files: EvidenceFiles, forger: Forger) -> tuple[str, str]:
    files.write(folder / "case-00")
    (folder / SEEN).write_bytes(forger.earlier[CHECKPOINT])
    (folder / KEYS).write_text(json.dumps({"log": LOG_KEY, "witnesses": WITNESS_KEYS}))
    [found] = answers(folder)
    return found["code"], found.get("what", "")


def test_genuine_files_verify(tmp_path: Path, files: EvidenceFiles, forger: Forger) -> None:
    assert answer_on(tmp_path, files, forger) == ("verified", "")
    assert published_files(tmp_path / "case-00" / "published") == dict(files.published)


def test_there_are_twelve_forgeries() -> None:
    assert len({one.name for one in FORGERIES}) == 12


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: one.name)
def test_forgery_is_found_by_its_code(tmp_path: Path, forgery: Forgery, files: EvidenceFiles, forger: Forger) -> None:
    code, what = answer_on(tmp_path, forgery.forge(forger, files), forger)
    assert code in forgery.codes, what


def test_rollback_is_found_without_an_earlier_visit(tmp_path: Path, files: EvidenceFiles, forger: Forger) -> None:
    """The statement itself names a checkpoint beyond the published one."""
    visit = replace(forger, earlier=files.published)
    assert answer_on(tmp_path, replace(files, published=forger.earlier), visit)[0] == "rolled_back"


def test_third_party_imports_nothing_of_the_pipeline() -> None:
    source = ROOT / "devkit/scenario/third_party.py"
    modules = [
        node.module or "" for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.ImportFrom)
    ]
    allowed = ("__future__", "collections", "pathlib", "typing", "devkit.scenario.evidence_files",
               "moderation.publiclog.proofs", "moderation.publiclog.tlog")  # fmt: skip
    assert [one for one in modules if not one.startswith(allowed)] == []
