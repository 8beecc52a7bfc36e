"""Two spellings are one hashtag, or they are not; and normalising twice changes nothing."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hushtag_client.normalise import normalise
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import ROOT

_VECTORS = json.loads((ROOT / "docs/vectors/normalise.json").read_text("utf-8"))
# What makes work for another part of the rule: fillers, signs that fold to two, marks out of order, controls, #.
_AWKWARD = (
    "#\uff03\uffa0\u3164\u1160\u0345\u0301\u0313\u200d\u200c\ufe0f\u00ad\u034fßİſŉǰΐﬁªK\u1e9e\u13a0\uab70\u1100\u1161aα"
)


@pytest.mark.parametrize("case", _VECTORS["cases"], ids=lambda case: ascii(case["hashtag"]))
def test_vectors(case: dict[str, str]) -> None:
    assert normalise(case["hashtag"]) == case["normalised"]


@settings(deadline=None)
@given(st.text() | st.text(alphabet=_AWKWARD, max_size=12))
def test_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from(_AWKWARD), max_size=12))
def test_composition_and_width_do_not_matter(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)
    assert normalise("#" + text) == normalise("\uff03" + text) == normalise(text)


def test_every_code_point_alone_and_after_a_letter() -> None:
    changing = (
        c for c in map(chr, range(sys.maxunicode + 1)) if normalise.__wrapped__(c) != c or unicodedata.combining(c)
    )
    for char in changing:
        for text in (char, "a" + char + "\u0301", "\u1100" + char):
            once = normalise.__wrapped__(text)
            assert normalise.__wrapped__(once) == once, ascii(text)


def test_marks_that_carry_meaning_stay() -> None:
    assert normalise("किताब") != normalise("कताब")
    assert normalise("कि") == "कि"


def test_lone_surrogates_and_nothing() -> None:
    assert normalise("\ud800") == "\ud800"
    assert normalise("") == normalise("#") == normalise("＃\u200b#") == ""
