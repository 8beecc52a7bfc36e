"""Cases of docs/vectors/proofs.json, with their references resolved."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from moderation.proofs.published import PublishedLog
from tests.support.paths import ROOT
from tests.support.proof_world import REPORTED, log_of

PATH = ROOT / "docs/vectors/proofs.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text("utf-8"))


def text_of(case: dict[str, Any]) -> str:
    """Return the file of a case as it is received."""
    return case["text"] if "text" in case else json.dumps(case["file"])


def keys_of(case: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the log's key and the witnesses' keys of the checker."""
    keys = VECTORS["keys"]
    return case.get("log_key", keys["log_key"]), case.get("witness_keys", keys["witness_keys"])


def files_of(case: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of a report's published log."""
    files = VECTORS["logs"][case["log"]] | case.get("changes", {})
    return {path: b64decode(content) for path, content in files.items() if content is not None}


def case_log(case: dict[str, Any]) -> PublishedLog:
    return log_of(files_of(case))


def case_lines(case: dict[str, Any]) -> list[str]:
    """Return the lines of a report's openings."""
    lines: dict[str, Any] = {str(at): line for at, line in enumerate(VECTORS["openings"])}
    lines |= {at: line if line is None else json.dumps(line) for at, line in case.get("opening_changes", {}).items()}
    return [line for _, line in sorted(lines.items(), key=lambda one: int(one[0])) if line is not None]


assert len(VECTORS["openings"]) == REPORTED
