"""The browser files: those in place are the releases that the hook names, and it takes no others."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import pytest

import hatch_build
from web.assets import STATIC, VENDOR_FILES


def test_the_files_in_place_are_the_releases() -> None:
    assert sorted(file.name for file in hatch_build.BROWSER_FILES) == sorted(VENDOR_FILES)
    for file in hatch_build.BROWSER_FILES:
        assert hashlib.sha256((STATIC / "vendor" / file.name).read_bytes()).hexdigest() == file.sha256


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Changed:
        def locate_file(self, path: str) -> Path:
            found = tmp_path / Path(path).name
            found.write_text("alert('not the release')")
            return found

    monkeypatch.setattr(metadata, "distribution", lambda name: Changed())
    with pytest.raises(RuntimeError, match="SHA-256"):
        hatch_build.copy_browser_files(tmp_path / "vendor")
    assert not list((tmp_path / "vendor").iterdir())
