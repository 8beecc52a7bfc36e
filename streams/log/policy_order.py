"""Compare-and-set on a log: which records of the `policy` topic went live, and which came too late. Pure.

Kafka has no compare-and-set. So each record names the live record that its writer saw, and the log alone decides: a
record is refused if another one went live in between. All readers apply the same rule to the same records, so they
agree. A writer reads its own record back before it answers.

No two records have the same key, so compaction removes none of them: without an accepted record, a later reader would
accept one that it had overtaken.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Protocol, TypeVar


class OrderedRecord(Protocol):
    """The field of a record that decides whether it goes live."""

    @property
    def before(self) -> int | None:
        """Offset of the live record that the writer saw; -1: there was none; None: not compared."""


R = TypeVar("R", bound=OrderedRecord)


def split_by_order(records: Iterable[tuple[int, R]]) -> tuple[list[tuple[int, R]], list[tuple[int, R]]]:
    """Split records with their offsets, in the order of the log, into accepted and refused ones.

    The last accepted record is live.

    >>> from types import SimpleNamespace as Record
    >>> first, won, lost = Record(before=-1), Record(before=0), Record(before=0)
    >>> accepted, refused = split_by_order([(0, first), (4, won), (5, lost)])
    >>> [at for at, _ in accepted], [at for at, _ in refused]
    ([0, 4], [5])
    """
    accepted: list[tuple[int, R]] = []
    refused: list[tuple[int, R]] = []
    for offset, record in records:
        live = accepted[-1][0] if accepted else -1
        is_late = record.before is not None and not live <= record.before < offset
        (refused if is_late else accepted).append((offset, record))
    return accepted, refused


def policy_key(revision: str) -> bytes:
    """Return a key for a new record of a policy; no other record has it."""
    return f"{revision}|{secrets.token_hex(8)}".encode()
