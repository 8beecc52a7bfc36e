"""Known words: the table against naive counting, and its effect on the words of texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import features, vocabulary
from models.kernels.attribution import find_words
from models.kernels.known import KNOWN_SALT, knows

_MASK = (1 << 64) - 1
_SEED = 0xCBF29CE484222325


def hash_of(word: str) -> int:
    hashed = _SEED
    for char in word:
        hashed = ((hashed ^ ord(char)) * 0x100000001B3) & _MASK
    return hashed


def key(hashed: int, salt: int) -> int:
    hashed ^= salt
    hashed = ((hashed ^ (hashed >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    return ((hashed ^ (hashed >> 29)) >> 32) | 1


def word_key(word: str) -> int:
    return key(hash_of(word), 0x4B)


def row_key(first: str, second: str) -> int:
    return key((hash_of(first) * 0x9E3779B97F4A7C15 + hash_of(second)) & _MASK, 0x52)


def known(texts: list[str]) -> set[int]:
    return set(vocabulary.keys_of(*features.encode(texts)).tolist())


def test_frequent_words_are_known() -> None:
    found = known(["into the sun"] * 3 + ["rare words"] * 2)
    assert found == {word_key(word) for word in ("into", "the", "sun")}


def test_frequent_neighbours_forming_a_known_word_are_known() -> None:
    texts = ["into"] * 3 + ["an in  to", "at in, to", "go in to it", "the in,to"]
    assert row_key("in", "to") in known(texts)
    assert row_key("in", "to") not in known(texts[:-1]), "seen once: two signs between words end a row"
    assert row_key("go", "in") not in known(texts), "not a known word"


def test_known_keys_are_found_and_no_others() -> None:
    """Half of the slots are taken, so that many keys are several slots from their place."""
    words = [f"word {number}" for number in range(4_000)]
    table = vocabulary._table(np.unique(np.array([word_key(word) for word in words[:2_000]], np.uint32)))
    keys = set(table.tolist())
    found = [bool(knows(table, np.uint64(hash_of(word)), KNOWN_SALT)) for word in words]
    assert found == [word_key(word) in keys for word in words]
    assert found[:2_000] == [True] * 2_000 and sum(found[2_000:]) < 10


@settings(deadline=None)  # the first call compiles
@given(st.sets(st.integers(0, (1 << 31) - 1).map(lambda number: 2 * number + 1), max_size=50))
def test_table_has_exactly_the_keys(keys: set[int]) -> None:
    table = vocabulary._table(np.array(sorted(keys), np.uint32))
    assert set(table[table != 0].tolist()) == keys
    assert len(table) & (len(table) - 1) == 0 and 2 * len(keys) <= len(table)
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 1


def test_committed_table_has_common_words() -> None:
    table = vocabulary.table()
    assert all(word_key(word) in table for word in ("the", "women", "है", "bhai", "1st"))
    assert word_key("qzxqzx") not in table
    assert row_key("in", "to") in table


def test_empty_vocabulary_joins_nothing() -> None:
    *tables, _ = features.lookups()
    points, offsets = features.encode(["ni gger sh17"])
    words, *_ = find_words(points, offsets, *tables, np.zeros(1, np.uint32), 1)
    assert words == ["ni", "gger", "sh17"]


@settings(deadline=None)
@given(st.text(alphabet="abhiknrtw \u0915\u093f.1$", max_size=60))
def test_joining_preserves_letters(text: str) -> None:
    """The words of a text start with its letters in order; joined readings are added at the end."""
    *tables, vocabulary_table = features.lookups()
    points, offsets = features.encode([text])
    plain = "".join(find_words(points, offsets, *tables, np.zeros(1, np.uint32), 1)[0])
    read = "".join(find_words(points, offsets, *tables, vocabulary_table, 1)[0])
    if not any(sign in text for sign in "1$"):
        assert read.startswith(plain)
    assert len(plain) <= len(read) <= 2 * len(plain)
