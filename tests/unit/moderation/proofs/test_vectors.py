"""The verifier on docs/vectors/proofs.json, which every verifier answers in the same way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from moderation.audit.tlog.errors import ProofCode, ProofError
from moderation.proofs.history import check_not_newer, read_seen
from moderation.proofs.reading import read_json
from moderation.proofs.report import verify_report
from moderation.proofs.statement import verify_statement_with
from moderation.proofs.trust import trust_of
from streams.errors import CallerMistake
from tests.support.proof_vectors import VECTORS, case_lines, case_log, keys_of, text_of


def answer_to_proof(case: dict[str, Any]) -> dict[str, Any]:
    """Verify a statement, as `hushtag proof verify --seen` does."""
    log_key, witness_keys = keys_of(case)
    trust = trust_of(log_key, witness_keys, case.get("quorum"))
    verified = verify_statement_with(read_json(text_of(case).encode()), trust)
    if "seen" in case:
        check_not_newer(verified.checkpoint, read_seen(case["seen"], trust))
    return verified.as_dict()


def answer_to_report(case: dict[str, Any]) -> dict[str, Any]:
    log_key, witness_keys = keys_of(case)
    report = read_json(json.dumps(case["report"]).encode())
    return verify_report(
        report, case_lines(case), case_log(case), log_key, witness_keys, case.get("quorum"), case.get("seen")
    ).as_dict()


@pytest.mark.parametrize("case", VECTORS["proofs"], ids=lambda case: case["name"])
def test_proof_is_answered_as_the_vector_says(case: dict[str, Any]) -> None:
    if case["code"] is None:
        assert answer_to_proof(case) == case["answer"]
        return
    with pytest.raises((ProofError, CallerMistake)) as error:
        answer_to_proof(case)
    assert outcome(error.value) == (case["code"], case.get("field", outcome(error.value)[1]))


@pytest.mark.parametrize("case", VECTORS["reports"], ids=lambda case: case["name"])
def test_report_is_answered_as_the_vector_says(case: dict[str, Any]) -> None:
    if case["code"] is None:
        answer = answer_to_report(case)
        numbers = answer.pop("numbers")
        assert answer == case["answer"]
        assert bool(numbers) is (case["report"]["log"]["entries"] is not None)
        return
    with pytest.raises(ProofError) as error:
        answer_to_report(case)
    assert outcome(error.value) == (case["code"], case.get("field", error.value.field))


def outcome(error: Exception) -> tuple[str, str]:
    return (error.code.value, error.field) if isinstance(error, ProofError) else ("caller_mistake", "")


def test_vectors_have_every_reason() -> None:
    codes = {case["code"] for kind in ("proofs", "reports") for case in VECTORS[kind]}
    assert codes == {None, "caller_mistake", *map(str, ProofCode)}


def test_case_names_are_unique() -> None:
    for kind in ("proofs", "reports"):
        names = [case["name"] for case in VECTORS[kind]]
        assert len(names) == len(set(names))
