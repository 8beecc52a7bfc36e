"""Keys that a checker trusts: the log's, and those of witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.audit.tlog.checkpoint import Checkpoint, open_checkpoint
from moderation.audit.tlog.cosignature import Cosignature, check_cosignatures, keys_by_witness
from moderation.audit.tlog.keys import KeyKind, PublicKey, read_public_key
from moderation.audit.tlog.notes import SignedNote
from streams.errors import CallerMistake


@dataclass(frozen=True, slots=True)
class Trust:
    """Log keys, witness keys, and how many witnesses must have cosigned."""

    log_keys: tuple[PublicKey, ...]
    """Keys of one log: the present one, and those that signed earlier checkpoints."""
    witness_keys: tuple[PublicKey, ...]
    quorum: int | None = None
    """None: all witnesses."""

    @property
    def log(self) -> str:
        """Name of the log."""
        return self.log_keys[0].name

    def open_log(self, note: str) -> tuple[Checkpoint, SignedNote]:
        """Read a checkpoint and verify its signature, not its cosignatures.

        Raises:
            ProofError: `malformed`, `wrong_log`, `bad_signature`.
        """
        return open_checkpoint(note, *self.log_keys)

    def open(self, note: str) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
        """Read a checkpoint and verify its signature and cosignatures.

        Raises:
            ProofError: `malformed`, `wrong_log`, `bad_signature`, `missing_cosignature`.
        """
        checkpoint, signed = self.open_log(note)
        return checkpoint, check_cosignatures(signed, self.witness_keys, self.quorum)


def trust_of(log_key: str | Sequence[str], witness_keys: Sequence[str], quorum: int | None = None) -> Trust:
    """Read the keys that a checker gives.

    Args:
        log_key: public key of the log; several after a change of keys.
        witness_keys: public keys of witnesses; several of one name are one witness.
        quorum: number of witnesses that must have cosigned; None: all.

    Raises:
        CallerMistake: A text is no key of its kind, the log's keys have different names, a witness has a key of the
            log, or the quorum cannot be met.
    """
    texts = [log_key] if isinstance(log_key, str) else log_key
    logs = tuple(read_public_key(key.strip(), KeyKind.log) for key in texts)
    if len({key.name for key in logs}) != 1:
        raise CallerMistake(
            f"the keys {' '.join(map(str, logs))!r} are not those of one log",
            fix="give keys with the same name: --log-key again only for an earlier key of the same log",
        )
    witnesses = tuple(read_public_key(key.strip(), KeyKind.witness) for key in witness_keys)
    for witness in witnesses:
        if witness.public in {key.public for key in logs}:
            raise CallerMistake(
                f"the witness {witness.name!r} has the key of the log itself, so it witnesses nothing",
                fix="give keys of witnesses that the log's operator does not hold",
            )
    most = len(keys_by_witness(witnesses))
    if quorum is not None and not 0 <= quorum <= most:
        raise CallerMistake(
            f"a quorum of {quorum} cannot be met with the keys of {most} witnesses",
            fix="give more --witness-key, or a smaller --quorum",
        )
    return Trust(logs, witnesses, quorum)
