"""Sketches against the obvious way: sort everything, keep the first k."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.registers import Entry
from streams.counting.sketch import K, KeyedHash, estimate_authors, smallest, smallest_rows

HASHES = KeyedHash(b"key")
ids = st.integers(0, 2**63 - 1)


def entry(author: int, tweet: int) -> Entry:
    """What an author said in a tweet: the rest follows from the tweet."""
    return Entry(author, tweet, tweet % 400, tweet % 2, f"Tag{tweet % 3}", f"text {tweet}")


entries = st.builds(entry, st.integers(0, 12) | st.integers(0, 2**64 - 1), st.integers(0, 60) | ids)


def obvious(given_entries: list[Entry], k: int) -> list[Entry]:
    best = {}
    for one in sorted(given_entries, key=lambda one: (one.author, HASHES.order(one.tweet))):
        best.setdefault(one.author, one)
    return [best[author] for author in sorted(best)][:k]


def by_author(kept: list[Entry]) -> list[Entry]:
    return sorted(kept, key=lambda one: one.author)


@settings(max_examples=80, deadline=None)
@given(st.lists(entries, max_size=40), st.integers(1, 8))
def test_smallest_keeps_the_smallest_authors_each_with_the_smallest_tweet(given_entries, k):
    assert by_author(smallest(given_entries, HASHES, k)) == obvious(given_entries, k)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=30), st.lists(entries, max_size=30), st.integers(1, 8))
def test_sketches_merge_by_union_in_any_order(left, right, k):
    merged = smallest(smallest(left, HASHES, k) + smallest(right, HASHES, k), HASHES, k)
    assert by_author(merged) == obvious(right + left, k)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 3), entries), max_size=50), st.integers(1, 6))
def test_many_sketches_at_once_are_the_same_as_one_after_the_other(rows, k):
    group = np.array([number for number, _ in rows], np.int64)
    author = np.array([one.author for _, one in rows], np.uint64)
    order = HASHES.orders(np.array([one.tweet for _, one in rows], np.int64))
    kept = smallest_rows(group, author, order, k)
    expected = [
        (number, one)
        for number in sorted({number for number, _ in rows})
        for one in obvious([other for its, other in rows if its == number], k)
    ]
    assert [rows[row] for row in kept] == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(ids, min_size=1, max_size=20))
def test_orders_is_order_of_many(tweets):
    assert HASHES.orders(np.array(tweets, np.int64)).tolist() == [HASHES.order(tweet) for tweet in tweets]


def test_author_hashes_are_keyed():
    assert HASHES.author(42) == int.from_bytes(blake2b(b"42", digest_size=8, key=b"key").digest(), "little")
    assert HASHES.author(42) == HASHES.author(42)
    assert HASHES.author(42) != KeyedHash(b"other").author(42)
    assert HASHES.order(42) != KeyedHash(b"other").order(42)


def test_authors_are_exact_below_k_and_estimated_from_there():
    assert [estimate_authors(n, 2**60) for n in (0, 1, K - 1)] == [0, 1, K - 1]
    assert estimate_authors(K, 2**64 // 1_000) == pytest.approx(1_000 * (K - 1), abs=70)
    assert estimate_authors(K, 0) > 0  # the smallest hash there is


@pytest.mark.parametrize("authors", [100, 1_000, 20_000])
def test_the_estimate_is_unbiased(authors):
    guesses = []
    for key in range(20):
        hashes = KeyedHash(b"%d" % key)
        sample = sorted(hashes.author(number) for number in range(authors))[:K]
        guesses.append(estimate_authors(K, sample[-1]))
    spread = 1 / (K - 2) ** 0.5
    assert abs(np.mean(guesses) / authors - 1) < 3.5 * spread / 20**0.5
    assert max(abs(guess / authors - 1) for guess in guesses) < 4 * spread
