"""Sketches against a full sort that keeps the first k."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.sketch import K, KeyedHash, _ranked, estimate_authors, siphash, smallest_rows
from streams.counting.strata import STRATA, STRATUM_SHIFT, strata_of
from tests.support import naive
from tests.support import siphash as plain
from tests.support.block_counts import Entry, order, smallest

HASHES = KeyedHash(b"key")
ids = st.integers(0, 2**63 - 1)

LEAST = 2


def entry(author: int, tweet: int) -> Entry:
    """Make an entry whose other columns follow from the tweet; some authors have tweets of several strata."""
    stratum = (author + (tweet % 7 == 0)) % STRATA
    return Entry(author, tweet, tweet % 400, tweet % 2 | stratum << STRATUM_SHIFT, f"Tag{tweet % 3}", f"text {tweet}")


entries = st.builds(entry, st.integers(0, 12) | st.integers(0, 2**64 - 1), st.integers(0, 60) | ids)


def fast(group: list[int], given_entries: list[Entry], k: int) -> list[tuple[int, Entry]]:
    """Return the entries that `smallest_rows` keeps."""
    author = np.array([one.author for one in given_entries], np.uint64)
    order = HASHES.orders(np.array([one.tweet for one in given_entries], np.int64))
    strata = strata_of(np.array([one.flags for one in given_entries], np.uint8))
    kept = smallest_rows(np.array(group, np.int64), author, order, strata, k, LEAST)
    return [(group[row], given_entries[row]) for row in kept]


def obvious(group: list[int], given_entries: list[Entry], k: int) -> list[tuple[int, Entry]]:
    """Rank one group after the other."""
    return [
        (number, one)
        for number in sorted(set(group))
        for one in smallest(
            [one for its, one in zip(group, given_entries, strict=True) if its == number], HASHES, k, LEAST
        )
    ]


def sketch(given_entries: list[Entry], k: int) -> list[Entry]:
    return [one for _, one in fast([0] * len(given_entries), given_entries, k)]


@settings(max_examples=80, deadline=None)
@given(st.lists(entries, max_size=40), st.integers(1, 8))
def test_sketch_keeps_the_smallest_authors_and_tweets(given_entries, k):
    assert sketch(given_entries, k) == smallest(given_entries, HASHES, k, LEAST)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=30), st.lists(entries, max_size=30), st.integers(1, 8))
def test_sketches_merge_in_any_order(left, right, k):
    assert sketch(sketch(left, k) + sketch(right, k), k) == smallest(right + left, HASHES, k, LEAST)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 3), entries), max_size=50), st.integers(1, 6))
def test_many_sketches_equal_single_sketches(rows, k):
    group, given_entries = [number for number, _ in rows], [one for _, one in rows]
    assert fast(group, given_entries, k) == obvious(group, given_entries, k)


spreads = st.sampled_from([1, 2, 3, 2**20, 2**31, 2**32 - 1, 2**32, 2**33, 2**40, 2**62])


@settings(max_examples=150, deadline=None)
@given(st.data(), spreads, st.integers(-(2**40), 2**40))
def test_ranked_rows_equal_a_sort_by_three_columns(data, spread, lowest):
    """Groups are near or far apart; authors differ in a low bit or in a high one only."""
    groups = st.sampled_from([0, 1, spread // 2, spread - 1, spread])
    prefixes, lows = st.sampled_from([0, 2**32, 2**63, 2**64 - 2**32]), st.integers(0, 3) | st.integers(0, 2**32 - 1)
    rows = data.draw(st.lists(st.tuples(groups, prefixes, lows, st.integers(0, 3)), min_size=1, max_size=60))
    group = np.array([lowest + row[0] for row in rows], np.int64)
    author = np.array([row[1] + row[2] for row in rows], np.uint64)
    order = np.array([row[3] << 62 for row in rows], np.uint64)
    ranked, plain = _ranked(group, author, order), np.lexsort((order, author, group))
    for column in (group, author, order):
        assert column[ranked].tolist() == column[plain].tolist()
    assert sorted(ranked.tolist()) == list(range(len(rows)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2**32 + 1, 2**50]), entries), min_size=1, max_size=50), st.integers(1, 6)
)
def test_groups_may_be_far_apart(rows, k):
    group, given_entries = [number for number, _ in rows], [one for _, one in rows]
    assert fast(group, given_entries, k) == obvious(group, given_entries, k)


@settings(max_examples=50, deadline=None)
@given(st.lists(ids, min_size=1, max_size=20))
def test_orders_equal_plain_order(tweets):
    assert HASHES.orders(np.array(tweets, np.int64)).tolist() == [order(HASHES, tweet) for tweet in tweets]


def test_author_hashes_are_siphash():
    assert doctest.testmod(plain).failed == 0
    """The test vector of the paper for 8 bytes: message 00 01 ... 07 under the key 00 01 ... 0f."""
    word = np.array([0x0706050403020100], np.uint64)
    assert siphash(word, np.array([0x0706050403020100, 0x0F0E0D0C0B0A0908], np.uint64)).tolist() == [0x93F5F5799A932462]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_author_hashes_equal_plain_siphash(authors):
    assert KeyedHash(b"").authors(authors).tolist() == [naive.author_hash(str(author)) for author in authors]


def test_hashes_are_keyed():
    other = KeyedHash(b"other")
    assert HASHES.authors([42, 42]).tolist() == [int(HASHES.authors([42])[0])] * 2
    assert HASHES.authors([42]) != other.authors([42])
    assert order(HASHES, 42) != order(other, 42)


def test_authors_are_exact_below_k():
    assert [estimate_authors(n, 2**60) for n in (0, 1, K - 1)] == [0, 1, K - 1]
    assert estimate_authors(K, 2**64 // 1_000) == pytest.approx(1_000 * (K - 1), abs=70)
    assert estimate_authors(K, 0) > 0  # the smallest hash there is


@pytest.mark.parametrize("authors", [100, 1_000, 20_000])
def test_estimate_is_unbiased(authors):
    guesses = []
    for key in range(20):
        hashes = KeyedHash(b"%d" % key)
        sample = np.sort(hashes.authors(range(authors)))[:K].tolist()
        guesses.append(estimate_authors(K, sample[-1]))
    spread = 1 / (K - 2) ** 0.5
    assert abs(np.mean(guesses) / authors - 1) < 3.5 * spread / 20**0.5
    assert max(abs(guess / authors - 1) for guess in guesses) < 4 * spread
