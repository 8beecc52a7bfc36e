"""The build hook copies only the named releases of the browser files."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import pytest

import hatch_build
from web.assets import STATIC, VENDOR_FILES


def test_vendor_files_are_the_named_releases() -> None:
    assert sorted(file.name for file in hatch_build.BROWSER_FILES) == sorted(VENDOR_FILES)
    for file in hatch_build.BROWSER_FILES:
        assert hashlib.sha256((STATIC / "vendor" / file.name).read_bytes()).hexdigest() == file.sha256


def test_file_with_other_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Changed:
        def locate_file(self, path: str) -> Path:
            found = tmp_path / Path(path).name
            found.write_text("alert('not the release')")
            return found

    monkeypatch.setattr(metadata, "distribution", lambda name: Changed())
    with pytest.raises(RuntimeError, match="SHA-256"):
        hatch_build.copy_browser_files(tmp_path / "vendor")
    assert not list((tmp_path / "vendor").iterdir())
