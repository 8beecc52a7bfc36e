"""Answers of a witness to submitted checkpoints. The state is persisted before an answer is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple, Protocol

from moderation.publiclog.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.encoding import from_base64, from_decimal
from moderation.publiclog.tlog.errors import ProofError, malformed
from moderation.publiclog.tlog.keys import PrivateKey, PublicKey
from moderation.publiclog.tlog.notes import SignedNote, read_note
from moderation.publiclog.tlog.proof_checks import check_consistency

MAX_BODY_BYTES = 64 * 1024
_MAX_PROOF = 63
_SIZE_TYPE = "text/x.tlog.size"
_TEXT_TYPE = "text/plain; charset=utf-8"


class Seen(NamedTuple):
    """Last checkpoint of a log that was cosigned."""

    size: int
    root: bytes


class SeenStore(Protocol):
    """Last cosigned checkpoint of each log."""

    def load(self, origin: str) -> Seen | None:
        """Return the last checkpoint of a log; None before the first one."""

    def save(self, origin: str, seen: Seen, note: str) -> None:
        """Persist a checkpoint; after the return, no crash can lose it."""


@dataclass(frozen=True, slots=True)
class WitnessReply:
    """Reply to a submission."""

    status: HTTPStatus
    body: str
    content_type: str = _TEXT_TYPE


class WitnessCore:
    """One witness; `submit` may be called from several threads.

    Args:
        key: the witness's private key.
        log_keys: public keys of the logs that it follows; a log may have several of the same name.
        store: last checkpoint of each log.
        clock: POSIX time in seconds.
    """

    def __init__(
        self, key: PrivateKey, log_keys: Sequence[PublicKey], store: SeenStore, clock: Callable[[], float]
    ) -> None:
        self._key, self._store, self._clock = key, store, clock
        self._log_keys: dict[str, list[PublicKey]] = {}
        for log_key in log_keys:
            self._log_keys.setdefault(log_key.name, []).append(log_key)
        self._lock = threading.Lock()

    def submit(self, body: bytes) -> WitnessReply:
        """Check a submission, persist its checkpoint and cosign it."""
        try:
            old, proof, note = _parse(body)
            signed = read_note(note)
            checkpoint = read_checkpoint(signed.text)
        except ProofError as error:
            return _refuse(HTTPStatus.BAD_REQUEST, error)
        if checkpoint.origin not in self._log_keys:
            return WitnessReply(HTTPStatus.NOT_FOUND, "this witness does not follow this log\n")
        if (refused := self._unsigned(note, checkpoint.origin)) is not None:
            return _refuse(HTTPStatus.FORBIDDEN, refused)
        if old > checkpoint.size:
            return WitnessReply(HTTPStatus.BAD_REQUEST, "the old size is greater than that of the checkpoint\n")
        with self._lock:  # nothing may be cosigned between the check and the record of it
            return self._advance(old, proof, checkpoint, signed)

    def _advance(self, old: int, proof: Sequence[bytes], checkpoint: Checkpoint, signed: SignedNote) -> WitnessReply:
        seen = self._store.load(checkpoint.origin)
        if old != (0 if seen is None else seen.size):
            return _conflict(seen)
        if seen is not None and seen.size == checkpoint.size and seen.root != checkpoint.root:
            return _conflict(seen)
        try:
            check_consistency(old, b"" if seen is None else seen.root, checkpoint.size, checkpoint.root, proof)
        except ProofError as error:
            return _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, error)
        self._store.save(checkpoint.origin, Seen(checkpoint.size, checkpoint.root), signed.encode())
        return WitnessReply(HTTPStatus.OK, cosign(signed.text, self._key, int(self._clock())).line())

    def _unsigned(self, note: str, origin: str) -> ProofError | None:
        """Return why no known key of the log has signed a checkpoint; None if one has."""
        reason = None
        for key in self._log_keys[origin]:
            try:
                open_checkpoint(note, key)
                return None
            except ProofError as error:
                reason = error
        return reason


def _parse(body: bytes) -> tuple[int, list[bytes], str]:
    """Split a submission into old size, proof and checkpoint."""
    try:
        head, gap, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise malformed("the submission is not UTF-8") from None
    lines = head.split("\n")
    first = lines.pop(0)
    if not gap or not first.startswith("old ") or len(lines) > _MAX_PROOF:
        raise malformed("a submission is a line `old SIZE`, at most 63 hashes, an empty line and a checkpoint")
    proof = [from_base64(line, "a hash of the proof") for line in lines]
    if any(len(hash_) != 32 for hash_ in proof):
        raise malformed("a hash of the proof does not have 32 bytes")
    return from_decimal(first.removeprefix("old "), "the old size"), proof, note


def _conflict(seen: Seen | None) -> WitnessReply:
    return WitnessReply(HTTPStatus.CONFLICT, f"{0 if seen is None else seen.size}\n", _SIZE_TYPE)


def _refuse(status: HTTPStatus, error: ProofError) -> WitnessReply:
    return WitnessReply(status, f"{error}\n")
