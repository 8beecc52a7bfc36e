"""File of openings: type and day of every entry of the public log up to a report's checkpoint.

With it anyone recounts the report, and finds an entry that it omits. A line is `[index, salt of the type, type, salt of
the day, day]` in JSON. A large log makes a large file, so it is written while the log is read. It lies in the folder of
reports, where it goes in the end: the temporary folder of a pod is small, and in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import weakref
from pathlib import Path

from streams.errors import HushtagError, file_error

OPENINGS = "openings.jsonl"
"""Name of the published file."""
_PART_BYTES = 1 << 20


class OpeningsFile:
    """Openings in a file without a name, which goes with its last reference.

    Args:
        folder: folder of reports; None: the temporary folder.

    Raises:
        CallerMistake: the folder does not exist or cannot be written.
        DependencyAway: its disk is full, or fails.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.lines = 0
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._hash = hashlib.sha256()
        try:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives as long as the object
        except OSError as error:
            raise self._unwritable(error) from None
        weakref.finalize(self, self._file.close)

    @property
    def sha256(self) -> str:
        """SHA-256 of the lines so far, in hexadecimal."""
        return self._hash.hexdigest()

    def add(self, type_salt: str, type_: str, period_salt: str, period: str | None) -> None:
        """Append the openings of the next entry; raises DependencyAway if the disk has no space for it."""
        row = [self.lines, type_salt, type_, period_salt, period]
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            raise self._unwritable(error) from None
        self._hash.update(line)
        self.lines += 1

    def copy_to(self, path: Path) -> None:
        """Copy the file to a path; several threads may at once. Raises OSError."""
        self._file.flush()
        at = 0
        with path.open("wb") as copy:
            while part := os.pread(self._file.fileno(), _PART_BYTES, at):
                copy.write(part)
                at += len(part)

    def _unwritable(self, error: OSError) -> HushtagError:
        return file_error(
            f"the openings of the public log cannot be written to {self._folder}",
            error,
            fix="ask an operator: HUSHTAG_REPORTS, or else TMPDIR, must name a folder with 100 bytes for each entry",
        )
