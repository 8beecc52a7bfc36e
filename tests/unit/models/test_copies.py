"""Fingerprints: equal for copies, independent of the batch, 0 for a text without words."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models import copies, kernels
from models.copies import fingerprints
from models.features import words_of


def test_doctest() -> None:
    assert doctest.testmod(copies).failed == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Go home #a", "go  HOME! #b @x https://t.co/1", True),
        ("call 1 now", "call 2 now", True),
        ("go home", "go away", False),
        ("go home", "home go", False),
        ("go home", "gohome", False),
        ("भारत छोड़ो", "भारत छोड़ो!!", True),
        ("", "#only https://t.co/2", True),
        ("go home 😀", "go 🙂🙂 home", True),
        ("go home", "gо hоme", True),
    ],
)
def test_fingerprints_ignore_decoration_only(one: str, other: str, same: bool) -> None:
    found = fingerprints([one, other])
    assert (found[0] == found[1]) == same


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "#tag @name https://t.co/1", "12:45 !!!", "😀👍🏽", "१२३"])
def test_fingerprint_of_text_without_words_is_zero(text: str) -> None:
    assert fingerprints([text]).tolist() == [0]


def test_fingerprints_of_no_texts_are_empty() -> None:
    assert fingerprints([]).tolist() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=40), max_size=8))
def test_fingerprints_do_not_depend_on_the_batch(texts: list[str]) -> None:
    assert fingerprints(texts).tolist() == [int(fingerprints([text])[0]) for text in texts]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.from_regex(r"\A[a-z]{2,8}\Z"), min_size=1, max_size=9), st.data())
def test_fingerprint_ignores_text_between_words(words: list[str], data: st.DataObject) -> None:
    longer_text = " ".join([*words, "more"])
    assume(words_of(longer_text) == [*words, "more"])  # "ab ba" is read as the word "abba", which is known
    between = st.sampled_from([" ", " !! ", "\n", " #tag ", " @who ", " 😀 ", " 7 ", " https://x.org/a ", " , "])
    copy = "".join(word.upper() + data.draw(between) for word in words)
    one, other, longer = fingerprints([" ".join(words), copy, longer_text]).tolist()
    assert one == other != 0
    assert longer != one


@pytest.mark.parametrize("text", ["किं " * 512, "क " * 1024, "v e r m i n " * 170, "a" * 2048, "😀" * 2048])
def test_longest_texts_fit_into_the_kernel_arrays(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the kernels as Python, which checks array bounds; compiled code writes past them."""
    expected = fingerprints([text]).tolist()
    found = pkgutil.iter_modules(kernels.__path__, "models.kernels.")
    for module in (copies, *(importlib.import_module(one.name) for one in found)):
        for name, compiled in list(vars(module).items()):
            if hasattr(compiled, "py_func"):
                monkeypatch.setattr(module, name, compiled.py_func)
    with np.errstate(over="ignore"):
        assert fingerprints([text]).tolist() == expected
