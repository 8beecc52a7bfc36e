"""The key counter against a dict."""

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.keys import COUNTRY_BITS, NOWHERE
from streams.windows.key_counter import KeyCounter
from tests.support.windows import counts_of

KEYS = st.builds(lambda tag, country: tag << COUNTRY_BITS | country, st.integers(1, 2_000), st.integers(1, 677))
BATCHES = st.lists(st.lists(st.tuples(KEYS, st.integers(1, 1_000)), max_size=40), max_size=60)


def added(tally: KeyCounter, batch: list[tuple[int, int]], sign: int) -> None:
    tally.add(np.array([key for key, _ in batch], np.int64), sign * np.array([more for _, more in batch], np.int64))


@given(BATCHES, st.integers(0, 59))
def test_counter_equals_a_dict(batches: list[list[tuple[int, int]]], keep: int) -> None:
    """All but the last `keep` batches are subtracted again, as panes leave a window."""
    tally = KeyCounter()
    for batch in batches:
        added(tally, batch, 1)
    for batch in batches[: max(0, len(batches) - keep)]:
        added(tally, batch, -1)
    expected: defaultdict[int, int] = defaultdict(int)
    for batch in batches[max(0, len(batches) - keep) :]:
        for key, more in batch:
            expected[key >> COUNTRY_BITS << COUNTRY_BITS] += more
            if key & ((1 << COUNTRY_BITS) - 1) != NOWHERE:
                expected[key] += more
    assert counts_of(tally) == expected
    for floor in (1, 500, 1_500):
        assert tally.at_least(floor).tolist() == sorted(key for key, count in expected.items() if count >= floor)


@given(
    BATCHES, BATCHES, st.lists(KEYS | st.integers(1, 2_000).map(lambda tag: tag << COUNTRY_BITS)), st.integers(1, 999)
)
def test_over_equals_a_search_among_all_counts(
    batches: list[list[tuple[int, int]]], more: list[list[tuple[int, int]]], asked: list[int], floor: int
) -> None:
    one, other = KeyCounter(), KeyCounter()
    for counter, some in ((one, batches), (other, more)):
        for batch in some:
            added(counter, batch, 1)
    asked += [key for batch in batches[:3] for key, _ in batch]
    tweets = Counter(counts_of(one)) + Counter(counts_of(other))
    worlds = {key: key >> COUNTRY_BITS << COUNTRY_BITS for key in asked}
    big = {key for key, world in worlds.items() if tweets[world] >= floor}
    expected = sorted({key for key in big | {worlds[key] for key in big} if tweets[key] >= floor})
    assert one.over(np.array(asked, np.int64), floor, other).tolist() == expected


def test_slots_of_removed_keys_are_reused() -> None:
    tally = KeyCounter()
    for first in range(1, 1_000_000, 10_000):
        keys = np.arange(first, first + 10_000, dtype=np.int64) << COUNTRY_BITS | NOWHERE
        tally.add(keys, np.ones(len(keys), np.int64))
        assert tally.of(keys >> COUNTRY_BITS << COUNTRY_BITS).tolist() == [1] * len(keys)
        tally.add(keys, -np.ones(len(keys), np.int64))
    assert counts_of(tally) == {}
    assert len(tally._keys) <= 1 << 18


def test_uncounted_key_has_no_tweets() -> None:
    assert KeyCounter().of(np.array([1 << COUNTRY_BITS, 5])).tolist() == [0, 0]
