"""Keys that a checker trusts: the log's, and those of witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.audit.tlog.checkpoint import Checkpoint, open_checkpoint
from moderation.audit.tlog.cosignature import Cosignature, check_cosignatures
from moderation.audit.tlog.keys import KeyKind, PublicKey, read_public_key
from streams.errors import CallerMistake


@dataclass(frozen=True, slots=True)
class Trust:
    """Log key, witness keys, and how many witnesses must have cosigned."""

    log_key: PublicKey
    witness_keys: tuple[PublicKey, ...]
    quorum: int | None = None
    """None: all witnesses."""

    def open(self, note: str) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
        """Read a checkpoint and verify its signature and cosignatures.

        Raises:
            ProofError: `malformed`, `wrong_log`, `bad_signature`, `missing_cosignature`.
        """
        checkpoint, signed = open_checkpoint(note, self.log_key)
        return checkpoint, check_cosignatures(signed, self.witness_keys, self.quorum)


def trust_of(log_key: str, witness_keys: Sequence[str], quorum: int | None = None) -> Trust:
    """Read the keys that a checker gives.

    Raises:
        CallerMistake: A text is no key of its kind, a witness has the log's own key, or the quorum cannot be met.
    """
    log = read_public_key(log_key.strip(), KeyKind.log)
    witnesses = tuple(read_public_key(key.strip(), KeyKind.witness) for key in witness_keys)
    for witness in witnesses:
        if witness.public == log.public:
            raise CallerMistake(
                f"the witness {witness.name!r} has the key of the log itself, so it witnesses nothing",
                fix="give keys of witnesses that the log's operator does not hold",
            )
    distinct = len({witness.public for witness in witnesses})
    if quorum is not None and not 0 <= quorum <= distinct:
        raise CallerMistake(
            f"a quorum of {quorum} cannot be met with the keys of {distinct} witnesses",
            fix="give more --witness-key, or a smaller --quorum",
        )
    return Trust(log, witnesses, quorum)
