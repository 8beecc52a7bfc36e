"""Write the published folder: each file in one step, so that a reader and a crash see the old content or the new."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.proofs.published_log import CHECKPOINT
from moderation.publiclog.tlog.tiles import TILE_WIDTH, Tile, TileName
from streams.errors import HushtagError, file_error

_PART = ".part"
_LOCK = ".lock"


class PublishedFolder:
    """Folder of a published log. Blocks.

    Args:
        folder: it is created if missing; only one process may publish into it.

    Raises (from every method):
        CallerMistake: the folder cannot be read or written.
        DependencyAway: its disk is full, or fails.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failure(error) from None

    def checkpoint(self) -> str | None:
        """Return the published checkpoint; None before the first one."""
        data = self._read(CHECKPOINT)
        return None if data is None else data.decode(errors="replace")

    def tile(self, name: TileName) -> bytes | None:
        """Return a tile or an entry bundle; None if it is missing."""
        return self._read(name.path)

    def write_tile(self, tile: Tile) -> None:
        """Write a tile, unless it is there already.

        Raises:
            AuditBroken: the folder has a full one with other content, which never changes.
        """
        there = self._read(tile.name.path)
        if there == tile.data:
            return
        if there is not None and tile.name.width == TILE_WIDTH:
            first = tile.name.index * TILE_WIDTH ** (1 + (tile.name.level or 0))
            fault = AuditFault(first, "changed", f"{tile.name.path} differs from the log")
            raise AuditBroken(str(self.folder), fault, fix="keep the file as evidence, remove it, and publish again")
        self._write(tile.name.path, tile.data)

    def replace_checkpoint(self, before: str | None, note: str, *, size: int, previous: int) -> bool:
        """Replace the checkpoint, once all its tiles are written, and remove superseded tiles.

        Args:
            before: checkpoint that the folder had when the process read it.
            note: the next one.
            size: its size.
            previous: size of the one before.

        Returns:
            False if another process has replaced it meanwhile: nothing was written.
        """
        with self._locked():
            if self.checkpoint() != before:
                return False
            self._write(CHECKPOINT, note.encode())
            self._remove_superseded(size, previous)
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._failure(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def has_edge(self, size: int) -> bool:
        """Return whether the last entry bundle of a size is there."""
        return all(self._read(name.path) is not None for name in _last(size, None))

    def _remove_superseded(self, size: int, previous: int) -> None:
        """Remove the partial tiles of neither the newest checkpoint nor the one before: bigger ones have their content.

        Args:
            size: size of the newest checkpoint.
            previous: size of the one before, whose readers may still be at work.
        """
        for level in (None, *range(8)):
            last = [name for at in (size, previous) for name in _last(at, level)]
            kept = {self.folder / name.path for name in last}
            for folder in {path.parent.parent for path in kept}:
                for partials in list(folder.glob("*.p")):
                    _remove_all_but(kept, partials)

    def _read(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failure(error) from None

    def _write(self, path: str, data: bytes) -> None:
        target = self.folder / path
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_PART}")  # another process may write it too
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
            directory = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)  # it has a new name at each try, and would fill the disk further
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> HushtagError:
        return file_error(str(self.folder), error, fix="name a folder of yours with --to, and check its rights")


def _remove_all_but(kept: set[Path], folder: Path) -> None:
    for path in list(folder.iterdir()):
        if path not in kept:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()  # only if it is empty


def _last(size: int, level: int | None) -> list[TileName]:
    """Return the partial tile of a level, which the size determines; none if the last tile is full."""
    count = size >> (8 * (level or 0))
    width = count % TILE_WIDTH
    return [TileName(level, count // TILE_WIDTH, width)] if width else []
