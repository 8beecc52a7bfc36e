"""The published folder: files in one step, full tiles that never change, and superseded partial ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.folder import PublishedFolder
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.tiles import Tile, TileBuilder, TileName
from streams.errors import CallerMistake, DependencyAway


def grow(folder: PublishedFolder, tree: TileBuilder, size: int) -> None:
    while tree.size < size:
        for tile in tree.append(leaf_hash(b"%d" % tree.size)):
            folder.write_tile(tile)
    for tile in tree.partial_tiles():
        folder.write_tile(tile)


def replace(folder: PublishedFolder, before: str | None, note: str, *, size: int = 0) -> bool:
    return folder.replace_checkpoint(before, note, size=size, previous=0)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_full_tile_is_never_replaced(tmp_path: Path) -> None:
    folder, full = PublishedFolder(tmp_path), TileName(0, 3, 256)
    folder.write_tile(Tile(full, b"a"))
    folder.write_tile(Tile(full, b"a"))
    with pytest.raises(AuditBroken, match=r"entry 768: changed: tile/0/003 differs from the log"):
        folder.write_tile(Tile(full, b"b"))
    partial = TileName(0, 4, 9)
    folder.write_tile(Tile(partial, b"a"))
    folder.write_tile(Tile(partial, b"b"))
    assert (folder.tile(full), folder.tile(partial), folder.tile(TileName(0, 5, 1))) == (b"a", b"b", None)


def test_superseded_partial_tiles_go_after_one_more_checkpoint(tmp_path: Path) -> None:
    folder, tree, previous = PublishedFolder(tmp_path), TileBuilder(), 0
    for size in (3, 250, 260, 600, 601):
        grow(folder, tree, size)
        before = folder.checkpoint()
        assert folder.replace_checkpoint(before, str(size), size=size, previous=previous)
        kept = {width for at in (previous, size) if (width := at % 256)}
        found = {
            int(name.rpartition("/")[2]) for name in names(tmp_path) if name.startswith("tile/0/") and ".p/" in name
        }
        assert found == kept, size
        assert TileBuilder.resume(size, folder.tile).root() == tree.root()
        previous = size
    assert {"tile/0/000", "tile/0/001"} <= names(tmp_path)


def test_crash_during_a_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PublishedFolder(tmp_path / "log")
    assert folder.checkpoint() is None
    assert replace(folder, None, "old")

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    for _ in range(3):
        with pytest.raises(DependencyAway, match="No space left"):
            replace(folder, "old", "new")
    monkeypatch.undo()
    assert names(tmp_path / "log") <= {"checkpoint", ".lock"}, "what was written in part would fill the disk further"
    assert folder.checkpoint() == "old"
    assert replace(folder, "old", "new")
    assert folder.checkpoint() == "new"


def test_paused_publisher_does_not_replace_a_newer_checkpoint(tmp_path: Path) -> None:
    paused, successor = PublishedFolder(tmp_path), PublishedFolder(tmp_path)
    grow(paused, TileBuilder(), 9)
    assert replace(paused, None, "9 entries", size=9)
    grow(successor, TileBuilder(), 20)
    assert replace(successor, "9 entries", "20 entries", size=20)
    before = names(tmp_path)
    assert not replace(paused, "9 entries", "12 entries", size=12)
    assert (paused.checkpoint(), names(tmp_path)) == ("20 entries", before)


def test_missing_last_bundle_is_found(tmp_path: Path) -> None:
    folder = PublishedFolder(tmp_path)
    folder.write_tile(Tile(TileName(None, 0, 9), b"leaves"))
    assert folder.has_edge(9) and folder.has_edge(256) and not folder.has_edge(10)


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    with pytest.raises(CallerMistake, match="File exists") as refused:
        PublishedFolder(tmp_path / "log")
    assert refused.value.exit_code == 2
