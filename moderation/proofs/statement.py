"""Statements of reasons and orders' replies: their own fields against those of the log's entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moderation.audit.tlog.errors import malformed
from moderation.proofs.proof_file import FORMAT, VerifiedEntry, verify_with
from moderation.proofs.reading import member, no_proof
from moderation.proofs.shown import compare_entry, compare_restriction
from moderation.proofs.trust import Trust, trust_of


def verify_statement(
    file: Mapping[str, Any], log_key: str | Sequence[str], witness_keys: Sequence[str], quorum: int | None = None
) -> VerifiedEntry:
    """Verify a statement, a reply, or a proof file alone.

    Args:
        file: statement or reply with its `entry` and `proof`, or the proof file.
        log_key: public key of the log; several after a change of keys.
        witness_keys: public keys of witnesses.
        quorum: number of witnesses that must have cosigned; None: all.

    Raises:
        ProofError: The proof does not verify, or the statement differs from the log (`wrong_field`).
        CallerMistake: A key or the quorum cannot be used.
    """
    return verify_statement_with(file, trust_of(log_key, witness_keys, quorum))


def verify_statement_with(file: Mapping[str, Any], trust: Trust) -> VerifiedEntry:
    """Verify a statement with keys that are read already; see `verify_statement`."""
    if file.get("format") == FORMAT:
        return verify_with(file, trust)
    if "proof" not in file:
        raise malformed("the file has no proof: it is neither a proof file nor a statement with one")
    if file["proof"] is None:
        raise no_proof()
    verified = verify_with(member(file, "proof", dict, "the file"), trust)
    entry = member(file, "entry", dict, "the statement")
    if not entry:
        raise malformed("the file shows no field of its entry in the log, so there is nothing to compare")
    compare_entry(entry, verified.opened)
    if "restriction" in file:
        compare_restriction(member(file, "restriction", dict, "the statement"), entry, verified.opened)
    return verified
