"""Numbers of hashtags, assigned to many at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.counting.keys import Tags

batches = st.lists(st.lists(st.sampled_from(["a", "ß", "किसान", "d", "e"]), max_size=8), max_size=6)


@given(batches, st.integers(0, 4))
def test_numbers_of_many_equal_numbers_one_by_one(sent: list[list[str]], forget: int) -> None:
    at_once, one_by_one = Tags(), Tags()
    for number, names in enumerate(sent):
        found = at_once.of(names).tolist()
        assert found == [one_by_one.number(name) for name in names]
        assert at_once.names(at_once.of(names) << 10) == names
        if number == forget:
            at_once.forget(set(found))
            one_by_one.forget(set(found))
    assert at_once.numbers() == one_by_one.numbers()
    assert len(at_once) == len(set(at_once.numbers()))
