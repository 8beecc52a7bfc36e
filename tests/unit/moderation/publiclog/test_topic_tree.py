"""Proofs from the topic of leaves: one pass, several proofs at once, and topics with holes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.proof_checks import check_inclusion
from moderation.publiclog.tlog.proving import Subtrees, inclusion_proof
from moderation.publiclog.topic_tree import from_topic
from streams.settings import Settings

Asked = list[tuple[int, int]]


class Topic:
    """Topic of leaves in memory; counts how often it is read."""

    def __init__(self, leaves: list[bytes], hole: int | None = None) -> None:
        self.readings = 0
        rows = ((n, leaf) for n, leaf in enumerate(leaves) if n != hole)
        self._records = [SimpleNamespace(key=str(n).encode(), value=leaf, offset=n) for n, leaf in rows]

    def __call__(self, *given: object, **named: object) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def to_end(self, starts: object) -> AsyncGenerator[list[object], None]:
        self.readings += 1
        for start in range(0, len(self._records), 5):
            yield self._records[start : start + 5]


def leaves_of(count: int) -> list[bytes]:
    return [b"leaf %d" % n for n in range(count)]


def prove(topic: Topic, asked: Asked) -> dict[tuple[int, int], list[bytes]]:
    def make(tree: Subtrees) -> dict[tuple[int, int], list[bytes]]:
        return {one: inclusion_proof(tree, *one) for one in asked}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moderation.publiclog.topic_tree.LogReader", topic)
        return asyncio.run(from_topic(Settings(), make))


@given(st.lists(st.tuples(st.integers(0, 69), st.integers(1, 70)).filter(lambda one: one[0] < one[1]), max_size=4))
def test_several_proofs_need_one_reading(asked: Asked) -> None:
    leaves = leaves_of(70)
    topic = Topic(leaves)
    for (number, size), path in prove(topic, asked).items():
        tree = CompactRange()
        tree.extend([leaf_hash(leaf) for leaf in leaves[:size]])
        check_inclusion(leaf_hash(leaves[number]), number, size, path, tree.root())
    assert topic.readings == 1


def test_missing_leaf_breaks_the_proof() -> None:
    with pytest.raises(AuditBroken, match="entry 3: missing"):
        prove(Topic(leaves_of(9), hole=3), [(1, 9)])


def test_topic_shorter_than_its_checkpoint_is_cut_off() -> None:
    with pytest.raises(AuditBroken, match="cut off: a checkpoint covers 9 entries"):
        prove(Topic(leaves_of(7)), [(1, 9)])
