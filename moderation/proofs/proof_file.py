"""Proof file: an entry's leaf, opened fields and inclusion proof, as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.audit.disclosure import Value, check
from moderation.audit.tlog.checkpoint import Checkpoint
from moderation.audit.tlog.cosignature import Cosignature
from moderation.audit.tlog.encoding import from_base64, to_base64
from moderation.audit.tlog.errors import malformed
from moderation.audit.tlog.hashing import leaf_hash
from moderation.audit.tlog.proof_checks import check_inclusion
from moderation.audit.tlog.proof_text import TlogProof, read_proof
from moderation.proofs.reading import member
from moderation.proofs.trust import Trust, trust_of

FORMAT = "hushtag-proof-1"
_MEMBERS = frozenset({"format", "leaf", "opened", "proof"})


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """Entry that is in the log."""

    index: int
    opened: Mapping[str, Value]
    """Values of the opened fields."""
    checkpoint: Checkpoint
    cosigned_by: tuple[Cosignature, ...]

    def as_dict(self) -> dict[str, Any]:
        """Convert the answer to plain JSON."""
        return {
            "index": self.index,
            "log": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "opened": dict(self.opened),
            "cosigned_by": [one.witness for one in self.cosigned_by],
        }


def proof_file(
    leaf: bytes, disclosed: Sequence[Mapping[str, Value]], index: int, path: Sequence[bytes], checkpoint: str
) -> dict[str, Any]:
    """Build a proof file.

    Args:
        leaf: entry of the log.
        disclosed: opened fields, from `disclosure.disclose`.
        index: number of the entry.
        path: inclusion proof, from `tlog.proving.inclusion_proof`.
        checkpoint: signed and cosigned checkpoint.
    """
    return {
        "format": FORMAT,
        "leaf": to_base64(leaf),
        "opened": [dict(one) for one in disclosed],
        "proof": TlogProof(index, tuple(path), checkpoint).encode(),
    }


def verify_proof(
    file: Mapping[str, Any], log_key: str | Sequence[str], witness_keys: Sequence[str], quorum: int | None = None
) -> VerifiedEntry:
    """Verify a proof file.

    Args:
        file: proof file.
        log_key: public key of the log; several after a change of keys.
        witness_keys: public keys of witnesses.
        quorum: number of witnesses that must have cosigned; None: all.

    Raises:
        ProofError: The file does not verify.
        CallerMistake: A key or the quorum cannot be used.
    """
    return verify_with(file, trust_of(log_key, witness_keys, quorum))


def verify_with(file: Mapping[str, Any], trust: Trust) -> VerifiedEntry:
    """Verify a proof file with keys that are read already; see `verify_proof`."""
    if file.get("format") != FORMAT:
        raise malformed(f"the proof does not have the format {FORMAT!r}")
    if unknown := sorted(set(file) - _MEMBERS):
        raise malformed(f"the proof has a member that no proof has, and that nothing proves: {unknown[0]!r}")
    leaf = from_base64(member(file, "leaf", str, "the proof"), "the leaf")
    proof = read_proof(member(file, "proof", str, "the proof"))
    checkpoint, cosigned_by = trust.open(proof.checkpoint)
    check_inclusion(leaf_hash(leaf), proof.index, checkpoint.size, proof.path, checkpoint.root)
    opened = check(leaf, file.get("opened"))
    return VerifiedEntry(proof.index, opened, checkpoint, cosigned_by)
