"""Statements of reasons and orders' replies: their own fields against those of the log's entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moderation.audit.disclosure import Value
from moderation.audit.tlog.errors import ProofCode, ProofError, malformed
from moderation.proofs.proof_file import FORMAT, VerifiedEntry, verify_with
from moderation.proofs.reading import member, no_proof
from moderation.proofs.trust import Trust, trust_of


def verify_statement(
    file: Mapping[str, Any], log_key: str, witness_keys: Sequence[str], quorum: int | None = None
) -> VerifiedEntry:
    """Verify a statement, a reply, or a proof file alone.

    Args:
        file: statement or reply with its `entry` and `proof`, or the proof file.
        log_key: public key of the log.
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
    _compare(member(file, "entry", dict, "the statement"), verified.opened, "")
    if "restriction" in file:
        _compare_restriction(member(file, "restriction", dict, "the statement"), verified.opened)
    return verified


def _compare_restriction(restriction: Mapping[str, Any], opened: Mapping[str, Value]) -> None:
    """Compare the statement's details, where they are those of the entry."""
    named = {"country": restriction.get("country"), "policy_revision": restriction.get("policy_revision")}
    if restriction.get("kind") == "hashtag":
        named["hashtag"] = restriction.get("target")
    _compare({name: value for name, value in named.items() if opened.get(name) is not None}, opened, "restriction: ")


def _compare(shown: Mapping[str, Any], opened: Mapping[str, Value], where: str) -> None:
    for name, value in shown.items():
        if name not in opened:
            raise _wrong(name, f"{where}the statement shows the field {name}, but does not open it in the log")
        if type(value) is not type(opened[name]) or value != opened[name]:
            raise _wrong(
                name,
                f"{where}the statement shows another {name} than the log: {_shown(value)}, not {_shown(opened[name])}",
            )


def _wrong(name: str, what: str) -> ProofError:
    return ProofError(
        ProofCode.wrong_field, what, "rely on what the log contains; keep this statement as evidence", field=name
    )


def _shown(value: Any) -> str:
    return repr(value)[:80]
