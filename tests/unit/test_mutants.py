"""Catalogue of planted bugs: every entry fits the present code and names existing tests."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.__main__ import plant
from tests.mutants.catalogue import Mutation, mutations
from tests.mutants.planting import COPIED
from tests.mutants.seeds import fewest
from tests.support.paths import ROOT

MUTATIONS = mutations()
PLANTED = tuple(f"{name}/" for name in COPIED if name != "tests" and (ROOT / name).is_dir())


def test_catalogue_has_210_distinct_names() -> None:
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS) >= 210


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_mutation_fits_its_file_and_tests_exist(mutation: Mutation) -> None:
    assert mutation.file.startswith(PLANTED) and mutation.tests
    planted = mutation.planted((ROOT / mutation.file).read_text("utf-8"))
    if mutation.file.endswith(".py"):
        ast.parse(planted)
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert f"def {name.split('[')[0]}(" in (ROOT / file).read_text("utf-8") if name else (ROOT / file).exists()


def test_missing_or_repeated_text_is_refused() -> None:
    one = Mutation("name", "rule", "file", "text", "instead", ())
    assert one.planted("a text") == "a instead"
    for source in ("", "text text"):
        with pytest.raises(ValueError, match="not once"):
            one.planted(source)


def test_mutation_of_linked_folder_is_refused_and_leaves_checkout() -> None:
    before = (ROOT / "benchmarks/chart.py").read_text("utf-8")
    one = Mutation("name", "rule", "benchmarks/chart.py", before, "", ("tests/unit/test_mutants.py",))
    assert "only linked" in plant(one).trouble
    assert (ROOT / "benchmarks/chart.py").read_text("utf-8") == before


def test_fewest_seeds_find_each_bug_twice_where_two_do() -> None:
    finders = {"a": {1, 2, 3}, "b": {2, 4}, "c": {3, 5, 6}, "rare": {9}}
    assert fewest(finders) == [2, 3, 4, 5, 9]
