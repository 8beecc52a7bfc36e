"""All entries of a published log: roots at several sizes in one pass, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from moderation.audit.tlog.checkpoint import Checkpoint
from moderation.audit.tlog.compact_range import CompactRange
from moderation.audit.tlog.hashing import EMPTY_ROOT, leaf_hash
from moderation.audit.tlog.proof_checks import check_consistency
from moderation.proofs.history import wrong_root
from moderation.proofs.published import PublishedLog


class RootsAt:
    """Roots of a growing tree at the sizes that are asked for."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self._wanted = sorted({size for size in sizes if size > 0}, reverse=True)
        self._tree = CompactRange()
        self.found: dict[int, bytes] = {0: EMPTY_ROOT}

    def extend(self, leaf_hashes: list[bytes]) -> None:
        """Append leaves by their hashes."""
        while self._wanted and self._wanted[-1] <= self._tree.size + len(leaf_hashes):
            size = self._wanted.pop()
            count = size - self._tree.size
            self._tree.extend(leaf_hashes[:count])
            self.found[size] = self._tree.root()
            leaf_hashes = leaf_hashes[count:]
        self._tree.extend(leaf_hashes)


def entries_of(log: PublishedLog, head: Checkpoint, roots: RootsAt) -> Iterator[list[bytes]]:
    """Read all entries of a published log, at most 256 at a time, and follow its roots.

    Nothing that is yielded is verified before `check_roots` has passed.
    """
    for entries in log.bundles(head.size):
        roots.extend([leaf_hash(entry) for entry in entries])
        yield entries


def check_roots(roots: Mapping[int, bytes], head: Checkpoint, earlier: Iterable[Checkpoint]) -> None:
    """Check the roots of the entries against the published checkpoint, and earlier checkpoints against them.

    Raises:
        ProofError: `wrong_path`: the entries are not those of the published checkpoint. `rolled_back`, `split_view`: an
            earlier checkpoint is not in its history.
    """
    if roots[head.size] != head.root:
        raise wrong_root(head)
    for one in earlier:
        if one.size <= head.size:
            check_consistency(one.size, one.root, one.size, roots[one.size], [])
        else:
            check_consistency(one.size, one.root, head.size, head.root, [])
