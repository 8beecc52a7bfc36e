"""Sliding windows against a full recount."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.counting.sketch import K, KeyedHash, estimate_authors
from streams.counting.strata import strata_of
from streams.windows.pane import Pane
from streams.windows.sample_index import EMPTY_INDEX, SampleIndex, index_of, merged
from streams.windows.window import SlidingWindow
from tests.support.block_counts import Entry
from tests.support.panes import Uses, build, obvious_counts, obvious_sample, random_uses, scored
from tests.support.windows import counts_of

HASHES = KeyedHash(b"k")
WINDOW_MS = 3 * PANE_MS
FLOOR = 9


def numbered(pane: Pane, number: int) -> SampleIndex:
    return index_of(number, pane.keys, pane.bounds, pane.author, HASHES.orders(pane.tweet), strata_of(pane.flags))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_window_equals_its_last_panes(seed):
    rng = random.Random(seed)
    tags = Tags()
    window = SlidingWindow(WINDOW_MS, HASHES)
    if rng.random() < 0.5:
        window.floor = FLOOR
    pushed: list[Uses] = []
    for number in range(10):
        uses = random_uses(rng, authors=300, most=40) if rng.random() < 0.7 else {}
        pushed.append(uses)
        window.push(build(uses, tags, number))
        window.expire((number + 1) * PANE_MS)
    window.floor = FLOOR
    last = pushed[-3:]
    counts = obvious_counts(last)
    assert counts_of(window.counts) == {tags.key(*scope): count for scope, count in counts.items()}
    assert window.busy().tolist() == sorted(tags.key(*scope) for scope, count in counts.items() if count >= FLOOR)

    asked = sorted({tags.key(*scope) for scope in counts} | {tags.key("unused", "IN"), tags.key("tag0", "")})
    scopes = {tags.key(f"tag{number}", country): (f"tag{number}", country) for number in range(4)
              for country in ("IN", "US", "*", "")}  # fmt: skip
    sample = window.sample(np.array(asked, np.int64))
    assert (np.diff(sample.group) >= 0).all()
    authors = sample.authors(len(asked))
    for at, key in enumerate(asked):
        rows = sample.group == at
        tag, scope = scopes.get(key, ("unused", "IN"))
        expected = obvious_sample(last, tag, scope)
        smallest = expected[:K]
        assert sample.is_further[rows].tolist() == [False] * len(smallest) + [True] * len(expected[K:])
        assert sample.author[rows].tolist() == [one.author for one in expected]
        assert sample.tweet[rows].tolist() == [one.tweet for one in expected]
        assert sample.origin[rows].tolist() == [one.origin for one in expected]
        assert sample.age_days[rows].tolist() == [one.age_days for one in expected]
        assert sample.copy[rows].tolist() == [scored(one.text).copy for one in expected]
        assert sample.scores[rows].tolist() == [scored(one.text).probabilities.tolist() for one in expected]
        assert authors[at] == estimate_authors(len(smallest), smallest[-1].author if smallest else 0)


def test_empty_window_has_no_counts_and_samples():
    window = SlidingWindow(WINDOW_MS, HASHES)
    window.floor = 1
    sample = window.sample(np.array([1 << 10, 2 << 10]))
    assert sample.authors(2).tolist() == [0, 0]
    assert (counts_of(window.counts), len(window.busy())) == ({}, 0)


def test_sample_includes_open_panes():
    tags = Tags()
    window = SlidingWindow(WINDOW_MS, HASHES)
    one, other = Entry(5, 1, 1, 0, "", "text 1"), Entry(3, 2, 1, 0, "", "text 2")
    window.push(build({("a", "IN"): (1, [one])}, tags, 0))
    extra: Pane = build({("a", "US"): (1, [other])}, tags, 1)
    assert window.sample(np.array([tags.key("a", "*")]), [extra]).author.tolist() == [3, 5]
    assert window.sample(np.array([tags.key("a", "*")])).author.tolist() == [5]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(-PANE_MS, 12 * PANE_MS), st.integers(0, 2))
def test_sample_until_a_time_equals_naive_recount(seed, until_ms, expired):
    """A pane counts that ends by then; expired and open panes are left out and added as always."""
    rng = random.Random(seed)
    tags, pushed = Tags(), []
    window = SlidingWindow(5 * PANE_MS, HASHES)
    for number in range(9):
        uses = random_uses(rng, authors=300, most=40) if rng.random() < 0.8 else {}
        pushed.append((number, uses))
        window.push(build(uses, tags, number))
        window.expire((number + 1) * PANE_MS)
    inside = [(number, uses) for number, uses in pushed[-5:] if uses][expired:]
    counting = [uses for number, uses in inside if (number + 1) * PANE_MS <= until_ms]
    keys = {
        tags.key(f"tag{number}", country): (f"tag{number}", country) for number in range(4) for country in ("IN", "*")
    }
    asked = np.array(sorted(keys), np.int64)
    sample = window.sample(asked, (), expired, until_ms)
    for at, key in enumerate(asked.tolist()):
        expected = obvious_sample(counting, *keys[key])
        assert sample.author[sample.group == at].tolist() == [one.author for one in expected]
        assert sample.tweet[sample.group == at].tolist() == [one.tweet for one in expected]


def test_sample_until_the_end_is_the_whole_sample():
    tags = Tags()
    window = SlidingWindow(WINDOW_MS, HASHES)
    for number in range(3):
        entries = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(number, 90, 3)]
        window.push(build({("a", "IN"): (len(entries), entries)}, tags, number))
    asked = np.array([tags.key("a", "*")])
    whole = window.sample(asked).author.tolist()
    assert window.sample(asked, until_ms=3 * PANE_MS).author.tolist() == whole
    assert window.sample(asked, until_ms=3 * PANE_MS - 1).author.tolist() == [n for n in range(90) if n % 3 != 2]
    assert window.sample(asked, until_ms=PANE_MS - 1).authors(1).tolist() == [0]


def test_floor_can_be_raised_and_lowered():
    tags = Tags()
    window = SlidingWindow(WINDOW_MS, HASHES)
    window.push(build({("a", "IN"): (5, []), ("a", ""): (3, [])}, tags, 0))
    india, world = tags.key("a", "IN"), tags.key("a", "*")
    for floor, busy in ((6, {world}), (9, set()), (5, {india, world})):
        window.floor = floor
        assert set(window.busy().tolist()) == busy
    window.expire(PANE_MS + WINDOW_MS)
    assert (len(window.busy()), counts_of(window.counts), len(window.panes)) == (0, {}, 0)


def test_displays_of_every_pane_and_country():
    tags = Tags()
    window = SlidingWindow(WINDOW_MS, HASHES)
    shout = Entry(5, 1, 1, 0, "AA", "text 1")
    window.push(build({("aa", "IN"): (1, [shout]), ("aa", "US"): (1, [])}, tags, 0))
    window.push(build({("aa", "IN"): (1, [])}, tags, 1))
    assert sorted(window.displays(tags.key("aa", "*"))) == ["AA", "aa", "aa"]
    assert window.displays(tags.key("aa", "US")) == ["aa"]


def test_sample_has_k_authors():
    tags = Tags()
    window = SlidingWindow(WINDOW_MS, HASHES)
    for number in range(3):
        entries = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(number, 3 * K, 3)]
        window.push(build({("a", "IN"): (len(entries), entries)}, tags, number))
    assert window.sample(np.array([tags.key("a", "*")])).author.tolist() == list(range(K))


SAMPLE = ("group", "author", "tweet", "origin", "age_days", "flags", "copy", "scores")


@pytest.mark.simulation
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_sample_does_not_depend_on_how_panes_were_added(seed):
    """Panes are added one by one, with expired ones, or all at once; with and without open panes."""
    rng = random.Random(seed)
    tags = Tags()
    slid = SlidingWindow(WINDOW_MS, HASHES)
    keys = sorted(tags.key(f"tag{number}", country) for number in range(5) for country in ("IN", "US", "*", ""))
    for number in range(7):
        pane = build(random_uses(rng, authors=300, most=90), tags, number)
        slid.push(pane)
        slid.expire((number + 1) * PANE_MS)
        if rng.random() < 0.2:
            slid.reset_to(list(slid.panes))
        held = SlidingWindow(WINDOW_MS, HASHES)
        held.reset_to(slid.panes)
        assert counts_of(held.counts) == counts_of(slid.counts)
        asked = np.array(sorted(rng.sample(keys, rng.randrange(len(keys) + 1))), np.int64)
        extra = [build(random_uses(rng, authors=300, most=90), tags, 9) for _ in range(rng.randrange(3))]
        found, expected = (one.sample(asked, extra) for one in (slid, held))
        for name in SAMPLE:
            assert np.array_equal(getattr(found, name), getattr(expected, name)), name
        assert found.authors(len(asked)).tolist() == expected.authors(len(asked)).tolist()


@pytest.mark.parametrize("countries", [("US", "IN"), ("IN", "US")])
def test_sample_takes_the_earliest_of_equal_tweets(countries):
    """An id that returns in another country: a window that was filled at once has other indexes than a running one."""
    tags = Tags()
    running, recovered = (SlidingWindow(9 * PANE_MS, HASHES) for _ in range(2))
    panes = []
    for number, country in [(0, countries[0]), *((at, "") for at in range(1, 6)), (6, countries[1])]:
        entry = Entry(5, 1, 10 + number, 0, "", "text 1", 100 + number)
        uses = {("a", country): (1, [entry])} if country else {("b", "IN"): (1, [])}
        panes.append(build(uses, tags, number))
        running.push(panes[-1])
    recovered.reset_to(panes)
    for window in (running, recovered):
        sample = window.sample(np.array([tags.key("a", "*")]))
        assert (sample.origin.tolist(), sample.age_days.tolist()) == ([100], [10])


def test_sample_refuses_panes_of_other_score_columns():
    tags = Tags()
    window = SlidingWindow(9 * PANE_MS, HASHES)
    for number in range(2):
        pane = build({("a", "IN"): (1, [Entry(number, number, 1, 0, "", "text 1")])}, tags, number)
        window.push(replace(pane, scores=np.zeros((1, 1 + number), np.float32)))
    with pytest.raises(IndexError, match="other score columns"):
        window.sample(np.array([tags.key("a", "*")]))


def test_expired_entries_are_dropped():
    tags = Tags()
    panes = [build({("a", "IN"): (9, [Entry(at, at, 1, 0, "", f"text {at}") for at in range(9)])}, tags, 0)] * 50
    union = EMPTY_INDEX
    for number, pane in enumerate(panes):
        union = merged(union, numbered(pane, number), number - 2)
    assert len(union.author) == 3 * 9
    assert sorted(set(union.pane.tolist())) == [47, 48, 49]
    last = numbered(build({}, tags, 50), 50)
    assert [len(column) for column in merged(union, last, 60)] == [0, 1, 0, 0, 0, 0, 0, 0]
