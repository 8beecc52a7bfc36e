"""Faults of the audit log: the first entry that is wrong, and the error that stops the writer and the publisher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.errors import EXIT_NO, HushtagError

FaultKind = Literal[
    "changed", "missing", "out of order", "repeated", "cut off", "added", "not an entry", "forged checkpoint"
]
_NEW_LOG = "keep the topics as evidence; docs/audit.md explains how to begin a new log"


@dataclass(frozen=True, slots=True)
class AuditFault:
    """First fault of a log."""

    number: int
    """Number of the entry that is wrong or missing."""
    what: FaultKind
    detail: str
    offset: int | None = None
    """Offset of the record that shows the fault; None at the end of the log."""

    def __str__(self) -> str:
        return f"entry {self.number}: {self.what}: {self.detail}"


class AuditBroken(HushtagError):
    """Failed verification of the log; nothing more is appended, signed or published."""

    exit_code = EXIT_NO

    def __init__(self, topic: str, fault: AuditFault | str, *, fix: str = _NEW_LOG) -> None:
        self.fault = AuditFault(0, "changed", fault) if isinstance(fault, str) else fault
        super().__init__(f"{topic}: {fault}", fix=fix)
