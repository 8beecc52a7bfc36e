"""Records of the topic `audit-checkpoints`: the writer's signed state, and the published checkpoint.

The state is a checkpoint with what a restart needs: the right edge of the tree, and the read position of each source.
The edge proves itself, because it leads to the signed root. The positions do not, so a seal of the log's keys covers
the whole record: otherwise a program with write access could let the writer pass over records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from moderation.publiclog.entries import LogEnd, Positions
from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.inputs import Natural
from moderation.publiclog.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.keys import PrivateKey, PublicKey
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote, read_note
from streams.log.sense import Ms

STATE_KEY = b"signed"
"""Key of the writer's state."""
PUBLISHED_KEY = b"published"
"""Key of the newest published checkpoint."""
COMPLETE_KEY = b"complete"
"""Key of the newest published checkpoint with the cosignatures of all witnesses."""


class SourceNext(msgspec.Struct, frozen=True, array_like=True):
    """First offset of a source partition that is not in the log."""

    topic: str
    partition: Natural
    offset: Natural


class SignedState(msgspec.Struct, frozen=True, kw_only=True):
    """State of the writer at a checkpoint that it signed."""

    checkpoint: str
    """Signed note of the checkpoint."""
    edge: tuple[str, ...]
    """Right edge of the tree, in hex."""
    positions: tuple[SourceNext, ...]
    at_ms: Ms
    verified_at_ms: Ms = 0
    """Time of the last verification of the whole log; 0: none yet."""
    seal: str = ""
    """Signed note over the SHA-256 of the fields above."""


class PublishedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Checkpoint as published, with its cosignatures."""

    size: Natural
    """Number of entries in the tree."""
    checkpoint: str
    """Signed note of the checkpoint."""
    at_ms: Ms
    missing: tuple[str, ...] = ()
    """Names of the witnesses whose cosignature it lacks."""


@dataclass(frozen=True, slots=True)
class OpenedState:
    """State of the writer, verified."""

    checkpoint: Checkpoint
    end: LogEnd
    at_ms: int
    verified_at_ms: int
    signed_by: frozenset[bytes]
    """Identifiers of the keys that signed it."""


_encoder = msgspec.json.Encoder(order="sorted")
_states = msgspec.json.Decoder(SignedState)
_published = msgspec.json.Decoder(PublishedCheckpoint)


def sign_state(end: LogEnd, keys: Sequence[PrivateKey], at_ms: int, verified_at_ms: int) -> tuple[bytes, Checkpoint]:
    """Sign a checkpoint of the log's end.

    Returns:
        The value of its record, and the checkpoint.
    """
    checkpoint = Checkpoint(keys[0].name, end.size, end.tree.root())
    state = SignedState(
        checkpoint=sign_checkpoint(checkpoint, keys).encode(),
        edge=tuple(node.hex() for node in end.tree.edge),
        positions=tuple(SourceNext(topic, p, offset) for (topic, p), offset in sorted(end.next_offsets.items())),
        at_ms=at_ms,
        verified_at_ms=verified_at_ms,
    )
    text = _seal_text(state, keys[0].name)
    seal = SignedNote(text, tuple(_signature(text, key) for key in keys)).encode()
    return _encoder.encode(msgspec.structs.replace(state, seal=seal)), checkpoint


def open_state(value: bytes, keys: Sequence[PublicKey], topic: str) -> OpenedState:
    """Verify the writer's state.

    Args:
        value: value of the record.
        keys: public keys of the log; one of them must have signed it.
        topic: full name of the topic, for errors.

    Raises:
        AuditBroken: the record is not such a state, or no key signed it.
    """
    try:
        state = _states.decode(value)
        checkpoint, note = open_checkpoint(state.checkpoint, *keys)
        _check_seal(state, keys)
        tree = CompactRange(checkpoint.size, [bytes.fromhex(node) for node in state.edge])
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise AuditBroken(topic, AuditFault(0, "forged checkpoint", f"the state cannot be read: {error}")) from None
    except ProofError as error:
        raise AuditBroken(topic, AuditFault(0, "forged checkpoint", str(error)), fix=_WRONG_KEY) from None
    if tree.root() != checkpoint.root:
        detail = "the state's right edge does not lead to the signed root"
        raise AuditBroken(topic, AuditFault(checkpoint.size, "forged checkpoint", detail))
    positions: Positions = {(position.topic, position.partition): position.offset for position in state.positions}
    signed_by = frozenset(signature.key_id for signature in note.signatures)
    return OpenedState(checkpoint, LogEnd(tree, positions), state.at_ms, state.verified_at_ms, signed_by)


def published_records(published: PublishedCheckpoint) -> list[tuple[bytes, bytes]]:
    """Return the records of a published checkpoint as (value, key)."""
    value, keys = _encoder.encode(published), (PUBLISHED_KEY, COMPLETE_KEY)
    return [(value, key) for key in (keys[:1] if published.missing else keys)]


def decode_published(value: bytes | None) -> PublishedCheckpoint | None:
    """Decode a published checkpoint without verification; None if it is another record."""
    try:
        return _published.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode_state(value: bytes | None) -> SignedState | None:
    """Decode the writer's state without verification; None if it is another record."""
    try:
        return _states.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def state_note(value: bytes) -> str:
    """Return the checkpoint of a state without verification; "" if it is another record."""
    state = decode_state(value)
    return "" if state is None else state.checkpoint


def open_checkpoints(notes: Mapping[str, str], keys: Sequence[PublicKey], topic: str) -> list[tuple[str, Checkpoint]]:
    """Verify checkpoints.

    Args:
        notes: signed notes by a name for errors.
        keys: public keys of the log.
        topic: full name of the topic, for errors.

    Raises:
        AuditBroken: one was not signed by the log.
    """
    checkpoints = []
    for name, note in notes.items():
        try:
            checkpoints.append((name, open_checkpoint(note, *keys)[0]))
        except ProofError as error:
            fault = AuditFault(0, "forged checkpoint", f"{name}: {error}")
            raise AuditBroken(topic, fault, fix=_WRONG_KEY) from None
    return checkpoints


def _check_seal(state: SignedState, keys: Sequence[PublicKey]) -> None:
    seal = read_note(state.seal)
    if seal.text == _seal_text(state, keys[0].name):
        for key in keys:
            if any(key.verifies(signature, seal.text.encode()) for signature in seal.by(key)):
                return
    raise ValueError("its seal does not fit: it was changed")


def _seal_text(state: SignedState, name: str) -> str:
    unsealed = _encoder.encode(msgspec.structs.replace(state, seal=""))
    return f"hushtag audit state 1\n{name}\n{sha256(unsealed).hexdigest()}\n"


def _signature(text: str, key: PrivateKey) -> NoteSignature:
    return NoteSignature(key.name, key.public_key.key_id, key.sign(text.encode()))


_WRONG_KEY = "check HUSHTAG_AUDIT_KEY and HUSHTAG_AUDIT_LOG_KEY; if they are the keys of this log, it was tampered with"
