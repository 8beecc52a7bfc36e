"""Is the log as it was written? Pure: hears every record in order, and names the first entry that is not right.

Three things vouch for an entry: its own hash, the hash that its successor names, and the signed heads. A change shows
in the first, a change with the hash made anew in the second, a log that was written anew from some entry on, or cut
off at its end, in the third.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from moderation.audit.chain import Chain, Entry, decode_entry, hash_of
from moderation.audit.heads import Head, signer_of
from streams.errors import ContractError

What = Literal["changed", "missing", "out of order", "repeated", "cut off", "not an entry", "forged head"]


@dataclass(frozen=True, slots=True)
class Bad:
    """The first thing that is wrong. `seq` is the entry that is not, or not as it was, where it should be."""

    seq: int
    what: What
    detail: str
    offset: int | None = None
    """Of the record in the topic at which it shows; None at the end, and for a head."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found."""

    entries: int
    """How many were right, from the first on."""
    head: str
    """Hash of the last of them."""
    heads: int
    """How many signed heads were compared."""
    bad: Bad | None


class Verification:
    """Hear every record of the log from its beginning, then ask for the verdict.

    Args:
        topic: the log's full name, which the heads must name.
        heads: with their line numbers; None: there are none, and the end vouches for itself.
        keys: that may have signed them, oldest first; None: the heads' signatures are not checked.
    """

    def __init__(
        self, topic: str, heads: Iterable[tuple[int, Head]] | None = None, keys: Sequence[bytes] | None = None
    ) -> None:
        self.chain = Chain()
        self._signer = 0
        self._heads: dict[int, Head] = {}
        self._bad: Bad | None = None
        self._missing: Bad | None = None
        self._seen = 0
        for line, head in heads or ():
            self._add_head(line, head, topic, keys)

    def hear(self, offset: int, value: bytes | None) -> Entry | None:
        """Take the record at an offset of the topic; the entry in it, as long as everything is right."""
        if self._bad is not None:
            return None
        try:
            entry = decode_entry(value)
        except ContractError as error:
            self._bad = self._missing or Bad(self.chain.next_seq, "not an entry", str(error), offset)
            return None
        if self._missing is not None:
            if entry.seq == self.chain.next_seq:
                self._bad = Bad(entry.seq, "out of order", f"it comes after entry {self._seen}", offset)
            self._seen = entry.seq
            return None
        self._bad = self._check(offset, entry)
        if self._bad is not None and self._bad.what == "missing":
            self._bad, self._missing, self._seen = None, self._bad, entry.seq
        elif self._bad is None:
            self.chain.hear(entry)
            return entry
        return None

    def verdict(self) -> Verdict:
        """What is right, and the first thing that is not."""
        bad = self._bad or self._missing
        beyond = [head for seq, head in self._heads.items() if seq >= self.chain.next_seq]
        if bad is None and beyond:
            detail = f"a signed head says that entry {max(head.seq for head in beyond)} was written"
            bad = Bad(self.chain.next_seq, "cut off", detail)
        return Verdict(self.chain.next_seq, self.chain.head, len(self._heads), bad)

    def _check(self, offset: int, entry: Entry) -> Bad | None:
        expected = self.chain.next_seq
        if entry.seq > expected:
            return Bad(expected, "missing", f"entry {entry.seq} follows entry {expected - 1}", offset)
        if entry.seq < expected:
            return Bad(entry.seq, "repeated", f"it is there again after entry {expected - 1}", offset)
        if entry.hash != hash_of(entry):
            return Bad(expected, "changed", "its content does not have the hash that it carries", offset)
        if entry.prev != self.chain.head:
            detail = f"entry {expected} names another hash for it; one of the two was written anew"
            return Bad(max(0, expected - 1), "changed", detail, offset)
        head = self._heads.get(expected)
        if head is not None and head.hash != entry.hash:
            return Bad(
                expected, "changed", "it, or one before it, is not what a signed head says: written anew", offset
            )
        source = entry.source
        if source.offset < self.chain.next_offsets.get((source.topic, source.partition), 0):
            detail = f"{source.topic}[{source.partition}] offset {source.offset} is in the log already"
            return Bad(expected, "repeated", detail, offset)
        return None

    def _add_head(self, line: int, head: Head, topic: str, keys: Sequence[bytes] | None) -> None:
        wrong = ""
        signer = self._signer if keys is None else signer_of(head, keys)
        if signer is None:
            wrong = "was not signed with this key" if keys and len(keys) == 1 else "was signed with none of the keys"
        elif signer < self._signer:
            wrong = "was signed with a key that had retired by then"
        elif head.topic != topic:
            wrong = f"speaks of topic {head.topic[:80]!r}, not of {topic!r}"
        elif head.seq in self._heads and self._heads[head.seq].hash != head.hash:
            wrong = "contradicts an earlier head"
        if wrong and self._bad is None:
            self._bad = Bad(head.seq, "forged head", f"line {line} of the heads {wrong}")
        self._heads.setdefault(head.seq, head)
        self._signer = max(self._signer, signer or 0)
