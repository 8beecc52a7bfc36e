"""The quick check against Python's `normalize`."""

from __future__ import annotations

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import normal_form
from models.kernels.normal_form import may_change

NEIGHBOURS = [*range(0x20, 0x250), *range(0x300, 0x370), *range(0x900, 0xE00), 0x1100, 0x1161, 0x11A8, 0x1F468, 0x200D]
TEXTS = st.one_of(
    st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFFF, exclude_characters="\n")),
    st.text(st.sampled_from(NEIGHBOURS).map(chr)),
)


def changes(texts: list[str]) -> list[bool]:
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    offsets = np.cumsum([0, *map(len, texts)])
    return may_change(points, offsets, normal_form.table()).tolist()


@given(st.lists(TEXTS, min_size=1))
def test_text_that_stays_is_in_normal_form(texts: list[str]) -> None:
    for text, may in zip(texts, changes(texts), strict=True):
        assert may or unicodedata.normalize("NFKC", text) == text


def test_every_pair_of_indic_letters_is_judged_right() -> None:
    indic = [chr(point) for point in range(0x900, 0xE00)]
    pairs = [first + second for first in indic for second in indic]
    for pair, may in zip(pairs, changes(pairs), strict=True):
        assert may or unicodedata.normalize("NFKC", pair) == pair


def test_ordinary_texts_are_not_normalised() -> None:
    texts = ["déjà vu 🙂👩🏽‍🚒", "किताबें पढ़ना ज़रूरी है, लड़की", "தமிழ் বাংলা తెలుగు", "plain"]
    assert changes(texts) == [False] * 4
    assert changes(["ＷＩＤＥ", "e\u0301", "न\u093c", "ﬁ"]) == [True] * 4
