"""Proof file: an entry's leaf, opened fields and inclusion proof, as one JSON object; `verify_proof` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from moderation.publiclog.disclosure import Value
from moderation.publiclog.tlog.encoding import to_base64
from moderation.publiclog.tlog.proof_text import TlogProof

FORMAT = "hushtag-proof-1"


class ProofFile(TypedDict):
    """Proof file of one entry, as JSON."""

    format: str
    leaf: str
    opened: list[dict[str, Value]]
    proof: str


def proof_file(
    leaf: bytes, disclosed: Sequence[Mapping[str, Value]], index: int, path: Sequence[bytes], checkpoint: str
) -> ProofFile:
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
        "opened": [dict(opened) for opened in disclosed],
        "proof": TlogProof(index, tuple(path), checkpoint).encode(),
    }
