"""Verify the audit log and name the first entry that is wrong. Pure.

Three checks cover an entry: its own hash, the hash that the next entry names, and the signed heads. The first shows a
change, the second a change with a recomputed hash. The third shows a log that was rewritten from some entry on, or
cut off at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from moderation.audit.chain import AuditEntry, Chain, decode_entry, hash_of
from moderation.audit.heads import SignedHead, signer_of
from streams.errors import ContractError

FaultKind = Literal["changed", "missing", "out of order", "repeated", "cut off", "added", "not an entry", "forged head"]


@dataclass(frozen=True, slots=True)
class AuditFault:
    """First fault of a log."""

    seq: int
    """Number of the entry that is wrong or missing."""
    what: FaultKind
    detail: str
    offset: int | None = None
    """Offset of the record that shows the fault; None at the end of the log, and for a head."""

    def __str__(self) -> str:
        return f"entry {self.seq}: {self.what}: {self.detail}"


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Result of a verification."""

    entries: int
    """Number of valid entries, from the first on."""
    head: str
    """Hash of the last valid entry."""
    heads: int
    """Number of signed heads compared."""
    fault: AuditFault | None


class Verification:
    """Verification of one log: apply every record from the beginning, then take the result.

    Args:
        topic: full name of the log, which the heads must name.
        heads: heads with their line numbers; None verifies the chain alone, without its end.
        keys: keys that may have signed the heads, oldest first; None skips the signatures.
    """

    def __init__(
        self, topic: str, heads: Iterable[tuple[int, SignedHead]] | None = None, keys: Sequence[bytes] | None = None
    ) -> None:
        self.chain = Chain()
        self._signer = 0
        self._heads: dict[int, SignedHead] = {}
        self._fault: AuditFault | None = None
        self._missing: AuditFault | None = None
        self._last_seq = 0
        for line, head in heads or ():
            self._add_head(line, head, topic, keys)

    def apply(self, offset: int, value: bytes | None) -> AuditEntry | None:
        """Check the record at an offset and return its entry; None from the first fault on."""
        if self._fault is not None:
            return None
        try:
            entry = decode_entry(value)
        except ContractError as error:
            self._fault = self._missing or AuditFault(self.chain.next_seq, "not an entry", str(error), offset)
            return None
        if self._missing is not None:
            if entry.seq == self.chain.next_seq:
                self._fault = AuditFault(entry.seq, "out of order", f"it comes after entry {self._last_seq}", offset)
            self._last_seq = entry.seq
            return None
        fault = self._check(offset, entry)
        if fault is None:
            self.chain.apply(entry)
            return entry
        if fault.what == "missing":  # the entry may still follow: then it is out of order
            self._missing, self._last_seq = fault, entry.seq
        else:
            self._fault = fault
        return None

    def result(self) -> VerificationResult:
        """Return the valid part of the log and its first fault."""
        fault = self._fault or self._missing
        beyond = [seq for seq in self._heads if seq >= self.chain.next_seq]
        if fault is None and beyond:
            detail = f"a signed head states that entry {max(beyond)} was written"
            fault = AuditFault(self.chain.next_seq, "cut off", detail)
        return VerificationResult(self.chain.next_seq, self.chain.head, len(self._heads), fault)

    def _check(self, offset: int, entry: AuditEntry) -> AuditFault | None:
        expected = self.chain.next_seq
        if entry.seq > expected:
            return AuditFault(expected, "missing", f"entry {entry.seq} follows entry {expected - 1}", offset)
        if entry.seq < expected:
            return AuditFault(entry.seq, "repeated", f"it is repeated after entry {expected - 1}", offset)
        if entry.hash != hash_of(entry):
            return AuditFault(expected, "changed", "its content does not match its hash", offset)
        if entry.prev != self.chain.head:
            detail = f"entry {expected} names another hash for it; one of the two was rewritten"
            return AuditFault(max(0, expected - 1), "changed", detail, offset)
        head = self._heads.get(expected)
        if head is not None and head.hash != entry.hash:
            detail = "it or an earlier entry differs from a signed head: the log was rewritten"
            return AuditFault(expected, "changed", detail, offset)
        source = entry.source
        if source.offset < self.chain.next_offsets.get((source.topic, source.partition), 0):
            detail = f"{source.topic}[{source.partition}] offset {source.offset} is already in the log"
            return AuditFault(expected, "repeated", detail, offset)
        return None

    def _add_head(self, line: int, head: SignedHead, topic: str, keys: Sequence[bytes] | None) -> None:
        wrong = ""
        signer = self._signer if keys is None else signer_of(head, keys)
        if signer is None:
            wrong = "was not signed with this key" if keys and len(keys) == 1 else "was signed with none of the keys"
        elif signer < self._signer:
            wrong = "was signed with a key that had retired by then"
        elif head.topic != topic:
            wrong = f"names topic {head.topic[:80]!r}, not {topic!r}"
        elif head.seq in self._heads and self._heads[head.seq].hash != head.hash:
            wrong = "contradicts an earlier head"
        if wrong and self._fault is None:
            self._fault = AuditFault(head.seq, "forged head", f"line {line} of the heads {wrong}")
        self._heads.setdefault(head.seq, head)
        self._signer = max(self._signer, signer or 0)
