"""Normalisation: the contract's vectors, idempotence, and code points that interact."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hushtag_client import normalise as normalise_module
from hushtag_client.normalise import MOST_STEPS, fold_known, normalise, unassigned_class
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import ROOT

_VECTORS = json.loads((ROOT / "docs/vectors/normalise.json").read_text("utf-8"))
# Code points that interact: fillers, signs that fold to two, marks out of order, controls, #.
_AWKWARD = (
    "#\uff03\uffa0\u3164\u1160\u0345\u0301\u0313\u200d\u200c\ufe0f\u00ad\u034fßİſŉǰΐﬁªK\u1e9e\u13a0\uab70\u1100\u1161aα"
)


@pytest.mark.parametrize("case", _VECTORS["cases"], ids=lambda case: ascii(case["hashtag"]))
def test_normalisation_vectors(case: dict[str, str]) -> None:
    assert normalise(case["hashtag"]) == case["normalised"]


@settings(deadline=None)
@given(st.text() | st.text(alphabet=_AWKWARD, max_size=12))
def test_normalise_is_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from(_AWKWARD), max_size=12))
def test_composition_and_width_are_ignored(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)
    assert normalise("#" + text) == normalise("\uff03" + text) == normalise(text)


def test_normalise_is_idempotent_for_every_code_point() -> None:
    changing = (
        c for c in map(chr, range(sys.maxunicode + 1)) if normalise.__wrapped__(c) != c or unicodedata.combining(c)
    )
    for char in changing:
        for text in (char, "a" + char + "\u0301", "\u1100" + char):
            once = normalise.__wrapped__(text)
            assert normalise.__wrapped__(once) == once, ascii(text)


@settings(deadline=None)
@given(st.text())
def test_cut_at_unassigned_code_points_changes_nothing_in_unicode_14(text: str) -> None:
    assert fold_known(unassigned_class())(text) == normalise_module._fold(text)


def test_code_point_of_later_unicode_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[str] = []
    monkeypatch.setattr(
        normalise_module, "_fold", lambda text: folded.append(text) or text.lower().replace("\u1c89", "x")
    )
    assert fold_known(unassigned_class())("AB\u1c89C") == "ab\u1c89c"
    assert folded == ["AB", "C"]


def test_steps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(normalise_module, "_step", lambda text: steps.append(text) or text + "\u13a0")
    assert len(normalise.__wrapped__("\u13a0")) == 1 + MOST_STEPS == 1 + len(steps)


def test_combining_marks_are_kept() -> None:
    assert normalise("किताब") != normalise("कताब")
    assert normalise("कि") == "कि"


def test_lone_surrogates_and_empty_text() -> None:
    assert normalise("\ud800") == "\ud800"
    assert normalise("") == normalise("#") == normalise("＃\u200b#") == ""
