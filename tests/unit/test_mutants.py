"""The list of planted bugs follows the code: a mutation that cannot be planted proves nothing."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.catalogue import ROOT, Mutation, mutations

MUTATIONS = mutations()


def test_names_are_distinct() -> None:
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS) >= 40


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_mutation_can_be_planted_and_its_tests_are_there(mutation: Mutation) -> None:
    assert mutation.file.startswith(("streams/", "client/")) and mutation.tests
    ast.parse(mutation.planted((ROOT / mutation.file).read_text("utf-8")))
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert f"def {name.split('[')[0]}(" in (ROOT / file).read_text("utf-8") if name else (ROOT / file).exists()


def test_a_text_that_is_gone_or_there_twice_is_refused() -> None:
    one = Mutation("name", "rule", "file", "text", "instead", ())
    assert one.planted("a text") == "a instead"
    for source in ("", "text text"):
        with pytest.raises(ValueError, match="not once"):
            one.planted(source)
