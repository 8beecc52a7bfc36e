"""Files that a third party has of a story: the published folder, one statement, and the report with its openings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATEMENT, REPORT, OPENINGS, PUBLISHED = "statement.json", "report.json", "openings.jsonl", "published"


@dataclass(frozen=True, slots=True)
class EvidenceFiles:
    """Contents of the files."""

    statement: Mapping[str, Any]
    report: Mapping[str, Any]
    openings: tuple[str, ...]
    """Lines of the openings."""
    published: Mapping[str, bytes]
    """Content of each file of the published folder, by its path."""

    def write(self, folder: Path) -> None:
        """Write the files to a new folder."""
        write_published(folder / PUBLISHED, self.published)
        (folder / STATEMENT).write_text(json.dumps(self.statement, ensure_ascii=False), "utf-8")
        (folder / REPORT).write_text(json.dumps(self.report, ensure_ascii=False), "utf-8")
        (folder / OPENINGS).write_text("".join(f"{line}\n" for line in self.openings), "utf-8")


def write_published(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write every file of a published folder."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def published_files(folder: Path) -> dict[str, bytes]:
    """Read every file of a published folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
