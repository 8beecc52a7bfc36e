"""Subtree roots from the topic of leaves, for proofs without a published folder: one pass, bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from moderation.audit.faults import AuditBroken, AuditFault
from moderation.audit.seeking import number_of_key
from moderation.audit.tlog.compact_range import CompactRange
from moderation.audit.tlog.hashing import leaf_hash
from moderation.audit.tlog.proving import Subtrees
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

Made = TypeVar("Made")
_ZERO = bytes(32)


class _Wanted:
    """Subtrees for which a proof asks, the first time with hashes that mean nothing."""

    def __init__(self) -> None:
        self.roots: dict[tuple[int, int], bytes] = {}

    def subtree(self, height: int, index: int) -> bytes:
        return self.roots.setdefault((height, index), _ZERO)


async def from_topic(settings: Settings, make: Callable[[Subtrees], Made]) -> Made:
    """Make a proof from the subtrees for which it asks; they must not overlap.

    Raises:
        AuditBroken: the topic lacks a leaf.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    tree = _Wanted()
    make(tree)
    topic = settings.topic(AUDIT)
    ranges = sorted((index << height, (index + 1) << height, (height, index)) for height, index in tree.roots)
    expected, part = 0, CompactRange()
    async with LogReader(connection(settings), topic, committed_only=True) as reader:
        async for batch in reader.to_end({0: None}):
            for record in batch:
                if not ranges:
                    break
                if number_of_key(record.key) != expected or record.value is None:
                    fault = AuditFault(expected, "missing", f"the record has the key {record.key!r}", record.offset)
                    raise AuditBroken(topic, fault)
                start, end, key = ranges[0]
                if start <= expected:
                    part.append(leaf_hash(record.value))
                expected += 1
                if expected == end:
                    tree.roots[key] = part.root()
                    part = CompactRange()
                    del ranges[0]
            if not ranges:
                break
    if ranges:
        raise AuditBroken(topic, AuditFault(expected, "cut off", f"a checkpoint covers {ranges[-1][1]} entries"))
    return make(tree)
