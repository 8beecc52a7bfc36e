"""Files of evidence as `hushtag replay --evidence` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from streams.cli.dump import as_log_line
from streams.log.evidence import EvidenceRecord, encode_evidence_record
from streams.log.lines import LogRecord


def write_evidence(path: Path, records: Iterable[EvidenceRecord]) -> Path:
    """Write records as log lines and return the path."""
    lines = [
        as_log_line(LogRecord(record.shard, at, record.tick_ms, None, encode_evidence_record(record)))
        for at, record in enumerate(records)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path
