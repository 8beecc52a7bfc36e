"""Verification of inclusion and consistency proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2)."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.publiclog.tlog.errors import ProofCode, ProofError
from moderation.publiclog.tlog.hashing import EMPTY_ROOT, node_hash

_NOT_LOGGED = "do not rely on this file; ask its publisher for a new proof, and keep this one as evidence"
_TWO_HISTORIES = "keep both checkpoints: together they prove that the log has shown two histories"


def check_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf is entry `index` of the tree of `size` entries with this root.

    Raises:
        ProofError: `wrong_index`: the index is beyond the tree, or its path has another length. `wrong_path`: leaf,
            index and path do not lead to the root.
    """
    if not 0 <= index < size:
        raise ProofError(
            ProofCode.wrong_index, f"the proof names entry {index}, but the log had {size} entries", _NOT_LOGGED
        )
    at, last, node = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            raise _wrong_length(index, size, path)
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise _wrong_length(index, size, path)
    if node != root:
        raise ProofError(
            ProofCode.wrong_path,
            f"the entry is not in the log at number {index}: entry, number and path do not lead to the signed root",
            _NOT_LOGGED,
        )


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree of `new` entries extends the tree of `old` entries.

    Every tree extends the empty one, whose root is not looked at.

    Raises:
        ProofError: `rolled_back`: the new tree is smaller. `split_view`: the trees have different histories.
    """
    if old > new:
        raise ProofError(
            ProofCode.rolled_back,
            f"the log has gone back: it had {old} entries and now has {new}",
            "keep the earlier checkpoint: it proves that entries were removed",
        )
    if old == 0:
        if path or (new == 0 and new_root != EMPTY_ROOT):
            raise _split(old, new)
        return
    if old == new:
        if path or old_root != new_root:
            raise _split(old, new)
        return
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise _split(old, new)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_found = new_found = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise _split(old, new)
        if at & 1 or at == last:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new_found = node_hash(new_found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or old_found != old_root or new_found != new_root:
        raise _split(old, new)


def _wrong_length(index: int, size: int, path: Sequence[bytes]) -> ProofError:
    return ProofError(
        ProofCode.wrong_index,
        f"the path has {len(path)} hashes, which does not fit entry {index} of a log of {size} entries",
        _NOT_LOGGED,
    )


def _split(old: int, new: int) -> ProofError:
    return ProofError(
        ProofCode.split_view,
        f"the log of {new} entries does not contain the log of {old} entries that was shown before",
        _TWO_HISTORIES,
    )
