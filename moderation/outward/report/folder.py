"""Folder of published reports: one folder for each publication, which appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from moderation.outward.report.openings import OPENINGS, OpeningsFile
from streams.errors import CallerMistake, file_error

FileState = Literal["kept", "missing", "changed"]


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Compute the SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


class ReportFolder:
    """Folder of published reports, HUSHTAG_REPORTS."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, files: Mapping[str, bytes], openings: OpeningsFile | None = None) -> Path:
        """Write the files to a hidden folder and flush them; `reveal` publishes them.

        Args:
            files: contents by name.
            openings: file of openings of the public log; None leaves it out.

        Raises:
            CallerMistake: the folder does not exist or cannot be written.
            DependencyAway: its disk is full, or fails.
        """
        hidden = self.path / f".{secrets.token_hex(8)}"
        try:
            hidden.mkdir()
            for name, content in files.items():
                with (hidden / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            if openings is not None:
                openings.copy_to(hidden / OPENINGS)
                _flush(hidden / OPENINGS)
            _flush(hidden)
        except OSError as error:
            self.drop(hidden)
            raise file_error(
                "the folder of reports cannot be written",
                error,
                fix="ask an operator: HUSHTAG_REPORTS must name a folder that the API may write",
            ) from None
        return hidden

    def drop(self, hidden: Path) -> None:
        """Remove a prepared folder."""
        shutil.rmtree(hidden, ignore_errors=True)

    def reveal(self, hidden: Path, name: str) -> None:
        """Give a prepared folder its name; an existing folder is never replaced.

        Raises:
            CallerMistake: there is a folder with this name, which is not empty.
        """
        try:
            hidden.rename(self.path / name)
            _flush(self.path)
        except OSError as error:
            self.drop(hidden)
            raise CallerMistake(
                f"{name} is recorded, but its files could not be put into place: {error.strerror}",
                fix="ask an operator to look at the folder of reports, then publish a corrected edition",
            ) from None

    def has(self, name: str) -> bool:
        """Return whether there is anything with this name."""
        return (self.path / name).exists()

    def state(self, name: str, file: str, digest: str) -> FileState:
        """Return whether a published file is as it was published; a large one is read in parts."""
        digested = hashlib.sha256()
        try:
            with (self.path / name / file).open("rb") as content:
                while part := content.read(1 << 20):
                    digested.update(part)
        except OSError:
            return "missing"
        return "kept" if digested.hexdigest() == digest else "changed"

    def read(self, name: str, file: str, digest: str) -> tuple[FileState, bytes]:
        """Read a published file; the content is empty unless it is as it was published."""
        try:
            content = (self.path / name / file).read_bytes()
        except OSError:
            return "missing", b""
        if hashlib.sha256(content).hexdigest() != digest:
            return "changed", b""
        return "kept", content


def _flush(path: Path) -> None:
    """Flush a file or the names in a folder, so that a loss of power takes none away; some file systems cannot."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
