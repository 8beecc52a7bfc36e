"""Spellings as spans of a text, against lists of str."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.pane import commonest
from streams.windows.spellings import Spellings

NAME = st.text(st.sampled_from("aAbé\ud800ß🙂"), max_size=3)


@given(st.lists(st.tuples(st.integers(0, 3), NAME), max_size=40))
def test_commonest_spelling_of_each_group_equals_the_obvious_one(drawn):
    numbers, group = np.unique(np.array([of for of, _ in drawn], np.int64), return_inverse=True)
    names = [name for _, name in drawn]
    found = Spellings.of(names).commonest(group, len(numbers))
    assert found.tolist() == [commonest([name for of, name in drawn if of == number]) for number in numbers.tolist()]


@given(st.lists(NAME), st.lists(NAME), st.randoms())
def test_spellings_equal_lists_of_str(some, others, rng):
    names = [*some, *others]
    both = Spellings.joined([Spellings.of(some), Spellings.of(others)])
    order = rng.sample(range(len(names)), len(names))
    mixed = both[np.array(order, np.int64)]
    expected = [names[at] for at in order]
    assert mixed.tolist() == mixed.compacted().tolist() == Spellings.of_lines(mixed.lines()).tolist() == expected
    assert both.same_as(mixed).tolist() == [one == other for one, other in zip(names, expected, strict=True)]
    blank = np.array([rng.random() < 0.5 for _ in names], bool)
    assert both.blanked(blank).tolist() == [
        "" if is_blank else name for name, is_blank in zip(names, blank, strict=True)
    ]
    assert len(mixed.compacted().text) == sum(len(name.encode("utf-8", "surrogatepass")) + 1 for name in names)
