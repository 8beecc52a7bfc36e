"""Files that hold names, texts or decisions of a platform are for their owner alone, also under a wide umask."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.stack.local import LocalStack
from devkit.stack.process import KeptProcess
from streams.cli.output import replace_file, write_text


@pytest.fixture(autouse=True)
def _wide_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_private_text_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_text(tmp_path / "private", "x", private=True)
    replace_file(tmp_path / "replaced", b"x", private=True)
    assert (mode(tmp_path / "private"), mode(tmp_path / "replaced")) == (0o600, 0o600)


def test_public_text_stays_readable(tmp_path: Path) -> None:
    write_text(tmp_path / "public", "x")
    replace_file(tmp_path / "replaced", b"x")
    assert mode(tmp_path / "public") & 0o044 == 0o044 and mode(tmp_path / "replaced") == 0o644


def test_private_text_keeps_a_mode_that_someone_chose(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    path.touch()
    path.chmod(0o640)
    write_text(path, "x", private=True)
    replace_file(path, b"y", private=True)
    assert mode(path) == 0o640


def test_log_of_a_process_is_for_its_owner_alone(tmp_path: Path) -> None:
    process = KeptProcess([sys.executable, "-c", "print('link')"], name="x", log_file=tmp_path / "x.log")
    process.stop(timeout_seconds=10)
    assert mode(tmp_path / "x.log") == 0o600


def test_data_of_a_stack_is_for_its_owner_alone(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "stack", secure=True)
    try:
        assert mode(stack.data_dir) == 0o700
    finally:
        stack.stop()
