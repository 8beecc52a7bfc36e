"""Verify the audit log and name the first entry that is wrong. Pure.

Two checks cover an entry: its leaf commits to its opening, and the tree up to it has the root of every signed
checkpoint. The first shows a change of one of the two, the second a leaf that was changed, removed or added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from moderation.publiclog.disclosure import FIELDS, Opening, check, fits
from moderation.publiclog.faults import AuditFault
from moderation.publiclog.seeking import number_of_key
from moderation.publiclog.tlog.checkpoint import Checkpoint
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.hashing import leaf_hash


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Result of a verification."""

    entries: int
    """Number of valid entries, from the first on."""
    root: str
    """Root of the tree of the valid entries, in hex."""
    checkpoints: int
    """Number of checkpoints that the tree has reached."""
    fault: AuditFault | None


class Verification:
    """Verification of one log: apply every record from the beginning, then take the result.

    Args:
        checkpoints: verified checkpoints, each with a name for errors.
    """

    def __init__(self, checkpoints: Iterable[tuple[str, Checkpoint]] = ()) -> None:
        self.tree = CompactRange()
        self._checkpoints: dict[int, list[tuple[str, bytes]]] = {}
        self._reached = self._met = 0
        self._fault: AuditFault | None = None
        self._missing: AuditFault | None = None
        self._last = 0
        for name, checkpoint in checkpoints:
            self._checkpoints.setdefault(checkpoint.size, []).append((name, checkpoint.root))
        self._check_root()

    def apply(self, offset: int, key: bytes | None, leaf: bytes | None) -> bool:
        """Check the record at an offset; return whether it is the next entry. False from the first fault on."""
        if self._fault is not None:
            return False
        number, expected = number_of_key(key), self.tree.size
        if number is None or leaf is None:
            detail = f"its key is {key!r}" if number is None else "it has no value"
            self._fault = self._missing or AuditFault(expected, "not an entry", detail, offset)
        elif self._missing is not None:
            if number == expected:
                self._fault = AuditFault(number, "out of order", f"it comes after entry {self._last}", offset)
            self._last = number
        elif number > expected:  # the entry may still follow: then it is out of order
            detail = f"entry {number} follows entry {expected - 1}"
            self._missing, self._last = AuditFault(expected, "missing", detail, offset), number
        elif number < expected:
            self._fault = AuditFault(number, "repeated", f"it is repeated after entry {expected - 1}", offset)
        else:
            self.tree.append(leaf_hash(leaf))
            self._check_root()
            return True
        return False

    def fail(self, fault: AuditFault) -> None:
        """Record a fault that another check found; the first one counts."""
        self._fault = self._fault or fault

    def result(self) -> VerificationResult:
        """Return the valid part of the log and its first fault."""
        fault, size = self._fault or self._missing, self.tree.size
        beyond = [(at, name) for at, named in self._checkpoints.items() if at > size for name, _ in named]
        if fault is None and beyond:
            at, name = max(beyond)
            fault = AuditFault(size, "cut off", f"{name} states that the log had {at} entries")
        valid = size if fault is None else min(size, fault.number)
        return VerificationResult(valid, self.tree.root().hex(), self._met, fault)

    def _check_root(self) -> None:
        size = self.tree.size
        if size not in self._checkpoints:
            return
        root = self.tree.root()
        for name, signed in self._checkpoints[size]:
            if signed != root:
                where = f"one of the entries {self._reached} to {size - 1} was changed" if size else "the log is empty"
                self.fail(AuditFault(self._reached, "changed", f"{name} has another root at {size} entries: {where}"))
                return
        self._met += len(self._checkpoints[size])
        self._reached = size


def opening_fault(number: int, leaf: bytes, opening: Opening | None, offset: int) -> AuditFault | None:
    """Return the fault of an opening that is missing or that its leaf does not commit to; None if it fits."""
    if opening is None:
        detail = "its opening is missing or cannot be read, and it was not erased"
        return AuditFault(number, "missing", detail, offset)
    if fits(leaf, opening):
        return None
    opened = [
        {"name": name, "salt": salt, "value": value}
        for name, salt, value in zip(FIELDS, opening.salts, opening.values, strict=True)
        if salt is not None
    ]
    try:
        check(leaf, opened)
    except ProofError as error:
        return AuditFault(number, "changed", f"leaf and opening do not fit: {error}", offset)
    return None
