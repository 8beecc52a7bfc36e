"""Origins of tweets: packed to one number and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.origins import LANGUAGES, MOST_PARTITIONS, NO_ORIGIN, language_code, origin_parts, origins_of


@given(st.integers(0, MOST_PARTITIONS - 1), st.integers(0, 2**43 - 1), st.sampled_from(LANGUAGES))
def test_origin_unpacks_to_the_same_parts(partition: int, offset: int, lang: str):
    packed = origins_of(partition, np.array([offset]), np.array([language_code(lang)], np.uint8))
    assert packed.dtype == np.int64 and origin_parts(int(packed[0])) == (partition, offset, lang)


def test_partition_beyond_limit_gives_no_origin():
    packed = origins_of(MOST_PARTITIONS, np.array([5, 6]), np.zeros(2, np.uint8))
    assert packed.tolist() == [NO_ORIGIN] * 2
    assert origin_parts(NO_ORIGIN) == (-1, -1, "und")


def test_unknown_language_code_gives_no_position():
    assert origin_parts(len(LANGUAGES)) == (-1, -1, "und")


def test_languages_are_distinct_primary_subtags():
    assert len(set(LANGUAGES)) == len(LANGUAGES) <= 256
    assert all(2 <= len(tag) <= 3 and tag.isascii() and tag.islower() for tag in LANGUAGES)


@given(st.text(max_size=300))
def test_any_payload_language_has_a_code(lang: str):
    assert 0 <= language_code(lang) < len(LANGUAGES)
