"""The verifier on docs/vectors/proofs.json, which every verifier answers in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from moderation.publiclog.proofs.verify_proof import Refused, verify_report, verify_statement
from moderation.publiclog.tlog.errors import ProofCode
from tests.support.proof_vectors import VECTORS, case_lines, file_of, files_of, keys_of, publication_of


@pytest.mark.parametrize("case", VECTORS["proofs"], ids=lambda case: case["name"])
def test_proof_is_answered_as_the_vector_says(case: dict[str, Any]) -> None:
    check(case, lambda: verify_statement(file_of(case), keys_of(case), case.get("seen")))


@pytest.mark.parametrize("case", VECTORS["reports"], ids=lambda case: case["name"])
def test_report_is_answered_as_the_vector_says(case: dict[str, Any]) -> None:
    def answer() -> dict[str, Any]:
        read = files_of(case).get
        found = verify_report(
            file_of(case), case_lines(case), read, keys_of(case), case.get("seen"), publication_of(case)
        )
        del found["published_checkpoint"]
        return found

    check(case, answer)


def check(case: dict[str, Any], answer: Callable[[], dict[str, Any]]) -> None:
    if case["code"] is None:
        assert answer() == case["answer"]
        return
    with pytest.raises(Refused) as error:
        answer()
    assert (error.value.code, case.get("field", error.value.field)) == (case["code"], error.value.field)


def test_vectors_have_every_reason() -> None:
    codes = {case["code"] for kind in ("proofs", "reports") for case in VECTORS[kind]}
    assert codes == {None, "caller_mistake", *map(str, ProofCode)}


def test_case_names_are_unique() -> None:
    for kind in ("proofs", "reports"):
        names = [case["name"] for case in VECTORS[kind]]
        assert len(names) == len(set(names))
