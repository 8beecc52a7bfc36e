"""Inclusion and consistency proofs (RFC 6962, sections 2.1.1 and 2.1.2), made from roots of complete subtrees."""

from __future__ import annotations

from typing import Protocol

from moderation.publiclog.tlog.hashing import EMPTY_ROOT, node_hash


class Subtrees(Protocol):
    """Roots of the complete subtrees of a tree."""

    def subtree(self, height: int, index: int) -> bytes:
        """Return the root of leaves `index * 2^height` up to `(index + 1) * 2^height`, which all exist."""
        ...


def tree_root(tree: Subtrees, size: int) -> bytes:
    """Compute the root of the first `size` leaves."""
    return _root(tree, 0, size) if size else EMPTY_ROOT


def inclusion_proof(tree: Subtrees, index: int, size: int) -> list[bytes]:
    """Make the proof that leaf `index` is in the tree of the first `size` leaves: its siblings, the lowest first.

    Raises:
        ValueError: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_size(end - start)
        if index < middle:
            path.append(_root(tree, middle, end))
            end = middle
        else:
            path.append(_root(tree, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(tree: Subtrees, old: int, new: int) -> list[bytes]:
    """Make the proof that the first `old` leaves of the tree of `new` leaves are the tree of `old` leaves.

    Raises:
        ValueError: The old tree is larger than the new one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    if old in (0, new):
        return []
    path = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _left_size(end - start)
        if old <= middle:
            path.append(_root(tree, middle, end))
            end = middle
        else:
            path.append(_root(tree, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_root(tree, start, end))
    return path[::-1]


def _left_size(leaves: int) -> int:
    """Return the largest power of two below a number of leaves, at least two."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _root(tree: Subtrees, start: int, end: int) -> bytes:
    leaves = end - start
    if leaves & (leaves - 1) == 0:
        height = leaves.bit_length() - 1
        return tree.subtree(height, start >> height)
    middle = start + _left_size(leaves)
    return node_hash(_root(tree, start, middle), _root(tree, middle, end))
