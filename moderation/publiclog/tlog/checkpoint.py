"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, signed by the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.publiclog.tlog.encoding import from_base64, from_decimal, to_base64
from moderation.publiclog.tlog.errors import ProofCode, ProofError, malformed
from moderation.publiclog.tlog.hashing import HASH_BYTES
from moderation.publiclog.tlog.keys import PrivateKey, PublicKey
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote, read_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of a log at one moment."""

    origin: str
    """Name of the log."""
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines; they are signed, and have no meaning here."""

    def text(self) -> str:
        """Write the text that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, to_base64(self.root), *self.extensions))


def read_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint, without signatures.

    Raises:
        ProofError: The text does not follow the format.
    """
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) < 3 or "" in lines:
        raise malformed("a checkpoint has fewer than three lines, or an empty one")
    root = from_base64(lines[2], "a checkpoint's root")
    if len(root) != HASH_BYTES:
        raise malformed(f"a checkpoint's root has {len(root)} bytes, not {HASH_BYTES}")
    return Checkpoint(lines[0], from_decimal(lines[1], "a checkpoint's size"), root, tuple(lines[3:]))


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[PrivateKey]) -> SignedNote:
    """Sign a checkpoint with the log's keys: one, or two while a key is replaced."""
    text = checkpoint.text()
    signatures = (NoteSignature(key.name, key.public_key.key_id, key.sign(text.encode())) for key in keys)
    return SignedNote(text, tuple(signatures))


def open_checkpoint(note: str, *log_keys: PublicKey) -> tuple[Checkpoint, SignedNote]:
    """Read a signed checkpoint and verify the log's signature.

    Args:
        note: signed checkpoint.
        log_keys: keys of one log, all with its name; one that has signed is enough.

    Raises:
        ProofError: `malformed`; `wrong_log`: of another log, or signed by none of the keys; `bad_signature`.
    """
    signed = read_note(note)
    checkpoint = read_checkpoint(signed.text)
    name = log_keys[0].name
    if checkpoint.origin != name:
        raise ProofError(
            ProofCode.wrong_log,
            f"the checkpoint is of the log {checkpoint.origin!r}, not of {name!r}",
            "give the key of the log that this file is about, or do not rely on the file",
        )
    signatures = [(key, signature) for key in log_keys for signature in signed.by(key)]
    if not signatures:
        raise ProofError(
            ProofCode.wrong_log,
            f"the checkpoint is not signed by a key of {name!r} that you gave",
            "compare the key with those that the log's operator announces; after a change of keys, give both",
        )
    if not all(key.verifies(signature, signed.text.encode()) for key, signature in signatures):
        raise ProofError(
            ProofCode.bad_signature,
            f"the signature of the log {name!r} does not fit the checkpoint: the checkpoint was changed",
            "do not rely on this file; ask its publisher for a new one",
        )
    return checkpoint, signed
