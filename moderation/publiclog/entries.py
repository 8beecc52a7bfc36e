"""Entries of the audit log, and the end to which the next ones are appended.

An entry is a leaf of the Merkle tree and its opening. The leaf has one digest for each field and is public for ever.
The opening has the salts and values, and can be erased.

The end of the log holds the read position of each source: the first offset that is not in the log yet. A restart needs
nothing else, and a record that is already in the log is recognised by its offset.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from moderation.publiclog.disclosure import FIELDS, Opening, leaf_of, make_opening
from moderation.publiclog.inputs import AuditInput, begins_incarnation
from moderation.publiclog.leaf_fields import fields_of, input_of
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.hashing import leaf_hash
from streams.log.topic_specs import DECISIONS

SaltSource = Callable[[int], bytes]
"""Returns that many random bytes."""
Positions = dict[tuple[str, int], int]
"""First offset that is not in the log, by (source topic, partition)."""


class Counted(NamedTuple):
    """Opened fields by which a report counts an entry."""

    salt_type: str
    type: str
    salt_period: str
    period: str | None


@dataclass(frozen=True)
class AuditEntry:
    """One entry with its opening."""

    number: int
    """Number of the entry: 0, 1, 2 ... without gaps."""
    leaf: bytes
    opening: Opening
    """Salts and values; of an erased entry those of type and period only."""

    @property
    def is_erased(self) -> bool:
        """Whether the record was erased."""
        return None in self.opening.salts

    @cached_property
    def input(self) -> AuditInput | None:
        """Source record, or the note in its place; None after an erasure.

        Raises:
            ContractError: `not_an_entry`; no writer of ours makes such fields.
        """
        return None if self.is_erased else input_of(dict(zip(FIELDS, self.opening.values, strict=True)))

    @cached_property
    def hash(self) -> str:
        """Hash of the leaf in the tree, in hex."""
        return leaf_hash(self.leaf).hex()

    @property
    def counted(self) -> Counted:
        """Type and period with their salts; an erasure keeps them."""
        opening, at = self.opening, FIELDS.index
        period = opening.value("period")
        salts = (str(opening.salts[at("type")]), str(opening.salts[at("period")]))
        return Counted(salts[0], str(opening.value("type")), salts[1], None if period is None else str(period))


class LogEnd:
    """End of the log: the right edge of its tree, and the read position of each source."""

    def __init__(self, tree: CompactRange | None = None, next_offsets: Mapping[tuple[str, int], int] = {}) -> None:
        self.tree = CompactRange() if tree is None else tree
        self.next_offsets: Positions = dict(next_offsets)

    @property
    def size(self) -> int:
        """Number of entries before the end."""
        return self.tree.size

    def apply(self, leaf: bytes, source_record: AuditInput) -> None:
        """Move the end behind an entry of the log, without a check."""
        self.tree.append(leaf_hash(leaf))
        self.next_offsets[source_record.source.topic, source_record.source.partition] = source_record.source.offset + 1
        if begins_incarnation(source_record.source.topic, source_record.key):
            for at in [at for at in self.next_offsets if at[0] == DECISIONS]:
                del self.next_offsets[at]  # in place: readers of the sources look at this dict

    def is_logged(self, source_record: AuditInput) -> bool:
        """Return whether the log has a source record already."""
        source = source_record.source
        return source.offset < self.next_offsets.get((source.topic, source.partition), 0)

    def extend(self, inputs: Iterable[AuditInput], salt_source: SaltSource = secrets.token_bytes) -> list[AuditEntry]:
        """Build the entries of source records in their order; a record that is already in the log gives none."""
        entries = []
        for source_record in inputs:
            if self.is_logged(source_record):
                continue
            opening = make_opening(fields_of(source_record), salt_source)
            entry = AuditEntry(self.size, leaf_of(opening), opening)
            self.apply(entry.leaf, source_record)
            entries.append(entry)
        return entries
