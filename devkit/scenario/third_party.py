"""A third party: a process that has files and keys alone, and finds out which of several files it may believe.

`python -m devkit.scenario.third_party FOLDER` reads `keys.json`, the checkpoint that it saw before (`seen`), and a
folder for each case. It prints one JSON object a case. It reads no settings, and imports nothing that knows Kafka.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devkit.scenario.evidence_files import OPENINGS, PUBLISHED, REPORT, STATEMENT
from moderation.audit.tlog.errors import ProofError
from moderation.proofs.history import check_extends, head_of, read_seen
from moderation.proofs.published import published_log
from moderation.proofs.reading import read_json
from moderation.proofs.report import verify_report_with
from moderation.proofs.statement import verify_statement_with
from moderation.proofs.trust import Trust, trust_of

KEYS, SEEN, CASES = "keys.json", "seen", "case-*"


def check_case(folder: Path, trust: Trust, seen: str) -> dict[str, Any]:
    """Verify a statement and a report against a published folder.

    Args:
        folder: files of the case.
        trust: keys, from a source that the publisher does not control.
        seen: last checkpoint that was seen before.

    Raises:
        ProofError: one of them does not verify.
    """
    log, statement, report = (
        published_log(str(folder / PUBLISHED)),
        *(read_json((folder / name).read_bytes()) for name in (STATEMENT, REPORT)),
    )
    entry = verify_statement_with(statement, trust)
    head = head_of(log, trust)
    for earlier in (read_seen(seen, trust), entry.checkpoint):
        check_extends(log, head.checkpoint, earlier)
    with (folder / OPENINGS).open("rb") as openings:
        counted = verify_report_with(report, openings, log, trust, seen)
    return {"entry": entry.index, "size": counted.checkpoint.size, "numbers": len(counted.numbers)}


def answers(folder: Path) -> Iterator[dict[str, Any]]:
    """Check every case of a folder, in the order of their names."""
    keys = json.loads((folder / KEYS).read_text("utf-8"))
    trust = trust_of(keys["log"], keys["witnesses"], None)
    seen = (folder / SEEN).read_text("utf-8")
    for case in sorted(folder.glob(CASES)):
        try:
            yield {"case": case.name, "code": "verified", **check_case(case, trust, seen)}
        except ProofError as error:
            yield {"case": case.name, "code": error.code.value, "what": str(error)}


if __name__ == "__main__":
    for answer in answers(Path(sys.argv[1])):
        print(json.dumps(answer))
