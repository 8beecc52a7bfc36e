"""Cases of docs/vectors/proofs.json, with their references resolved."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from moderation.publiclog.proofs.verify_proof import Keys, read_keys
from tests.support.paths import ROOT
from tests.support.proof_world import REPORTED

PATH = ROOT / "docs/vectors/proofs.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text("utf-8"))


def file_of(case: dict[str, Any]) -> bytes:
    """Return the file of a case as it is received."""
    text: str = case["text"] if "text" in case else json.dumps(case["file"])
    return text.encode()


def publication_of(case: dict[str, Any]) -> bytes | None:
    """Return the proof of a report's publication, if the case has one."""
    return json.dumps(case["publication"]).encode() if "publication" in case else None


def keys_of(case: dict[str, Any]) -> Keys:
    """Return the keys of the checker."""
    keys = VECTORS["keys"] | case
    return read_keys(keys["log_key"], keys["witness_keys"], case.get("quorum"))


def files_of(case: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of a report's published log."""
    files = VECTORS["logs"][case["log"]] | case.get("changes", {})
    return {path: b64decode(content) for path, content in files.items() if content is not None}


def case_lines(case: dict[str, Any]) -> list[str]:
    """Return the lines of a report's openings."""
    lines: dict[str, Any] = {str(at): line for at, line in enumerate(VECTORS["openings"])}
    lines |= {at: line if line is None else json.dumps(line) for at, line in case.get("opening_changes", {}).items()}
    return [line for _, line in sorted(lines.items(), key=lambda one: int(one[0])) if line is not None]


assert len(VECTORS["openings"]) == REPORTED
