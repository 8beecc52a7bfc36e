"""Hashes of a Merkle tree (RFC 6962, section 2.1) by SHA-256.

Leaves and inner nodes are hashed with different prefixes, so that no node can be passed off as a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry of the log."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two adjacent subtrees."""
    return sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Compute the root of a complete subtree from its 2^k hashes of one height."""
    row = list(hashes)
    assert row
    assert len(row) & (len(row) - 1) == 0, len(row)
    while len(row) > 1:
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def fold_edge(edge: Sequence[bytes]) -> bytes:
    """Compute a root from the tree's right edge: roots of its complete subtrees, largest first."""
    if not edge:
        return EMPTY_ROOT
    root = edge[-1]
    for left in reversed(edge[:-1]):
        root = node_hash(left, root)
    return root
