"""An open pane's sums against the obvious way: add the counts up, put all entries together, keep the smallest."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import UNSCORED
from streams.counting.keys import COUNTRY_BITS, Tags, country_of
from streams.counting.sketch import K, KeyedHash
from streams.windows.open_pane import OpenPane, PaneSum, Scores
from tests.support.block_counts import BlockCount, Entry, columns, entries_of, smallest

HASHES = KeyedHash(b"k")
COLUMNS = 2
Scope = tuple[str, str]
TEXTS = ["", " ", "plain", "भारत &amp; co", "\ud800 alone", "carriage\rreturn\u2028", "x" * 300]


def random_entry(rng: random.Random) -> Entry:
    """Few authors and many; hashes with the same high half, or the same low one."""
    high, low = rng.choice([0, 2**32, 2**64 - 2**32]), rng.choice([0, 1, 7])
    author = rng.choice([high + rng.randrange(2**32), rng.randrange(2**32) * 2**32 + low, high + low])
    tweet = rng.choice([rng.randrange(5), rng.randrange(2**63)])
    display, text = ["", "A", "\udfff", "ÀB"][tweet % 4], TEXTS[tweet % 7]
    return Entry(author, tweet, tweet % 99 - 1, tweet % 2, display, text, rng.randrange(9))


def random_counts(rng: random.Random) -> list[BlockCount]:
    made = []
    for _ in range(rng.randrange(12)):
        size = rng.choice([0, 1, 2, 9, K, K + 30])
        entries = [random_entry(rng) for _ in range(size)]
        made.append(
            BlockCount(rng.choice("abcd"), rng.choice(["IN", "US", ""]), 5, size + rng.randrange(1, 9), entries)
        )
    return made


def add(pane: OpenPane, tags: Tags, counts: list[BlockCount]) -> None:
    pane.add(
        np.array([tags.key(one.hashtag, one.country) for one in counts], np.int64),
        np.array([one.count for one in counts], np.int64),
        np.array([len(one.entries) for one in counts], np.int64),
        columns([entry for one in counts for entry in one.entries]),
    )


def obvious(counts: list[BlockCount]) -> dict[Scope, tuple[int, list[Entry]]]:
    found: dict[Scope, tuple[int, list[Entry]]] = {}
    for one in counts:
        count, entries = found.get((one.hashtag, one.country), (0, []))
        found[one.hashtag, one.country] = (count + one.count, [*entries, *one.entries])
    return {scope: (count, smallest(entries, HASHES)) for scope, (count, entries) in found.items()}


def content(pane: OpenPane, tags: Tags, total: PaneSum) -> dict[Scope, tuple[int, list[Entry]]]:
    """Return a sum as objects, with the displays and texts of its entries."""
    assert (np.diff(total.keys) > 0).all()
    its = [
        entry._replace(display=display, text=text)
        for entry, display, text in zip(
            entries_of(pane._take(total.entries)),
            [one.decode("utf-8", "surrogatepass") for one in pane.displays(total.entries).split()],
            pane.texts(total.entries).decode("utf-8", "surrogatepass").split("\n")[:-1],
            strict=True,
        )
    ]
    return {
        (tags.name(key), country_of(key)): (count, its[first:last])
        for key, count, (first, last) in zip(
            total.keys.tolist(), total.counts.tolist(), pairwise(total.bounds.tolist()), strict=True
        )
    }


def random_pane(rng: random.Random) -> tuple[OpenPane, Tags, list[BlockCount], list[int]]:
    """Make a pane with added and voided rows; return it with its tags, its valid counts and their rows."""
    pane, tags, valid, rows = OpenPane(HASHES, COLUMNS), Tags(), [], []
    for _ in range(rng.randrange(1, 6)):
        more = random_counts(rng)
        first = len(pane.rows)
        add(pane, tags, more)
        valid += more
        rows += range(first, first + len(more))
        if rows and rng.random() < 0.4:
            gone = rng.sample(range(len(rows)), rng.randrange(1, len(rows) + 1) // 2)
            pane.void([rows[at] for at in gone])
            valid = [one for at, one in enumerate(valid) if at not in gone]
            rows = [row for at, row in enumerate(rows) if at not in gone]
    return pane, tags, valid, rows


def score(pane: OpenPane) -> None:
    """Score the entries of most tweets, each with its own number."""
    tweets = pane.entries["tweet"]
    entries = np.flatnonzero(tweets % 10 < 7)
    shares = (tweets[entries] % 1_000 / 1_000).astype(np.float32)
    known = np.stack([shares, shares / 2], axis=1), (tweets[entries] % 2**32).astype(np.uint32)
    pane.score(entries, Scores(*known, (tweets[entries] % 3).astype(np.uint8)))


def scores(pane: OpenPane, total: PaneSum) -> list[Any]:
    """Return (key, probabilities, fingerprint, group) of each entry of a sum."""
    known = pane.scores(total.entries)
    keys = np.repeat(total.keys, np.diff(total.bounds)).tolist()
    probabilities = np.nan_to_num(known.probabilities, nan=-1).tolist()
    return list(zip(keys, probabilities, known.copies.tolist(), known.groups.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_sum_adds_up_all_valid_rows(seed):
    rng = random.Random(seed)
    pane, tags, valid, _ = random_pane(rng)
    assert content(pane, tags, pane.sum()) == obvious(valid)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_sum_of_tags_has_all_their_countries(seed):
    rng = random.Random(seed)
    pane, tags, valid, _ = random_pane(rng)
    asked = rng.sample("abcd", rng.randrange(5))
    numbers = [tags.key(tag, "") >> COUNTRY_BITS for tag in asked]
    expected = {scope: one for scope, one in obvious(valid).items() if scope[0] in asked}
    assert content(pane, tags, pane.sum(numbers)) == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_compacted_pane_equals_the_pane(seed):
    """The compacted pane has the same sums, texts, displays and scores, and rows kept apart can still be voided."""
    rng = random.Random(seed)
    pane, tags, valid, rows = random_pane(rng)
    score(pane)
    apart = rng.sample(range(len(rows)), rng.randrange(len(rows) + 1))
    shorter = pane.compacted([rows[at] for at in apart])  # whose numbers are 0, 1, ... then
    before, after = pane.sum(), shorter.sum()
    assert content(shorter, tags, after) == content(pane, tags, before) == obvious(valid)
    assert scores(shorter, after) == scores(pane, before)
    assert len(shorter.rows) <= len(apart) + len(obvious(valid))

    more = random_counts(rng)
    gone = {at for at in apart if rng.random() < 0.5}
    shorter.void([row for row, at in enumerate(apart) if at in gone])
    add(shorter, tags, more)
    remaining = [one for at, one in enumerate(valid) if at not in gone]
    assert content(shorter, tags, shorter.sum()) == obvious([*remaining, *more])


def test_unscored_entries_are_scored_once():
    pane, tags = OpenPane(HASHES, COLUMNS), Tags()
    add(pane, tags, [BlockCount("a", "IN", 5, 2, [Entry(1, 1, 1, 0, "", "one"), Entry(2, 2, 1, 0, "", "two")])])
    entries = pane.sum().entries
    assert pane.texts(pane.unscored(entries)) == b"one\ntwo\n"
    of_one = Scores(np.array([[0.5, 0.25]], np.float32), np.array([9], np.uint32), np.zeros(1, np.uint8))
    pane.score(pane.unscored(entries)[:1], of_one)
    add(pane, tags, [BlockCount("b", "IN", 5, 1, [Entry(1, 3, 1, 0, "", "three")])])
    assert pane.texts(pane.unscored(pane.sum().entries)) == b"two\nthree\n"
    assert scores(pane, pane.sum([1])) == [
        (tags.key("a", "IN"), [0.5, 0.25], 9, 0),
        (tags.key("a", "IN"), [-1, -1], 0, UNSCORED),
    ]


@pytest.mark.parametrize("tags", [None, [], [7]])
def test_sum_of_an_empty_pane_is_empty(tags):
    total = OpenPane(HASHES, COLUMNS).sum(tags)
    assert (total.keys.tolist(), total.counts.tolist(), total.bounds.tolist(), total.entries.tolist()) == (
        [],
        [],
        [0],
        [],
    )


def test_pane_is_compacted_again_after_it_has_doubled():
    pane, tags = OpenPane(HASHES, COLUMNS), Tags()
    with patch("streams.windows.open_pane._COMPACT_AT", 10):
        pane = OpenPane(HASHES, COLUMNS)
        for tag in "abcdefghijk":
            assert not pane.is_crowded()
            add(pane, tags, [BlockCount(tag, "IN", 5, 1, [Entry(1, 1, 1, 0, "", "one")])])
        assert pane.is_crowded()
        pane = pane.compacted([])
        for _ in range(11):
            assert not pane.is_crowded()
            add(pane, tags, [BlockCount("z", "IN", 5, 1, [Entry(1, 1, 1, 0, "", "one")])])
        assert not pane.is_crowded() and len(pane.entries) == 22
        add(pane, tags, [BlockCount("z", "IN", 5, 1, [Entry(1, 1, 1, 0, "", "one")])])
        assert pane.is_crowded()
