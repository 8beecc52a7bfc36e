"""A log over time: checkpoints that were seen before against the one that is published now."""

from __future__ import annotations

from dataclasses import dataclass

from moderation.audit.tlog.checkpoint import Checkpoint
from moderation.audit.tlog.cosignature import Cosignature
from moderation.audit.tlog.errors import ProofCode, ProofError
from moderation.audit.tlog.proof_checks import check_consistency
from moderation.audit.tlog.proving import consistency_proof, tree_root
from moderation.audit.tlog.tiles import TileTree
from moderation.proofs.published import PublishedLog
from moderation.proofs.trust import Trust


@dataclass(frozen=True, slots=True)
class PublishedHead:
    """Verified checkpoint of a published log."""

    note: str
    """Signed checkpoint, as published."""
    checkpoint: Checkpoint
    cosigned_by: tuple[Cosignature, ...]


def head_of(log: PublishedLog, trust: Trust) -> PublishedHead:
    """Read the published checkpoint and verify its signature and cosignatures.

    Raises:
        ProofError: `malformed`, `wrong_log`, `bad_signature`, `missing_cosignature`.
    """
    note = log.checkpoint()
    return PublishedHead(note, *trust.open(note))


def read_seen(note: str, trust: Trust) -> Checkpoint:
    """Read a checkpoint that was seen before and verify the log's signature, not its cosignatures."""
    return trust.open_log(note)[0]


def check_extends(log: PublishedLog, head: Checkpoint, earlier: Checkpoint) -> None:
    """Check that the published log still contains an earlier checkpoint, by its tiles.

    Raises:
        ProofError: `rolled_back`: the published log is smaller. `split_view`: it has another history. `wrong_path`: its
            tiles do not lead to its own root. `omitted_entry`, `malformed`: a tile is missing or damaged.
    """
    path: list[bytes] = []
    if 0 < earlier.size < head.size:
        tree = TileTree(head.size, log.tile)
        if tree_root(tree, head.size) != head.root:
            raise wrong_root(head)
        path = consistency_proof(tree, earlier.size, head.size)
    check_consistency(earlier.size, earlier.root, head.size, head.root, path)


def check_not_newer(checkpoint: Checkpoint, seen: Checkpoint) -> None:
    """Compare a checkpoint with one that was seen before, without the published log.

    Raises:
        ProofError: `rolled_back`: the one seen before is larger. `split_view`: same size, another root.
    """
    if seen.size >= checkpoint.size:
        check_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, [])


def wrong_root(head: Checkpoint) -> ProofError:
    """Build the error for published files that do not lead to the signed root."""
    return ProofError(
        ProofCode.wrong_path,
        f"the published files of the log {head.origin!r} do not lead to the root that it signed: one was changed",
        "ask the publisher to restore its files from the log; do not rely on them until then",
    )
