"""File of openings: type and day of every entry of the public log up to a report's checkpoint.

With it anyone recounts the report, and finds an entry that it omits. A line is `[index, salt of the type, type, salt of
the day, day]` in JSON. A large log makes a large file, so it is written while the log is read, and lives on disk only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

OPENINGS = "openings.jsonl"
"""Name of the published file."""


class OpeningsFile:
    """Openings in a temporary file, which goes with its last reference."""

    def __init__(self) -> None:
        self.lines = 0
        self._file = tempfile.NamedTemporaryFile(prefix="openings-")  # noqa: SIM115 - it lives as long as the object
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """SHA-256 of the lines so far, in hexadecimal."""
        return self._hash.hexdigest()

    def add(self, type_salt: str, type_: str, period_salt: str, period: str | None) -> None:
        """Append the openings of the next entry."""
        row = [self.lines, type_salt, type_, period_salt, period]
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._file.write(line)
        self._hash.update(line)
        self.lines += 1

    def copy_to(self, path: Path) -> None:
        """Copy the file to a path; raises OSError."""
        self._file.flush()
        shutil.copyfile(self._file.name, path)
