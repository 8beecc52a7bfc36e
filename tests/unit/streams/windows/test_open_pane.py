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

from streams.counting.keys import COUNTRY_BITS, Tags, country_of
from streams.counting.sketch import K, KeyedHash
from streams.windows.open_pane import OpenPane, Sum
from streams.windows.scores import Scores
from tests.support.block_counts import Entry, Register, columns, entries_of, smallest

HASHES = KeyedHash(b"k")
COLUMNS = 2
Scope = tuple[str, str]
TEXTS = ["", " ", "plain", "भारत &amp; co", "\ud800 alone", "carriage\rreturn\u2028", "x" * 300]


def random_entry(rng: random.Random) -> Entry:
    """Few authors and many; hashes with the same high half, or the same low one."""
    high, low = rng.choice([0, 2**32, 2**64 - 2**32]), rng.choice([0, 1, 7])
    author = rng.choice([high + rng.randrange(2**32), rng.randrange(2**32) * 2**32 + low, high + low])
    tweet = rng.choice([rng.randrange(5), rng.randrange(2**63)])
    return Entry(author, tweet, tweet % 99 - 1, tweet % 2, ["", "A", "\udfff", "ÀB"][tweet % 4], TEXTS[tweet % 7])


def random_registers(rng: random.Random) -> list[Register]:
    made = []
    for _ in range(rng.randrange(12)):
        size = rng.choice([0, 1, 2, 9, K, K + 30])
        entries = [random_entry(rng) for _ in range(size)]
        made.append(Register(rng.choice("abcd"), rng.choice(["IN", "US", ""]), 5, size + rng.randrange(1, 9), entries))
    return made


def add(pane: OpenPane, tags: Tags, registers: list[Register]) -> int:
    return pane.add(
        np.array([tags.key(one.hashtag, one.country) for one in registers], np.int64),
        np.array([one.count for one in registers], np.int64),
        np.array([len(one.entries) for one in registers], np.int64),
        columns([entry for one in registers for entry in one.entries]),
    )


def obvious(registers: list[Register]) -> dict[Scope, tuple[int, list[Entry]]]:
    found: dict[Scope, tuple[int, list[Entry]]] = {}
    for one in registers:
        count, entries = found.get((one.hashtag, one.country), (0, []))
        found[one.hashtag, one.country] = (count + one.count, [*entries, *one.entries])
    return {scope: (count, smallest(entries, HASHES)) for scope, (count, entries) in found.items()}


