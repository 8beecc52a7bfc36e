"""Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519 cosignature/v1).

A witness signs a checkpoint only if it extends the one that it signed before. So two histories of one log cannot both
carry the cosignature of an honest witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.audit.tlog.encoding import MAX_NUMBER
from moderation.audit.tlog.errors import ProofCode, ProofError
from moderation.audit.tlog.keys import PrivateKey, PublicKey
from moderation.audit.tlog.notes import NoteSignature, SignedNote
from streams.errors import CallerMistake

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Cosignature:
    """Verified cosignature."""

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
    found = None
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
        found = Cosignature(witness.name, at_seconds)
    return found


def keys_by_witness(witnesses: Sequence[PublicKey]) -> dict[str, list[PublicKey]]:
    """Group the keys by witness: several keys of one name are one witness, and so is a key with two names."""
    distinct = list({witness.public: witness for witness in witnesses}.values())
    names = dict.fromkeys(witness.name for witness in distinct)
    return {name: [witness for witness in distinct if witness.name == name] for name in names}


def check_cosignatures(
    note: SignedNote, witnesses: Sequence[PublicKey], quorum: int | None = None
) -> tuple[Cosignature, ...]:
    """Verify the cosignatures of witnesses; at least `quorum` of them (None: all) must have cosigned.

    A key that is named twice counts once, because a cosignature does not contain the witness's name. Of several keys
    of one name, as after a change of keys, one is enough.

    Raises:
        ProofError: `missing_cosignature`, `bad_signature`.
        CallerMistake: The quorum is larger than the number of witnesses, or negative.
    """
    keys = keys_by_witness(witnesses)
    needed = len(keys) if quorum is None else quorum
    if not 0 <= needed <= len(keys):
        raise CallerMistake(
            f"a quorum of {needed} cannot be met with the keys of {len(keys)} witnesses",
            fix="give more --witness-key, or a smaller --quorum",
        )
    found = {name: [cosignature_of(note, key) for key in own] for name, own in keys.items()}
    cosigned = tuple(one for own in found.values() for one in [one for one in own if one is not None][:1])
    if len(cosigned) < needed:
        missing = ", ".join(repr(name) for name, own in found.items() if not any(own))
        raise ProofError(
            ProofCode.missing_cosignature,
            f"{len(cosigned)} of the {needed} witnesses that are needed have cosigned the checkpoint; "
            f"missing: {missing}",
            "ask for a file with a cosigned checkpoint: without it, others may be shown another log",
        )
    return cosigned


def _message(text: str, at_seconds: int) -> bytes:
    return f"cosignature/v1\ntime {at_seconds}\n{text}".encode()
