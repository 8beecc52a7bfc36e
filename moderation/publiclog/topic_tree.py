"""Subtree roots from the topic of leaves, for proofs without a published folder: one pass, bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import TypeVar

from aiokafka import ConsumerRecord

from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.seeking import number_of_key
from moderation.publiclog.tlog.hashing import leaf_hash, node_hash
from moderation.publiclog.tlog.proving import Subtrees
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

Made = TypeVar("Made")
_ZERO = bytes(32)


class _Wanted:
    """Subtrees for which proofs ask, the first time with hashes that mean nothing."""

    def __init__(self) -> None:
        self.roots: dict[tuple[int, int], bytes] = {}

    def subtree(self, height: int, index: int) -> bytes:
        return self.roots.setdefault((height, index), _ZERO)


class _Leaves:
    """Roots of complete subtrees, while leaves are added in order."""

    def __init__(self, subtrees: Iterable[tuple[int, int]]) -> None:
        self.roots = dict.fromkeys(subtrees, _ZERO)
        self.end = max(((index + 1) << height for height, index in self.roots), default=0)
        """Number of leaves that are needed."""
        self.count = 0
        self._edge: list[bytes] = []
        """Roots of the complete subtrees so far, the largest first."""

    def append(self, root: bytes) -> None:
        """Add the hash of the next leaf, and merge the subtrees that it completes."""
        height, index = 0, self.count
        while True:
            if (height, index) in self.roots:
                self.roots[height, index] = root
            if not index & 1:
                break
            root = node_hash(self._edge.pop(), root)
            height, index = height + 1, index >> 1
        self._edge.append(root)
        self.count += 1

    def add(self, topic: str, batch: Iterable[ConsumerRecord]) -> None:
        """Add records of the topic, as far as they are needed; raises AuditBroken where one is missing."""
        for record in batch:
            if self.count == self.end:
                return
            if number_of_key(record.key) != self.count or record.value is None:
                fault = AuditFault(self.count, "missing", f"the record has the key {record.key!r}", record.offset)
                raise AuditBroken(topic, fault)
            self.append(leaf_hash(record.value))


async def from_topic(settings: Settings, make: Callable[[Subtrees], Made]) -> Made:
    """Make proofs from the subtrees for which they ask.

    Raises:
        AuditBroken: the topic lacks a leaf.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    tree = _Wanted()
    make(tree)
    topic, leaves = settings.topic(AUDIT), _Leaves(tree.roots)
    async with (
        LogReader(connection(settings), topic, committed_only=True) as reader,
        aclosing(reader.to_end({0: None})) as batches,
    ):
        async for batch in batches:
            await asyncio.to_thread(leaves.add, topic, batch)
            if leaves.count == leaves.end:
                break
    if leaves.count < leaves.end:
        fault = AuditFault(leaves.count, "cut off", f"a checkpoint covers {leaves.end} entries")
        raise AuditBroken(topic, fault)
    tree.roots = leaves.roots
    return make(tree)
