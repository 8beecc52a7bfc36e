"""The decoding of lines and the quick check, against Python's `decode` and `normalize`."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import features, normal_form
from models.kernels.lines import read_lines

NEIGHBOURS = [*range(0x20, 0x250), *range(0x300, 0x370), *range(0x900, 0xE00), 0x1100, 0x1161, 0x11A8, 0x1F468, 0x200D]
TEXTS = st.one_of(
    st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFFF, exclude_characters="\n")),
    st.text(st.sampled_from(NEIGHBOURS).map(chr)),
)


def read(lines: bytes) -> tuple[bool, list[list[int]], list[bool]]:
    """Return whether lines are UTF-8, the code points of each line and whether it may change."""
    n_lines = lines.count(b"\n")
    points, offsets = np.empty(len(lines), np.uint32), np.empty(n_lines + 1, np.int64)
    may_change = np.empty(n_lines, bool)
    is_utf8 = read_lines(np.frombuffer(lines, np.uint8), normal_form.table(), points, offsets, may_change)
    read = [points[a:b].tolist() for a, b in pairwise(offsets.tolist())] if is_utf8 else []
    return is_utf8, read, may_change.tolist()


def changes(texts: list[str]) -> list[bool]:
    return read("".join(text + "\n" for text in texts).encode("utf-8", "surrogatepass"))[2]


BYTES = st.lists(
    st.binary(max_size=6)
    | st.text(st.characters(), max_size=4).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.sampled_from(
        [b"\xed\xa0\x80", b"\xc0\x80", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe2\x82"]
    )
).map(lambda parts: b"".join(parts) + b"\n")


@settings(max_examples=500)
@given(BYTES)
def test_any_bytes_decode_as_python_decodes_them(lines: bytes) -> None:
    try:
        expected = [[*map(ord, line), 10] for line in lines.decode("utf-8", "surrogatepass").split("\n")[:-1]]
    except UnicodeDecodeError:
        assert not read(lines)[0]
        with pytest.raises(UnicodeDecodeError):
            features.encode_lines(lines)
    else:
        assert read(lines)[:2] == (True, expected)


@given(st.lists(TEXTS, min_size=1))
def test_text_that_stays_is_in_normal_form(texts: list[str]) -> None:
    for text, may in zip(texts, changes(texts), strict=True):
        assert may or unicodedata.normalize("NFKC", text) == text


def test_mark_that_belongs_before_the_mark_of_a_letter_changes_the_text() -> None:
    """A letter with a caron and a cedilla is the letter with a cedilla, and a caron."""
    letters, marks = map(chr, range(0xC0, 0x250)), [chr(point) for point in range(0x300, 0x370)]
    pairs = [letter + mark for letter in letters for mark in marks]
    for pair, may in zip(pairs, changes(pairs), strict=True):
        assert may or unicodedata.normalize("NFKC", pair) == pair, ascii(pair)


def test_every_pair_of_indic_letters_is_judged_right() -> None:
    indic = [chr(point) for point in range(0x900, 0xE00)]
    pairs = [first + second for first in indic for second in indic]
    for pair, may in zip(pairs, changes(pairs), strict=True):
        assert may or unicodedata.normalize("NFKC", pair) == pair


def test_ordinary_texts_are_not_normalised() -> None:
    texts = ["déjà vu 🙂👩🏽‍🚒", "किताबें पढ़ना ज़रूरी है, लड़की", "தமிழ் বাংলা తెలుగు", "plain"]
    assert changes(texts) == [False] * 4
    assert changes(["ＷＩＤＥ", "e\u0301", "न\u093c", "ﬁ"]) == [True] * 4
