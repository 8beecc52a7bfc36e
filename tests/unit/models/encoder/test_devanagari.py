"""Roman Hindi to Devanagari by keys of spellings."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoder.devanagari import Transliterator, frequent_words, key_of
from models.romanise import romanise

WORDS = ("नहीं", "बहुत", "अच्छा", "क्या", "लड़की", "औरत", "शिक्षक", "वक़्त", "ज़िंदगी", "भाई", "छोड़ो", "फूल")


@pytest.mark.parametrize("spellings", [
    ("nahi", "nahin", "nahee", "Nahiin"), ("bahut", "bahoot"), ("accha", "achha", "acha", "achchha"),
    ("kya", "kyaa"), ("zindagi", "jindagi", "zindagee"), ("aurat", "orat"), ("mumbai", "munbai"),
])  # fmt: skip
def test_spellings_of_one_word_share_a_key(spellings):
    assert len({key_of(one) for one in spellings}) == 1


def test_most_drawn_spellings_are_converted_back():
    rng, convert = random.Random(0), Transliterator(WORDS).convert
    drawn = [(word, romanise(word, rng)) for word in WORDS for _ in range(20)]
    assert sum(convert(roman) == word for word, roman in drawn) / len(drawn) > 0.85


def test_most_frequent_word_of_a_key_is_taken():
    assert frequent_words(["में है", "में", "मैं में", "मैं", "एक"]) == ["में", "मैं"]
    assert Transliterator(["में", "मैं"]).convert("main MEIN me") == "में में में"


def test_masked_parts_and_unknown_words_stay():
    convert = Transliterator(["है", "को"]).convert
    text = "#hai @hai_hai https://t.co/hai www.hai.in t.co/hai school"
    assert convert(text) == text
    assert convert("hai, HAI! ko।") == "है, है! को।"


@given(st.text(max_size=80), st.lists(st.sampled_from(WORDS)))
def test_any_text_is_converted_and_words_survive_a_file(text, words):
    made = Transliterator(words)
    again = Transliterator.from_array(made.to_array())
    assert again.words == made.words
    assert again.convert(text) == made.convert(text)
    assert made.convert(made.convert(text)) == made.convert(text)


def test_words_that_are_no_text_are_refused():
    with pytest.raises(ValueError, match="utf-8"):
        Transliterator.from_array(np.array([0xFF, 0xFE], np.uint8))
