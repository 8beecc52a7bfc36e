"""Settled panes: built from block counts, merged, encoded and decoded."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from streams.constants import MINUTE_MS
from streams.counting.block_counts import GROUP_SHIFT
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags
from streams.counting.sketch import K, estimate_authors
from streams.log.pane_assembly import assemble
from streams.log.pane_rows import rows_of
from streams.log.panes import decode_pane_record, encode_pane
from streams.windows.pane import commonest, merge_panes, sums_of
from tests.support.block_counts import Entry, smallest
from tests.support.panes import COLUMNS, HASHES, Uses, build, content, random_uses, scored


def marked(entry: Entry, *, is_scored: bool = True) -> int:
    """Return the flags of an entry whose pane has settled."""
    return entry.flags | (scored(entry.text).group + 1 if is_scored else 0) << GROUP_SHIFT


def expected(uses: Uses, scored_tags: set[str] | None = None) -> dict[tuple[str, str], tuple[Any, ...]]:
    found = {}
    for (tag, country), (count, entries) in uses.items():
        kept = smallest(entries, HASHES)
        is_scored = scored_tags is None or tag in scored_tags
        found[tag, country] = (
            count,
            commonest([one.display for one in kept]) or tag,
            [one.author for one in kept],
            [one.tweet for one in kept],
            [one.origin for one in kept],
            [one.age_days for one in kept],
            [marked(one, is_scored=is_scored) for one in kept],
            [scored(one.text).copy if is_scored else 0 for one in kept],
            [scored(one.text).probabilities.tolist() if is_scored else [-1.0] * COLUMNS for one in kept],
        )
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_pane_equals_its_uses(seed):
    rng = random.Random(seed)
    uses, tags = random_uses(rng), Tags()
    scored_tags = {"tag0", "tag1"}
    pane = build(uses, tags, scored_tags=scored_tags)
    assert content(pane, tags) == expected(uses, scored_tags)
    assert (pane.start_ms, pane.end_ms) == (60_000, 70_000)
    assert (np.diff(pane.keys) > 0).all()


def test_row_has_at_most_k_authors():
    entries = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(K + 40, 0, -1)]
    tags = Tags()
    pane = build({("a", "IN"): (999, entries)}, tags)
    assert pane.author.tolist() == list(range(1, K + 1))


def test_world_key_has_the_rows_of_all_countries():
    tags = Tags()
    pane = build(
        {("a", "US"): (1, []), ("b", "IN"): (2, []), ("a", ""): (3, []), ("c", ""): (4, []), ("a", "IN"): (5, [])}, tags
    )
    assert pane.tweets(np.array([tags.key("a", "*"), tags.key("a", "IN"), tags.key("b", "US")])).tolist() == [9, 5, 0]
    assert pane.displays_of(tags.key("a", "*")) == ["a"] * 3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_minute_merges_its_panes(seed, parts):
    rng = random.Random(seed)
    tags = Tags()
    all_uses = [random_uses(rng, authors=200, most=60) for _ in range(parts)]
    panes = [build(uses, tags, 6 + number) for number, uses in enumerate(all_uses)]
    minute = merge_panes([build({}, tags, 0), *panes], 60_000, HASHES)
    assert (minute.start_ms, minute.length_ms) == (60_000, MINUTE_MS)

    found = content(minute, tags)
    assert found.keys() == {scope for uses in all_uses for scope in uses}
    for scope, (count, display, *rest) in found.items():
        its = [uses[scope] for uses in all_uses if scope in uses]
        assert count == sum(number for number, _ in its)
        whole = expected({scope: (count, [entry for _, entries in its for entry in entries])})[scope]
        assert rest == list(whole[2:])
        assert display == commonest([content(pane, tags)[scope][1] for pane in panes if scope in content(pane, tags)])


def test_minute_without_panes_is_empty():
    minute = merge_panes([build({}, Tags())], 60_000, HASHES)
    assert len(minute.keys) == 0 and minute.bounds.tolist() == [0] and minute.scores.shape == (0, COLUMNS)


@pytest.mark.parametrize("max_bytes", [150, 700, 512 * 1024])
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_encoded_pane_is_decoded_unchanged(max_bytes, seed):
    rng = random.Random(seed)
    uses, tags, other = random_uses(rng), Tags(), Tags()
    pane = build(uses, tags, scored_tags={"tag1"})
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


def test_scores_without_a_language_group_are_encoded_too():
    """No judge builds such a pane, but a record must lose nothing."""
    tags = Tags()
    pane = build({("a", "IN"): (1, [Entry(1, 2, 3, 0, "", "text 1", -1), Entry(2, 2, -1, 0, "", "text 2", 9)])}, tags)
    pane = replace(pane, flags=np.array([0, 1 << GROUP_SHIFT], np.uint8))
    (back,) = assemble([decode_pane_record(value) for value in encode_pane(pane, 0, tags)], tags)
    assert content(back, tags) == content(pane, tags)


def test_long_spellings_split_a_pane():
    tags = Tags()
    spelling = "\U0001d4d0" * 50  # letters of four bytes; the normal form has one
    uses = {(f"{'a' * 50}{at}", "IN"): (1, [Entry(1, 2, 3, 0, f"{spelling}{at}", "text 1")]) for at in range(100)}
    with patch("streams.log.panes.MAX_BYTES", 10_000):
        values = encode_pane(build(uses, tags), 0, tags)
    assert max(map(len, values)) < 10_500


def test_unscored_entries_have_no_bytes_for_scores():
    tags = Tags()
    uses = {(f"tag{at}", "IN"): (1, [Entry(1, 2, 3, 0, "", f"text {at}")]) for at in range(10)}
    (value,) = encode_pane(build(uses, tags, scored_tags={"tag1"}), 0, tags)
    assert len(decode_pane_record(value).scores) == 4 * COLUMNS


def test_parts_of_unlike_panes_are_refused():
    tags = Tags()
    (value,) = encode_pane(build({("a", "IN"): (1, [])}, tags), 0, tags)
    record = decode_pane_record(value)
    for other in (record, structs.replace(record, hashtags=b"b\n", columns=COLUMNS + 1)):
        parts = [structs.replace(record, parts=2), structs.replace(other, parts=2, part=1)]
        with pytest.raises(ValueError, match="do not belong together"):
            assemble(parts, tags)


def test_records_do_not_depend_on_tag_numbers():
    """Records of two writers may be mixed in the log, so each must be the same for any tag numbers."""
    uses = random_uses(random.Random(1), tags=30)
    uses |= random_uses(random.Random(2), tags=30) | random_uses(random.Random(3), tags=30)
    one, other = Tags(), Tags()
    for number in range(29, -1, -1):
        other.key(f"tag{number}", "")
    with patch("streams.log.panes.MAX_BYTES", 400):
        written = [encode_pane(build(uses, tags), 0, tags) for tags in (one, other)]
    assert len(written[0]) > 3
    assert written[0] == written[1]


def test_assembled_panes_are_in_order():
    tags = Tags()
    uses = {("a", "IN"): (1, [])}
    panes = [build(uses, tags, number) for number in (9, 6, 7)] + [merge_panes([build(uses, tags)], 60_000, HASHES)]
    records = [decode_pane_record(value) for pane in panes for value in encode_pane(pane, 0, tags)]
    back = assemble(records, Tags())
    assert [(pane.start_ms, pane.length_ms) for pane in back] == [
        (60_000, 10_000), (60_000, 60_000), (70_000, 10_000), (90_000, 10_000)
    ]  # fmt: skip


def test_pane_rows_have_the_world_and_named_countries():
    tags = Tags()
    entries = [Entry(author, author, 1, 0, "", "text 1") for author in range(1, 200)]
    pane = build({("a", "IN"): (2, entries[:1]), ("a", ""): (300, entries), ("b", ""): (1, entries[:1])}, tags)
    rows = {(row.hashtag, row.country): (row.tweets, row.authors) for row in rows_of(pane, tags)}
    many = estimate_authors(K, K)
    assert rows == {("a", "IN"): (2, 1), ("a", "*"): (302, many), ("b", "*"): (1, 1)}


def test_commonest_spelling_or_the_smallest_of_equals():
    assert [commonest(one) for one in ([], ["x"], ["b", "a"], ["b", "a", "b"])] == [None, "x", "a", "b"]


KEYS = st.builds(lambda tag, country: tag << COUNTRY_BITS | country, st.integers(0, 5), st.integers(0, 4))


@given(st.lists(st.tuples(KEYS, st.integers(-3, 3))), st.sets(KEYS))
def test_sums_are_of_the_rows_of_each_key_and_all_of_the_world(rows, keys):
    rows = sorted(rows)
    asked = np.array(sorted(keys), np.int64)
    columns = np.array(rows, np.int64).reshape(-1, 2).T.copy()
    sums = sums_of(columns[0], columns[1], asked)
    for key, found in zip(asked.tolist(), sums.tolist(), strict=True):
        end_key = key + (1 if key & COUNTRY_MASK else 1 << COUNTRY_BITS)
        assert found == sum(value for one, value in rows if key <= one < end_key)
