"""Many records at once against one by one, and both against counts that are objects."""

from __future__ import annotations

import random
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import Flush
from streams.counting.keys import Tags, country_of
from streams.counting.sketch import KeyedHash
from streams.windows.open_pane import OpenPane, PaneSum
from streams.windows.open_panes import OpenPanes
from tests.support.block_counts import BlockCount, Entry, entries_of, flush, smallest
from tests.support.plain_open_panes import PlainOpenPanes, Scope
from tests.support.windows import counts_of

HASHES = KeyedHash(b"k")
TEXTS = ["", "plain", "भारत &amp; co", "\ud800 alone", "x" * 300]


def random_entry(rng: random.Random) -> Entry:
    """Make an entry; those with the same tweet and origin are equal."""
    tweet, origin = rng.randrange(30), rng.randrange(3)
    return Entry(rng.randrange(6), tweet, 1, 0, ["", "A"][tweet % 2], TEXTS[(tweet + origin) % 5], origin)


def random_record(rng: random.Random, at: int) -> Flush:
    """Make any record: of two topics, three partitions and three rules, of some blocks, with or without a marker.

    Blocks and panes increase with `at`, now and then go back, and reach what is settled already.
    """
    first = max(0, at // 4 + rng.choice([0, 0, 0, 0, 1, -1, -3]))
    blocks = sorted({first, *rng.choices([first, first + 1], k=rng.randrange(2))})
    scopes = [(tag, country, pane) for tag in "abc" for country in ("IN", "") for pane in range(at // 6, at // 6 + 5)]
    counts = []
    for block in blocks:
        for tag, country, pane in rng.sample(scopes, rng.choice([0, 1, 2, 9])):
            entries = [random_entry(rng) for _ in range(rng.choice([0, 1, 2, 70]))]
            counts.append(BlockCount(tag, country, pane, rng.randrange(1, 9), smallest(entries, HASHES), block))
    reached = blocks[-1] + rng.choice([0, 0, 1, 2])
    return flush(
        counts, source_id=rng.choice(["t", "t", "t", "new"]), source=rng.randrange(3), sources=rng.choice([2, 3]),
        rules=rng.choice([1, 1, 1, 1, 2, 3]), block=reached, watermark_ms=rng.choice([-1, at * 10]),
        newest_ms=at * 10, read_to=reached * 256 + rng.randrange(256),
    )  # fmt: skip


def content(total: PaneSum, pane: OpenPane, tags: Tags) -> dict[Scope, tuple[int, list[Entry]]]:
    its = entries_of(pane._take(total.entries))
    return {
        (tags.name(key), country_of(key)): (count, its[first:last])
        for key, count, (first, last) in zip(
            total.keys.tolist(), total.counts.tolist(), pairwise(total.bounds.tolist()), strict=True
        )
    }


def scopes_of(keys: list[int], tags: Tags) -> set[Scope]:
    return {(tags.name(key), country_of(key)) for key in keys}


def check_equal(panes: OpenPanes, tags: Tags, plain: PlainOpenPanes) -> None:
    expected = {number: plain.sums(number) for number in plain.panes}
    found = {number: content(pane.sum(), pane, tags) for number, pane in panes.panes.items()}
    assert found == expected
    tweets = {(tags.name(key), country_of(key)): count for key, count in counts_of(panes.tweets).items()}
    assert tweets == plain.tweets()
    assert panes.late_counts == plain.late_counts
    blocks = {f"{topic}/{number}": source.block for (topic, number), source in plain.sources.items()}
    blocks = {name: max(block, plain.old_blocks.get(name, -1)) for name, block in blocks.items()}
    assert panes.blocks() == plain.old_blocks | blocks


@pytest.mark.simulation
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([3, 100_000]), st.sampled_from([1, 256]))
def test_many_records_equal_one_by_one(seed, compact_at, slots):
    """Any records, repeats, zombies and rules, in batches of any size, with panes settled in between."""
    rng = random.Random(seed)
    with (
        patch("streams.windows.open_pane._COMPACT_AT", compact_at),
        patch("streams.windows.open_panes._FIRST_SLOTS", slots),
        patch("streams.windows.open_panes.RETURN_MS", 30),
    ):
        tags, single_tags, plain = Tags(), Tags(), PlainOpenPanes(HASHES)
        panes, single = (OpenPanes(one, HASHES, 2) for one in (tags, single_tags))
        if rng.random() < 0.3:
            for one in (panes, single):
                one.recover(1, {"t/0": 2, "t/1": 1})
            plain.settled_pane, plain.old_blocks = 1, {"t/0": 2, "t/1": 1}
        past: list[Flush] = []
        for _ in range(rng.randrange(1, 9)):
            batch = []
            for _ in range(rng.choice([0, 1, 3, 8])):
                is_new = not past or rng.random() < 0.7
                batch.append(random_record(rng, len(past)) if is_new else rng.choice(past[-9:]))
                past += [batch[-1]] if is_new else []
            touched = [plain.apply(one) for one in batch]
            assert scopes_of(panes.apply_all(batch).tolist(), tags) == set().union(*touched)
            for one, expected in zip(batch, touched, strict=True):
                assert scopes_of(single.apply_all([one]).tolist(), single_tags) == expected
            check_equal(panes, tags, plain)
            check_equal(single, single_tags, plain)
            assert panes.watermark_ms == single.watermark_ms and panes.newest_ms == single.newest_ms
            assert panes.returns == single.returns and [*panes.blocks()] == [*single.blocks()]
            counted = {(tags.name(number << 10)) for number in panes.tag_numbers()}
            assert counted == {tag for source in plain.sources.values() for _, (tag, _) in source.counted}
            if rng.random() < 0.4:
                number = plain.settled_pane + rng.randrange(1, 3)
                expected_sum = plain.settle(number)
                for one, of in ((panes, tags), (single, single_tags)):
                    closed = one.settle(number)
                    assert content(closed.sum, closed.pane, of) == expected_sum


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 300))
def test_no_tick_is_due_before_the_last_record_of_a_cut(seed, due_ms):
    rng = random.Random(seed)
    records = [random_record(rng, at) for at in range(rng.randrange(30))]
    panes, single = (OpenPanes(Tags(), HASHES, 2) for _ in range(2))
    with patch("streams.windows.open_panes.RETURN_MS", 30):
        while records:
            count = panes.count_until(records, due_ms)
            assert 1 <= count <= len(records)
            for one in records[: count - 1]:
                single.apply_all([one])
                assert single.watermark_ms < due_ms or panes.watermark_ms >= due_ms
            single.apply_all([records[count - 1]])
            panes.apply_all(records[:count])
            assert panes.watermark_ms == single.watermark_ms
            records = records[count:]


def test_cut_is_at_the_record_that_reaches_the_tick():
    panes = OpenPanes(Tags(), HASHES, 2)
    panes.apply_all([flush(source=0, sources=2, watermark_ms=5), flush(source=1, sources=2, watermark_ms=7)])
    records = [flush(source=at % 2, sources=2, watermark_ms=10 * at) for at in range(1, 9)]
    assert [panes.count_until(records, due_ms) for due_ms in (6, 20, 21, 70, 71)] == [2, 3, 4, 8, 8]


def test_table_has_room_for_counts_of_last_blocks_alone() -> None:
    panes = OpenPanes(Tags(), HASHES, 1)
    counts = [BlockCount(f"t{number}", "IN", 0, 1, [], block) for block in range(50) for number in range(100)]
    panes.apply_all([flush(counts, block=49)])
    assert len(panes._last_counts) < len(counts)
