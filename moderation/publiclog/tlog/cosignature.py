"""Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519 cosignature/v1).

A witness signs a checkpoint only if it extends the one that it signed before. So two histories of one log cannot both
carry the cosignature of an honest witness.
"""

from __future__ import annotations

from dataclasses import dataclass

from moderation.publiclog.tlog.encoding import MAX_NUMBER
from moderation.publiclog.tlog.errors import ProofCode, ProofError
from moderation.publiclog.tlog.keys import PrivateKey, PublicKey
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Cosignature:
    """Verified cosignature of a witness."""

    witness: str
    """Name of the witness."""
    at_seconds: int
    """Time of the cosignature, POSIX seconds."""


def cosign(text: str, key: PrivateKey, at_seconds: int) -> NoteSignature:
    """Cosign the text of a checkpoint."""
    signature = key.sign(_message(text, at_seconds))
    return NoteSignature(key.name, key.public_key.key_id, at_seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosignature_of(note: SignedNote, witness: PublicKey) -> Cosignature | None:
    """Verify the cosignature of one witness; None if the note has none.

    Raises:
        ProofError: `bad_signature`: the note has one that does not fit.
    """
    cosignature = None
    for data in note.by(witness):
        at_seconds = int.from_bytes(data[:_TIME_BYTES], "big")
        if (
            len(data) != _TIME_BYTES + _SIGNATURE_BYTES
            or at_seconds > MAX_NUMBER
            or not witness.verifies(data[_TIME_BYTES:], _message(note.text, at_seconds))
        ):
            raise ProofError(
                ProofCode.bad_signature,
                f"the cosignature of the witness {witness.name!r} does not fit the checkpoint",
                "do not rely on this file; ask its publisher for a new one",
            )
        cosignature = Cosignature(witness.name, at_seconds)
    return cosignature


def _message(text: str, at_seconds: int) -> bytes:
    return f"cosignature/v1\ntime {at_seconds}\n{text}".encode()
