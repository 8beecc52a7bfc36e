"""Compact range: the few hashes from which a growing tree's root can be computed.

A tree of n leaves is a row of complete subtrees, one for each bit that is set in n, the largest first. Their roots are
the tree's right edge. A new leaf only changes the edge, so that a writer needs neither leaves nor tiles.
"""

from __future__ import annotations

from collections.abc import Sequence

from moderation.publiclog.tlog.hashing import complete_root, fold_edge, node_hash

_BLOCK_HEIGHT = 8
_BLOCK = 1 << _BLOCK_HEIGHT


class CompactRange:
    """Right edge of a tree that grows."""

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """Resume a tree of `size` leaves from its right edge.

        Raises:
            ValueError: The edge does not have one hash for each bit that is set in the size.
        """
        if size < 0 or len(edge) != size.bit_count():
            raise ValueError(f"the edge of a tree of {size} leaves has {size.bit_count()} hashes, not {len(edge)}")
        self.size = size
        self._edge = list(edge)

    @property
    def edge(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first; `CompactRange(size, edge)` resumes from them."""
        return tuple(self._edge)

    def append(self, leaf_hash: bytes) -> None:
        """Append one leaf by its hash."""
        self._push(0, leaf_hash)

    def extend(self, leaf_hashes: Sequence[bytes]) -> None:
        """Append leaves by their hashes; fast for whole blocks of 256."""
        at, count = 0, len(leaf_hashes)
        while at < count:
            if self.size % _BLOCK == 0 and count - at >= _BLOCK:
                self._push(_BLOCK_HEIGHT, complete_root(leaf_hashes[at : at + _BLOCK]))
                at += _BLOCK
            else:
                self._push(0, leaf_hashes[at])
                at += 1

    def root(self) -> bytes:
        """Compute the root of the tree as it is now."""
        return fold_edge(self._edge)

    def _push(self, height: int, subtree: bytes) -> None:
        carry = self.size >> height
        while carry & 1:
            subtree = node_hash(self._edge.pop(), subtree)
            carry >>= 1
        self._edge.append(subtree)
        self.size += 1 << height
