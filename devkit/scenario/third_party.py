"""A third party: a process that has files and keys alone, and finds out which of several files it may believe.

`python -m devkit.scenario.third_party FOLDER` reads `keys.json`, the checkpoint that it saw before (`seen`), and a
folder for each case. It prints one JSON object a case. It reads no settings, and imports nothing that knows Kafka.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from devkit.scenario.evidence_files import OPENINGS, PUBLISHED, REPORT, STATEMENT
from moderation.publiclog.proofs.published_log import published_files
from moderation.publiclog.proofs.verify_proof import Keys, Refused, lines_of, read_keys, verify_report, verify_statement

KEYS, SEEN, CASES = "keys.json", "seen", "case-*"


class CaseAnswer(TypedDict, total=False):
    """Answer about one case: three numbers if its `code` is `verified`, else the reason in `what`."""

    case: str
    code: str
    what: str
    entry: int
    size: int
    numbers: int


def check_case(folder: Path, keys: Keys, seen: str) -> CaseAnswer:
    """Verify a statement and a report against a published folder.

    Args:
        folder: files of the case.
        keys: keys, from a source that the publisher does not control.
        seen: last checkpoint that was seen before.

    Raises:
        Refused: one of them does not verify.
    """
    read = published_files(str(folder / PUBLISHED)).read
    statement, report = ((folder / name).read_bytes() for name in (STATEMENT, REPORT))
    entry = verify_statement(statement, keys, seen, read)
    counted = verify_report(report, lines_of(folder / OPENINGS), read, keys, seen)
    numbers = len(counted["numbers"]) + len(counted["at_least"])
    return {"entry": entry["index"], "size": counted["size"], "numbers": numbers}


def answers(folder: Path) -> Iterator[CaseAnswer]:
    """Check every case of a folder, in the order of their names."""
    named = json.loads((folder / KEYS).read_text("utf-8"))
    keys = read_keys(named["log"], named["witnesses"])
    seen = (folder / SEEN).read_text("utf-8")
    for case in sorted(folder.glob(CASES)):
        try:
            yield {"case": case.name, "code": "verified", **check_case(case, keys, seen)}
        except Refused as refused:
            yield {"case": case.name, "code": refused.code, "what": str(refused)}


if __name__ == "__main__":
    for answer in answers(Path(sys.argv[1])):
        print(json.dumps(answer))
