"""Logged records of one source partition, packed: a comparison keeps those of the whole log."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

_DIGEST_BYTES = 32


class LoggedEntry(NamedTuple):
    """Entry of the log as a comparison needs it."""

    number: int
    offset: int
    digest: bytes
    """Digest of `inputs.content_digest`."""
    note: str


class LoggedEntries:
    """Entries in the order of the log, 48 bytes each; few have a note."""

    def __init__(self) -> None:
        self._numbers, self._offsets = array("q"), array("q")
        self._digests = bytearray()
        self._notes: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, at: int) -> LoggedEntry:
        at = range(len(self))[at]
        digest = bytes(self._digests[at * _DIGEST_BYTES : (at + 1) * _DIGEST_BYTES])
        return LoggedEntry(self._numbers[at], self._offsets[at], digest, self._notes.get(at, ""))

    def __iter__(self) -> Iterator[LoggedEntry]:
        return map(self.__getitem__, range(len(self)))

    def append(self, entry: LoggedEntry) -> None:
        """Add the next entry."""
        assert len(entry.digest) == _DIGEST_BYTES
        if entry.note:
            self._notes[len(self)] = entry.note
        self._numbers.append(entry.number)
        self._offsets.append(entry.offset)
        self._digests += entry.digest
