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
        for name in imported_names(path.read_text("utf-8"))
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
