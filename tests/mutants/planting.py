"""Copies of the checkout in which a bug is planted and tests run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.catalogue import Mutation
from tests.support.paths import ROOT

COPIED = ("streams", "models", "client", "moderation", "surfaces", "web", "devkit", "tests", "pyproject.toml")
LINKED = ("benchmarks", "config", "docs")
"""Folders that tests read; no bug is planted there."""
TIMEOUT_SECONDS = 120
"""Time limit of one mutation's tests; a mutation that makes them hang is found, too."""


@contextmanager
def copy_of_checkout(*mutations: Mutation) -> Iterator[Path]:
    """Yield a folder with the files that mutations change, and links to the others that tests read.

    Raises:
        ValueError: A mutation does not fit its file, or its folder is only linked.
    """
    with tempfile.TemporaryDirectory(prefix="hushtag-mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("*.egg-info", ".hypothesis"))
            else:
                shutil.copy2(source, copy / name)
        for name in LINKED:
            (copy / name).symlink_to(ROOT / name)
        for mutation in mutations:
            _plant(mutation, copy)
        yield copy


def _plant(mutation: Mutation, copy: Path) -> None:
    path = copy / mutation.file
    if not path.resolve().is_relative_to(copy.resolve()):
        raise ValueError(f"{mutation.file} is only linked: add its folder to COPIED")
    planted = mutation.planted(path.read_text("utf-8"))
    for old in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        old.unlink()  # stays valid for a source of equal length and second
    path.write_text(planted, "utf-8")


def pytest_in(copy: Path, *arguments: str, seconds: int = TIMEOUT_SECONDS, **variables: str) -> tuple[int, str]:
    """Run tests of a copy. Return the exit code and the output."""
    paths = [str(copy), str(copy / "client")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"} | variables
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not integration", *arguments]
    try:
        done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return 1, f"FAILED {arguments[-1]} - not finished within {seconds} s"
    return done.returncode, done.stdout + done.stderr


def failed_tests(output: str) -> list[str]:
    """Return the ids of the tests that failed."""
    return re.findall(r"^FAILED (\S+)", output, re.MULTILINE)
