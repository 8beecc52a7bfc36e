"""Names of languages, and the authors whose texts are not read, in words."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from models.languages import GROUPS
from streams import languages


def test_doctests() -> None:
    assert doctest.testmod(languages).failed == 0


def test_every_storage_group_has_a_name() -> None:
    assert all(languages.language_name(group) != group for group in GROUPS if group != languages.OTHER)


@given(st.integers(0, 10_000), st.dictionaries(st.sampled_from(GROUPS), st.integers(1, 999), min_size=1))
def test_read_part_below_all_is_never_100_percent(scored: int, unread: dict[str, int]) -> None:
    assert not languages.read_words(scored, unread).startswith("100%")
