"""Settled panes: arrays that say what the registers said, merged, written and read back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import GROUP_SHIFT, MINUTE_MS
from streams.counting.keys import COUNTRY_BITS, Tags, country_of
from streams.counting.sketch import K, KeyedHash, estimate_authors
from streams.log.panes import assemble, decode_pane_record, encode_pane, rows_of
from streams.windows.open_pane import OpenPane
from streams.windows.pane import Pane, build_pane, commonest, empty_pane, merge_panes, spellings
from streams.windows.scores import Scores
from tests.support.block_counts import Entry, columns, smallest

HASHES = KeyedHash(b"k")
COLUMNS = 3
Uses = dict[tuple[str, str], tuple[int, list[Entry]]]


class Scored(NamedTuple):
    """What stage 1 says of a text."""

    probabilities: np.ndarray[Any, Any]
    copy: int
    group: int


def scored(text: str) -> Scored:
    number = int(text.split()[1])
    return Scored(np.array([number % 7, number % 5, number % 3], np.float32) / 8, number % 2**31 + 1, number % 11 % 3)


def scores_of(texts: Sequence[str]) -> Scores:
    found = [scored(text) for text in texts]
    return Scores(
        np.array([one.probabilities for one in found], np.float32).reshape(-1, COLUMNS),
        np.array([one.copy for one in found], np.uint32),
        np.array([one.group for one in found], np.uint8),
    )


def marked(entry: Entry, *, told: bool = True) -> int:
    """The flags of an entry whose pane has settled."""
    return entry.flags | (scored(entry.text).group + 1 if told else 0) << GROUP_SHIFT


def random_uses(rng: random.Random, *, tags: int = 4, authors: int = 12, most: int = 8) -> Uses:
    uses: Uses = {}
    for _ in range(rng.randrange(1, 9)):
        tag, country = f"tag{rng.randrange(tags)}", rng.choice(["IN", "US", ""])
        entries = []
        for _ in range(rng.randrange(1, most)):
            author, tweet = rng.randrange(authors) * 0x9E3779B97F4A7C15 % 2**64, rng.randrange(2**40)
            entries.append(Entry(author, tweet, tweet % 300, tweet % 2, rng.choice(["", tag.upper()]), f"text {tweet}"))
        uses[tag, country] = (len(entries) + rng.randrange(9), entries)
    return uses


def build(uses: Uses, tags: Tags, number: int = 6, worth: set[str] | None = None) -> Pane:
    """A pane of what was said; `worth`: hashtags whose texts are scored, all if None."""
    keys = [tags.key(*scope) for scope in uses]
    entries = [entry for _, its in uses.values() for entry in its]
    open_pane = OpenPane(HASHES, COLUMNS)
    open_pane.add(
        np.array(keys, np.int64),
        np.array([count for count, _ in uses.values()]),
        np.array([len(its) for _, its in uses.values()]),
        columns(entries),
    )
    open_pane.score(np.arange(len(entries)), scores_of([entry.text for entry in entries]))
    numbers = {key >> COUNTRY_BITS for key, scope in zip(keys, uses, strict=True) if worth is None or scope[0] in worth}
    total = open_pane.sum()
    names = [tags.name(key) for key in total.keys.tolist()]
    return build_pane(number, total, open_pane, numbers, spellings(total, open_pane, names))


def content(pane: Pane, tags: Tags) -> dict[tuple[str, str], tuple[Any, ...]]:
    """A pane without its numbers."""
    found = {}
    for row, key in enumerate(pane.keys.tolist()):
        at = slice(int(pane.bounds[row]), int(pane.bounds[row + 1]))
        its = [getattr(pane, name)[at].tolist() for name in ("author", "tweet", "age_days", "flags", "copy")]
        scores = np.nan_to_num(pane.scores[at], nan=-1).tolist()
        found[tags.name(key), country_of(key)] = (int(pane.counts[row]), pane.displays[row], *its, scores)
    return found


def expected(uses: Uses, worth: set[str] | None = None) -> dict[tuple[str, str], tuple[Any, ...]]:
    found = {}
    for (tag, country), (count, entries) in uses.items():
        kept = smallest(entries, HASHES)
        told = worth is None or tag in worth
        found[tag, country] = (
            count,
            commonest([one.display for one in kept]) or tag,
            [one.author for one in kept],
            [one.tweet for one in kept],
            [one.age_days for one in kept],
            [marked(one, told=told) for one in kept],
            [scored(one.text).copy if told else 0 for one in kept],
            [scored(one.text).probabilities.tolist() if told else [-1.0] * COLUMNS for one in kept],
        )
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_pane_says_what_its_registers_said(seed):
    rng = random.Random(seed)
    uses, tags = random_uses(rng), Tags()
    worth = {"tag0", "tag1"}
    pane = build(uses, tags, worth=worth)
    assert content(pane, tags) == expected(uses, worth)
    assert (pane.start_ms, pane.end_ms) == (60_000, 70_000)
    assert (np.diff(pane.keys) > 0).all()


def test_a_row_has_at_most_k_authors():
    entries = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(K + 40, 0, -1)]
    tags = Tags()
    pane = build({("a", "IN"): (999, entries)}, tags)
    assert pane.author.tolist() == list(range(1, K + 1))


def test_rows_of_the_world_are_those_of_all_countries():
    tags = Tags()
    pane = build(
        {("a", "US"): (1, []), ("b", "IN"): (2, []), ("a", ""): (3, []), ("c", ""): (4, []), ("a", "IN"): (5, [])}, tags
    )
    assert pane.tweets(np.array([tags.key("a", "*"), tags.key("a", "IN"), tags.key("b", "US")])).tolist() == [9, 5, 0]
    assert pane.displays_of(tags.key("a", "*")) == ["a"] * 3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_a_minute_is_the_union_of_its_panes(seed, parts):
    rng = random.Random(seed)
    tags = Tags()
    all_uses = [random_uses(rng, authors=200, most=60) for _ in range(parts)]
    panes = [build(uses, tags, 6 + number) for number, uses in enumerate(all_uses)]
    minute = merge_panes([empty_pane(0, 10_000, COLUMNS), *panes], 60_000, COLUMNS, HASHES)
    assert (minute.start_ms, minute.length_ms) == (60_000, MINUTE_MS)

    found = content(minute, tags)
    assert found.keys() == {scope for uses in all_uses for scope in uses}
    for scope, (count, display, *rest) in found.items():
        its = [uses[scope] for uses in all_uses if scope in uses]
        assert count == sum(number for number, _ in its)
        whole = expected({scope: (count, [entry for _, entries in its for entry in entries])})[scope]
        assert rest == list(whole[2:])
        assert display == commonest([content(pane, tags)[scope][1] for pane in panes if scope in content(pane, tags)])


def test_a_minute_of_nothing_is_empty():
    minute = merge_panes([empty_pane(0, 10_000, COLUMNS)], 60_000, COLUMNS, HASHES)
    assert len(minute.keys) == 0 and minute.bounds.tolist() == [0] and minute.scores.shape == (0, COLUMNS)


@pytest.mark.parametrize("max_bytes", [150, 700, 512 * 1024])
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_written_and_read_back_a_pane_says_the_same(max_bytes, seed):
    rng = random.Random(seed)
    uses, tags, other = random_uses(rng), Tags(), Tags()
    pane = build(uses, tags, worth={"tag1"})
    with patch("streams.log.panes.MAX_BYTES", max_bytes):
        records = [decode_pane_record(value) for value in encode_pane(pane, 3, tags)]
    assert [record.key for record in records] == [(3, 10_000, 60_000, part) for part in range(len(records))]
    assert {record.parts for record in records} == {len(records)}
    again = records + records
    rng.shuffle(again)
    other.key("tag3", "US")  # its numbers differ
    (back,) = assemble(again, other)
    assert content(back, other) == content(pane, tags)
    assert (back.start_ms, back.length_ms) == (pane.start_ms, pane.length_ms)
    assert (np.diff(back.keys) > 0).all()


def test_whoever_settles_a_pane_writes_it_the_same():
    """Parts of two writers may lie mixed in the log: each must be the same, whatever the hashtags' numbers."""
    uses = random_uses(random.Random(1), tags=30)
    uses |= random_uses(random.Random(2), tags=30) | random_uses(random.Random(3), tags=30)
    one, other = Tags(), Tags()
    for number in range(29, -1, -1):
        other.key(f"tag{number}", "")
    with patch("streams.log.panes.MAX_BYTES", 400):
        written = [encode_pane(build(uses, tags), 0, tags) for tags in (one, other)]
    assert len(written[0]) > 3
    assert written[0] == written[1]


