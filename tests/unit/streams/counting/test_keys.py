"""Numbers of hashtags against a plain dict: assigned in order, released, assigned again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.keys import COUNTRY_BITS, Tags
from tests.support.name_table import PlainTags

names = st.one_of(
    st.sampled_from(["a", "ß", "किसान", "d", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmnop", "x" * 400, "0"]),
    st.integers(0, 2_000).map(lambda number: f"tag{number}"),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=40),
)
steps = st.lists(
    st.one_of(st.lists(names, max_size=60), st.integers(0, 600).map(range), st.floats(0, 1)), min_size=1, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_table_equals_a_dict(sent, rng) -> None:
    """Names come in batches, large ranges of them make it grow, and a share of the numbers is released in between."""
    tags, plain = Tags(), PlainTags()
    for step in sent:
        if isinstance(step, float):
            gone = [number for number in plain.numbers() if rng.random() < step]
            assert tags.release_all_but(np.array(sorted({*plain.numbers()} - {*gone}), np.int64)) == gone
            plain.forget(gone)
        else:
            batch = [one if isinstance(one, str) else f"many{one}" for one in step]
            lines = "".join([f"{name}\n" for name in batch]).encode()
            assert tags.of_lines(lines, len(batch)).tolist() == [plain.number(name) for name in batch]
        assert len(tags) == len(plain.numbers())
        asked = rng.choices(plain.numbers(), k=20) if plain.numbers() else []
        for numbers in (asked, sorted(asked), plain.numbers()):
            keys = np.array(numbers, np.int64) << COUNTRY_BITS | 7
            assert tags.names(keys) == [plain.name(number) for number in numbers]
    for name in ["a", "many3", "unknown"]:
        number = plain.find(name)
        assert tags.find(name, "*") == (None if number is None else number << COUNTRY_BITS)


def test_released_number_is_refused() -> None:
    tags = Tags()
    numbers = tags.of(["a", "b", "c", "d"])
    assert tags.release_all_but(numbers[[0, 2, 3]]) == [2]
    for keys in (numbers << COUNTRY_BITS, numbers[3:] + 1 << COUNTRY_BITS, numbers[:1] - 1 << COUNTRY_BITS):
        with pytest.raises(KeyError):
            tags.lines_of(keys)
    assert tags.release_all_but(numbers[[0, 2, 3]]) == []
    assert tags.lines_of(numbers[[3, 0]] << COUNTRY_BITS) == b"d\na\n"


def test_missing_line_break_is_refused() -> None:
    for lines, n in ((b"a", 0), (b"a\nb", 1), (b"a\n", 2)):
        with pytest.raises(ValueError, match="are not"):
            Tags().of_lines(lines, n)


def test_tables_of_two_processes_use_different_secrets() -> None:
    """A sender must not know which names share a slot."""
    assert Tags()._table.secret.tolist() != Tags()._table.secret.tolist()


@given(st.sets(st.integers(1, 300)), st.sets(st.integers(1, 400)))
def test_released_numbers_are_the_assigned_ones_that_are_not_used(released: set[int], used: set[int]) -> None:
    tags = Tags()
    assigned = set(tags.of([str(n) for n in range(300)]).tolist())
    tags.release_all_but(np.array(sorted(assigned - released), np.int64))
    expected = sorted(assigned - released - used)
    assert tags.release_all_but(np.array(sorted(used), np.int64)) == expected
