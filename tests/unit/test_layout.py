"""Layout of the tests: shared code is in tests/support, and unit tests mirror the rooms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.paths import ROOT

UNIT = ROOT / "tests" / "unit"
ROOMS = {"client": Path("client/hushtag_client")}
"""Packages whose folder has another path below the checkout."""


def imported_names(source: str) -> set[str]:
    """Collect the dotted names that a source imports, also in programs that it passes to `python -c`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {one.name for one in names}
            case ast.ImportFrom(module=module, names=names):
                found |= {f"{module or ''}.{one.name}" for one in names}
            case ast.Constant(value=str(text)):
                found |= set(re.findall(r"\b(?:from|import) (tests\.[\w.]+)", text))
    return found


def test_no_test_module_imports_from_another() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if re.search(r"(?<!\bdef )\btest_", source := path.read_text("utf-8"))  # parsing takes long
        for name in imported_names(source)
        if any(part.startswith("test_") for part in name.split("."))
    }
    assert not wrong


def test_unit_test_folders_mirror_rooms() -> None:
    folders = [
        path.relative_to(UNIT) for path in sorted(UNIT.rglob("*")) if path.is_dir() and path.name != "__pycache__"
    ]
    missing = [
        str(folder)
        for folder in folders
        if not (ROOT / ROOMS.get(folder.parts[0], Path(folder.parts[0])) / Path(*folder.parts[1:])).is_dir()
    ]
    assert folders and not missing


def test_folders_that_unit_suite_skips_mark_every_test() -> None:
    """`make unit` does not import these folders: a test without the mark would run in no suite."""
    (skipped,) = re.findall(r"--ignore tests/,([a-z ]+)\)", (ROOT / "Makefile").read_text("utf-8"))
    for folder in skipped.split():
        marks_all = f"add_marker(pytest.mark.{folder})" in (ROOT / f"tests/{folder}/conftest.py").read_text("utf-8")
        marks_own = re.compile(rf"^pytestmark = \[?\s*pytest\.mark\.{folder}\b", re.MULTILINE)
        files = sorted((ROOT / "tests" / folder).rglob("test_*.py"))
        unmarked = [path.name for path in files if not (marks_all or marks_own.search(path.read_text("utf-8")))]
        assert files and not unmarked, folder