def told(pane: OpenPane, tags: Tags, total: Sum) -> dict[Scope, tuple[int, list[Entry]]]:
    """A sum as objects, with the displays and texts that the pane has for its entries."""
    assert (np.diff(total.keys) > 0).all()
    its = [
        entry._replace(display=display, text=text)
        for entry, display, text in zip(
            entries_of(pane._take(total.entries)),
            [one.decode("utf-8", "surrogatepass") for one in pane.displays(total.entries)],
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


def random_pane(rng: random.Random) -> tuple[OpenPane, Tags, list[Register], list[int]]:
    """A pane to which records were added and of which rows were voided; the registers that count; their rows."""
    pane, tags, held, rows = OpenPane(HASHES, COLUMNS), Tags(), [], []
    for _ in range(rng.randrange(1, 6)):
        more = random_registers(rng)
        first = add(pane, tags, more)
        held += more
        rows += range(first, first + len(more))
        if rows and rng.random() < 0.4:
            gone = rng.sample(range(len(rows)), rng.randrange(1, len(rows) + 1) // 2)
            pane.void([rows[at] for at in gone])
            held = [one for at, one in enumerate(held) if at not in gone]
            rows = [row for at, row in enumerate(rows) if at not in gone]
    return pane, tags, held, rows


def score(pane: OpenPane) -> None:
    """Scores for the entries of most tweets, others for each: they must stay with their entries."""
    tweets = pane.entries["tweet"]
    entries = np.flatnonzero(tweets % 10 < 7)
    shares = (tweets[entries] % 1_000 / 1_000).astype(np.float32)
    told = np.stack([shares, shares / 2], axis=1), (tweets[entries] % 2**32).astype(np.uint32)
    pane.score(entries, Scores(*told, (tweets[entries] % 3).astype(np.uint8)))


def scores(pane: OpenPane, total: Sum) -> list[Any]:
    """(key, probabilities, fingerprint, group) of each entry of a sum."""
    told = pane.scores(total.entries)
    keys = np.repeat(total.keys, np.diff(total.bounds)).tolist()
    probabilities = np.nan_to_num(told.probabilities, nan=-1).tolist()
    return list(zip(keys, probabilities, told.copies.tolist(), told.groups.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_sum_is_the_sum_of_the_rows_that_count(seed):
    rng = random.Random(seed)
    pane, tags, held, _ = random_pane(rng)
    assert told(pane, tags, pane.sum()) == obvious(held)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_sum_of_some_tags_has_all_their_countries_and_nothing_else(seed):
    rng = random.Random(seed)
    pane, tags, held, _ = random_pane(rng)
    asked = rng.sample("abcd", rng.randrange(5))
    numbers = [tags.key(tag, "") >> COUNTRY_BITS for tag in asked]
    expected = {scope: one for scope, one in obvious(held).items() if scope[0] in asked}
    assert told(pane, tags, pane.sum(numbers)) == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_summed_up_a_pane_says_the_same_and_goes_on(seed):
    """Sums, texts, spellings and scores; and rows that were kept apart can still be voided."""
    rng = random.Random(seed)
    pane, tags, held, rows = random_pane(rng)
    score(pane)
    apart = rng.sample(range(len(rows)), rng.randrange(len(rows) + 1))
    shorter = pane.summed_up([rows[at] for at in apart])  # whose numbers are 0, 1, ... then
    before, after = pane.sum(), shorter.sum()
    assert told(shorter, tags, after) == told(pane, tags, before) == obvious(held)
    assert scores(shorter, after) == scores(pane, before)
    assert len(shorter.rows) <= len(apart) + len(obvious(held))

    more = random_registers(rng)
    gone = {at for at in apart if rng.random() < 0.5}
    shorter.void([row for row, at in enumerate(apart) if at in gone])
    add(shorter, tags, more)
    left = [one for at, one in enumerate(held) if at not in gone]
    assert told(shorter, tags, shorter.sum()) == obvious([*left, *more])


def test_what_has_no_score_yet_is_asked_for_once():
    pane, tags = OpenPane(HASHES, COLUMNS), Tags()
    add(pane, tags, [Register("a", "IN", 5, 2, [Entry(1, 1, 1, 0, "", "one"), Entry(2, 2, 1, 0, "", "two")])])
    entries = pane.sum().entries
    assert pane.texts(pane.unscored(entries)) == b"one\ntwo\n"
    pane.score(pane.unscored(entries)[:1], Scores(np.array([[0.5, 0.25]], np.float32), np.array([9], np.uint32)))
    add(pane, tags, [Register("b", "IN", 5, 1, [Entry(1, 3, 1, 0, "", "three")])])
    assert pane.texts(pane.unscored(pane.sum().entries)) == b"two\nthree\n"
    assert scores(pane, pane.sum([1])) == [
        (tags.key("a", "IN"), [0.5, 0.25], 9, 0),
        (tags.key("a", "IN"), [-1, -1], 0, 0),
    ]


@pytest.mark.parametrize("tags", [None, [], [7]])
def test_nothing_adds_up_to_nothing(tags):
    total = OpenPane(HASHES, COLUMNS).sum(tags)
    assert (total.keys.tolist(), total.counts.tolist(), total.bounds.tolist(), total.entries.tolist()) == (
        [],
        [],
        [0],
        [],
    )


def test_a_crowded_pane_is_not_summed_up_again_before_it_has_doubled():
    pane, tags = OpenPane(HASHES, COLUMNS), Tags()
    with patch("streams.windows.open_pane._COMPACT_AT", 10):
        pane = OpenPane(HASHES, COLUMNS)
        for tag in "abcdefghijk":
            assert not pane.crowded()
            add(pane, tags, [Register(tag, "IN", 5, 1, [Entry(1, 1, 1, 0, "", "one")])])
        assert pane.crowded()
        pane = pane.summed_up([])
        for _ in range(11):
            assert not pane.crowded()
            add(pane, tags, [Register("z", "IN", 5, 1, [Entry(1, 1, 1, 0, "", "one")])])
        assert not pane.crowded() and len(pane.entries) == 22
        add(pane, tags, [Register("z", "IN", 5, 1, [Entry(1, 1, 1, 0, "", "one")])])
        assert pane.crowded()