def test_panes_come_back_in_order_and_apart():
    tags = Tags()
    uses = {("a", "IN"): (1, [])}
    panes = [build(uses, tags, number) for number in (9, 6, 7)] + [merge_panes([build(uses, tags)], 60_000, 3, HASHES)]
    records = [decode_pane_record(value) for pane in panes for value in encode_pane(pane, 0, tags)]
    back = assemble(records, Tags())
    assert [(pane.start_ms, pane.length_ms) for pane in back] == [
        (60_000, 10_000), (60_000, 60_000), (70_000, 10_000), (90_000, 10_000)
    ]  # fmt: skip


def test_rows_for_people_have_the_world_and_no_nowhere():
    tags = Tags()
    entries = [Entry(author, author, 1, 0, "", "text 1") for author in range(1, 200)]
    pane = build({("a", "IN"): (2, entries[:1]), ("a", ""): (300, entries), ("b", ""): (1, entries[:1])}, tags)
    rows = {(row.hashtag, row.country): (row.tweets, row.authors) for row in rows_of(pane, tags)}
    many = estimate_authors(K, K)
    assert rows == {("a", "IN"): (2, 1), ("a", "*"): (302, many), ("b", "*"): (1, 1)}


def test_the_commonest_spelling_and_of_equals_the_smallest():
    assert [commonest(one) for one in ([], ["x"], ["b", "a"], ["b", "a", "b"])] == [None, "x", "a", "b"]
