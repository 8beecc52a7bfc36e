"""Further checks of `audit verify` on each entry: the published folder, and the comparison with the sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moderation.publiclog.comparison import SourceComparison
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.erasures import erasure_in
from moderation.publiclog.faults import AuditFault
from moderation.publiclog.proofs.published_log import PublishedLog, published_log
from moderation.publiclog.tlog.checkpoint import open_checkpoint
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import PublicKey
from moderation.publiclog.tlog.tiles import TileBuilder


class EntryChecks:
    """Checks of one verification.

    Args:
        comparison: receives each entry; None: no comparison.
        folder: published folder or its address; None: it is not compared.
        keys: public keys of the log, for the folder's checkpoint.
    """

    def __init__(self, comparison: SourceComparison | None, folder: str | None, keys: Sequence[PublicKey] = ()) -> None:
        self._comparison = comparison
        self._log = None if folder is None else published_log(folder)
        self._leaves = None if self._log is None else _leaves(self._log, keys)
        self._tree = TileBuilder()
        self._fault: AuditFault | None = None

    def apply(self, entry: AuditEntry) -> AuditFault | None:
        """Check the next entry; return its fault."""
        if self._comparison is not None and (logged := entry.input) is not None:
            self._comparison.add(entry.number, logged)
            if (erasure := erasure_in(logged)) is not None:
                self._comparison.erase(erasure.topic, erasure.partition, erasure.offset)
        if self._leaves is None:
            return None
        try:
            published = next(self._leaves, None)
        except ProofError as error:
            return AuditFault(entry.number, "missing", f"the published folder: {error}")
        if published is None:
            self._leaves = None  # the folder ends here
            return None
        if published != entry.leaf:
            return AuditFault(entry.number, "changed", "the published folder has another leaf")
        return self._check_tiles(entry)

    def _check_tiles(self, entry: AuditEntry) -> AuditFault | None:
        """Compare the tiles that an entry completes with those of the folder."""
        assert self._log is not None
        for tile in self._tree.append(leaf_hash(entry.leaf)):
            if self._log.tile(tile.name) != tile.data:
                return AuditFault(entry.number, "changed", f"the published folder has another {tile.name.path}")
        return None


def _leaves(log: PublishedLog, keys: Sequence[PublicKey]) -> Iterator[bytes]:
    checkpoint, _ = open_checkpoint(log.checkpoint(), *keys)
    for bundle in log.bundles(checkpoint.size):
        yield from bundle
