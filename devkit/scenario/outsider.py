"""Give a third party the story's evidence and twelve forgeries of it, and compare its answers with the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.scenario.evidence_files import EvidenceFiles, published_files
from devkit.scenario.forgeries import FORGERIES, Forger
from devkit.scenario.public_log import ORIGIN, StoryLog
from devkit.scenario.third_party import KEYS, SEEN, CaseAnswer
from moderation.publiclog.proofs.published_log import CHECKPOINT
from moderation.publiclog.tlog.keys import KeyKind, new_key
from streams.errors import DependencyAway

_PROCESS_SECONDS = 120
_KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(slots=True)
class OutsiderResult:
    """Lines about what the third party verified and found, and its mistakes."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    forgeries_found: int = 0


def ask_third_party(
    log: StoryLog, earlier: Mapping[str, bytes], statement: Mapping[str, Any], report: Mapping[str, Any], openings: Path
) -> OutsiderResult:
    """Start another process with the evidence and its forgeries, in an order that reveals nothing.

    Args:
        log: log of the story; only the public keys and the published folder go to the process.
        earlier: published folder as the third party saw it before.
        statement: statement of reasons with its proof.
        report: transparency report.
        openings: file of its openings.

    Raises:
        DependencyAway: the process fails.
    """
    lines = tuple(openings.read_text("utf-8").splitlines())
    files = EvidenceFiles(statement, report, lines, published_files(log.folder))
    other = new_key(ORIGIN, KeyKind.log)
    forger = Forger(log.key, other, log.witnesses, earlier, int(time.time()))
    with tempfile.TemporaryDirectory(prefix="third-party-") as name:
        folder = Path(name)
        files.write(folder / "case-00")
        for number, forgery in enumerate(FORGERIES, start=1):
            forgery.forge(forger, files).write(folder / f"case-{number:02d}")
        (folder / SEEN).write_bytes(earlier[CHECKPOINT])
        keys = {"log": str(log.key.public_key), "witnesses": [str(witness.public_key) for witness in log.witnesses]}
        (folder / KEYS).write_text(json.dumps(keys), "utf-8")
        answers = _answers(folder)
    return _compare(answers)


def _answers(folder: Path) -> list[CaseAnswer]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-m", "devkit.scenario.third_party", str(folder)],
        capture_output=True, text=True, check=False, timeout=_PROCESS_SECONDS, env=environment,
    )  # fmt: skip
    if ran.returncode:
        raise DependencyAway(f"the third party ended with {ran.returncode}: {ran.stderr.strip()[-500:]}")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _compare(answers: list[CaseAnswer]) -> OutsiderResult:
    result = OutsiderResult()
    genuine, *forged = answers
    if genuine["code"] == "verified":
        result.lines.append(f"✓ the statement verifies: entry {genuine['entry']} of {genuine['size']}, as it is shown")
        result.lines.append(f"✓ the report verifies: every entry opened, {genuine['numbers']} numbers counted again")
    else:
        result.problems.append(f"a third party does not believe the genuine files: {genuine['what']}")
    for forgery, answer in zip(FORGERIES, forged, strict=True):
        if answer["code"] in forgery.codes:
            result.forgeries_found += 1
            result.lines.append(f"✓ found: {forgery.name} ({answer['code']}): {answer['what']}")
        else:
            why = answer.get("what", "it verified")
            result.problems.append(f"a third party does not find the forgery {forgery.name!r}: {answer['code']}: {why}")
    return result
