"""Open panes: blocks with absolute counts, whatever comes twice, late, or from a worker that should be dead."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import RULES, Flush
from streams.counting.keys import COUNTRY_BITS, Tags, country_of
from streams.counting.sketch import KeyedHash
from streams.windows.open_panes import OpenPanes
from tests.support import block_counts
from tests.support.block_counts import Entry, Register, entries_of, smallest

HASHES = KeyedHash(b"k")


def entry(author: int, tweet: int | None = None) -> Entry:
    return Entry(author, author if tweet is None else tweet, 10, 0, "", f"by {author}")


def register(
    count: int, *, tag: str = "a", country: str = "IN", pane: int = 5, authors: tuple[int, ...] = ()
) -> Register:
    return Register(tag, country, pane, count, [entry(author) for author in authors])


def flush(*of_block: Register, block: int = 0, reached: int | None = None, **more: Any) -> Flush:
    """A record of one block."""
    reached = block if reached is None else reached
    return block_counts.flush([replace(one, block=block) for one in of_block], block=reached, **more)


def begun(*flushes: Flush) -> tuple[OpenPanes, Tags]:
    tags = Tags()
    panes = OpenPanes(tags, HASHES, 2)
    for one in flushes:
        panes.apply(one)
    return panes, tags


def counts(panes: OpenPanes, tags: Tags) -> dict[tuple[int, str], int]:
    """What each open pane counts, which must be what is known of all of them together."""
    found: dict[tuple[int, str], int] = defaultdict(int)
    whole: dict[int, int] = defaultdict(int)
    for number, pane in panes.panes.items():
        total = pane.sum()
        for key, count in zip(total.keys.tolist(), total.counts.tolist(), strict=True):
            found[number, tags.name(key)] += count
            whole[key >> COUNTRY_BITS << COUNTRY_BITS] += count
            if country_of(key):
                whole[key] += count
    assert panes.tweets.to_dict() == whole
    return dict(found)


def settled(panes: OpenPanes, number: int) -> int:
    return int(panes.settle(number).sum.counts.sum())


def test_a_register_counts_once_however_often_it_comes():
    panes, tags = begun(flush(register(3)), flush(register(3)), flush(register(5)), flush(register(4)))
    assert counts(panes, tags) == {(5, "a"): 5}


def test_blocks_and_sources_add_up():
    panes, tags = begun(
        flush(register(3)),
        flush(register(2), block=1),
        flush(register(4), source=1),
        flush(register(1, pane=6), block=1),
    )
    assert counts(panes, tags) == {(5, "a"): 9, (6, "a"): 1}


def test_a_block_that_is_over_is_not_opened_again():
    panes, tags = begun(flush(register(3)), flush(register(2), block=1), flush(register(9)), flush(register(9, pane=6)))
    assert counts(panes, tags) == {(5, "a"): 5}


def test_a_marker_closes_the_blocks_before_it():
    panes, tags = begun(flush(register(3)), flush(reached=2), flush(register(9), block=1))
    assert counts(panes, tags) == {(5, "a"): 3}


def test_a_record_without_a_marker_closes_nothing_and_tells_no_time():
    panes, tags = begun(flush(register(3), watermark_ms=-1), flush(register(4), reached=7, watermark_ms=-1))
    assert counts(panes, tags) == {(5, "a"): 4}
    assert panes.watermark_ms == -1


def test_a_block_takes_the_registers_of_its_greatest_rules():
    panes, tags = begun(
        flush(register(3), register(2, tag="old")),
        flush(register(2), rules=RULES + 1),
        flush(register(7), register(7, tag="old"), rules=RULES),
    )
    assert counts(panes, tags) == {(5, "a"): 2}


def test_a_block_takes_the_registers_of_who_has_read_most_of_it():
    """A partition may go from a newer version to an older one, and a worker that should be dead go on meanwhile."""
    panes, tags = begun(flush(register(3, authors=(1, 2)), rules=RULES + 1, read_to=3))
    for rules, count, read_to, found in (
        (RULES, 2, 2, {(5, "a"): 3}),
        (RULES, 5, 6, {(5, "a"): 5}),
        (RULES + 1, 4, 4, {(5, "a"): 5}),
        (RULES + 1, 7, 6, {(5, "a"): 7}),
        (RULES, 6, 6, {(5, "a"): 7}),
    ):
        panes.apply(flush(register(count, authors=(count,)), rules=rules, read_to=read_to))
        assert counts(panes, tags) == found
    closed = panes.settle(5)
    assert closed.pane.entries["author"][closed.sum.entries].tolist() == [7]


def test_a_block_that_older_rules_read_to_its_end_is_counted_by_them():
    newer = flush(register(3), rules=RULES + 1, read_to=3)
    panes, tags = begun(newer, block_counts.flush([register(5), replace(register(1), block=1)], block=1))
    assert counts(panes, tags) == {(5, "a"): 6}
    panes, tags = begun(newer, flush(register(5), watermark_ms=-1), flush(reached=1))
    assert counts(panes, tags) == {(5, "a"): 5}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(5, 7)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 12)), max_size=25),
    st.sampled_from([3, 100_000]),
)
def test_versions_side_by_side_count_what_the_furthest_has_read(uses, steps, compact_at):
    """Senders of three versions, some begun anew, each telling what has changed since it last did."""
    with patch("streams.windows.open_pane._COMPACT_AT", compact_at):
        panes, tags = begun()
        read = [0, 0, 0, 0]
        furthest = 0
        for sender, anew, more in steps:
            before = 0 if anew else read[sender]
            read[sender] = upto = min(before + more, len(uses))
            changed = set(uses[before:upto])
            told = [
                register(
                    uses[:upto].count((tag, pane)), tag=tag, pane=pane,
                    authors=tuple(at for at, use in enumerate(uses[:upto]) if use == (tag, pane)),
                )
                for tag, pane in sorted(changed)
            ]  # fmt: skip
            panes.apply(flush(*told, rules=1 + sender % 3, read_to=upto))
            furthest = max(furthest, upto)
            assert counts(panes, tags) == Counter((pane, tag) for tag, pane in uses[:furthest])
        for number in (5, 6, 7):
            closed = panes.settle(number)
            sampled = closed.pane.entries["author"][closed.sum.entries].tolist()
            whole = [at for at, (_, pane) in enumerate(uses[:furthest]) if pane == number]
            assert sorted(set(sampled)) == whole


def test_other_rules_do_not_touch_what_has_settled():
    panes, tags = begun(flush(register(3)))
    assert settled(panes, 5) == 3
    panes.apply(flush(register(4), rules=RULES + 1))
    assert counts(panes, tags) == {} and panes.late_registers == 0


def test_a_topic_made_anew_starts_afresh_and_nothing_is_lost():
    panes, tags = begun(flush(register(3), block=9), flush(register(2), block=0, source_id="anew"))
    assert counts(panes, tags) == {(5, "a"): 5}


def test_what_was_sent_again_of_a_settled_pane_is_let_be():
    panes, tags = begun(flush(register(3), register(1, pane=6)))
    assert settled(panes, 5) == 3
    panes.apply(flush(register(3), register(2)))
    assert counts(panes, tags) == {(6, "a"): 1} and panes.late_registers == 0


def test_a_late_register_counts_once_in_the_oldest_open_pane():
    panes, tags = begun(flush(register(3), register(1, pane=7)))
    panes.settle(5)
    for count in (4, 4, 6, 5):
        panes.apply(flush(register(count, authors=(1,))))
    assert counts(panes, tags) == {(6, "a"): 3, (7, "a"): 1}
    assert panes.late_registers == 2
    assert min(panes.panes) == 6
    assert settled(panes, 6) == 3


def test_a_late_register_of_a_block_that_began_since_counts_as_a_whole():
    panes, tags = begun(flush(register(3)))
    panes.settle(5)
    panes.apply(flush(register(2), block=1))
    assert counts(panes, tags) == {(6, "a"): 2}


def test_a_successor_lets_settled_panes_of_blocks_be_that_had_begun_before_it():
    first, _ = begun(flush(register(3), block=4), flush(register(1), block=2, source=1, sources=2))
    assert first.blocks() == {"t/0": 4, "t/1": 2}

    panes, tags = begun()
    panes.old_blocks, panes.settled_pane = first.blocks(), 5
    panes.apply(flush(register(3), block=3))
    panes.apply(flush(register(3), register(2, pane=6), block=4))
    assert counts(panes, tags) == {(6, "a"): 2} and panes.late_registers == 0
    panes.apply(flush(register(3), block=5))
    assert counts(panes, tags) == {(6, "a"): 5} and panes.late_registers == 1
    assert panes.blocks() == {"t/0": 5, "t/1": 2}, "what it has not seen itself it hands on"


def test_an_old_marker_from_a_zombie_does_not_make_the_next_block_whole():
    panes, tags = begun()
    panes.old_blocks, panes.settled_pane = {"t/0": 6}, 5
    panes.apply(flush(reached=2))
    panes.apply(flush(register(8), block=6))
    assert counts(panes, tags) == {}


def test_settling_takes_open_blocks_along():
    panes, tags = begun(flush(register(3, authors=(4,))), flush(register(2, authors=(2, 4)), block=1))
    closed = panes.settle(5)
    assert closed.sum.counts.tolist() == [5]
    assert closed.pane.entries["author"][closed.sum.entries].tolist() == [2, 4]
    assert counts(panes, tags) == {} and panes.settled_pane == 5
    with pytest.raises(AssertionError):
        panes.settle(5)


def test_the_watermark_is_the_lowest_of_all_sources():
    panes, _ = begun(flush(watermark_ms=50, sources=3))
    assert panes.watermark_ms == -1
    panes.apply(flush(watermark_ms=70, source=1, sources=3))
    assert panes.watermark_ms == -1
    panes.apply(flush(watermark_ms=40, source=2, sources=3))
    assert panes.watermark_ms == 40
    panes.apply(flush(watermark_ms=60, source=2, sources=2))
    panes.apply(flush(watermark_ms=10, source=0, sources=3))
    assert panes.watermark_ms == 50, "a watermark never runs back"
    panes.apply(flush(watermark_ms=60, source=0, sources=4))
    assert panes.watermark_ms == -1, "a partition was added: nothing settles before it has told its own"


def test_the_world_adds_up_countries():
    panes, tags = begun(
        flush(register(3), register(2, country="US"), register(1, country=""), register(4, tag="b", country=""))
    )
    counts(panes, tags)
    assert panes.tweets.of(np.array([tags.key(tag, "*") for tag in "ab"])).tolist() == [6, 4]
    panes.settle(5)
    assert panes.tweets.to_dict() == {}


def test_a_record_that_ends_a_block_and_begins_the_next_counts_both_once():
    panes, tags = begun(flush(register(2)))
    both = [register(3), replace(register(4), block=1)]
    for _ in range(2):
        panes.apply(block_counts.flush(both, block=1))
        assert counts(panes, tags) == {(5, "a"): 7}


def history(rng: random.Random, source: int, truth: dict[tuple[int, str, str], list[Entry]]) -> list[Flush]:
    """What a source sends in order: at each flush all that its changed registers hold, of one block or several."""
    records: list[Flush] = []
    so_far: dict[tuple[int, str, str, int], Register] = {}
    changed: dict[tuple[int, str, str, int], Register] = {}
    for block in range(5):
        for _ in range(rng.randrange(6)):
            for _ in range(rng.randrange(4)):
                tag, country, pane = rng.choice("ab"), rng.choice(["IN", ""]), rng.randrange(5, 8)
                one = entry(rng.randrange(9), rng.randrange(2**40))
                before = so_far.get((block, tag, country, pane), Register(tag, country, pane, 0, [], block))
                entries = smallest([*before.entries, one], HASHES)
                now = Register(tag, country, pane, before.count + 1, entries, block)
                so_far[block, tag, country, pane] = changed[block, tag, country, pane] = now
                truth[pane, tag, country].append(one)
            if rng.random() < 0.4:
                records.append(block_counts.flush(changed.values(), source=source, sources=2, block=block))
                changed = {}
    records.append(block_counts.flush(changed.values(), source=source, sources=2, block=9))
    return records


@pytest.mark.simulation
@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2, 9, 100_000]))
def test_any_history_of_repeats_and_zombies_counts_the_same(seed, compact_at):
    """Each source in order; anything that was sent before may come again at any time, as it was."""
    rng = random.Random(seed)
    truth: dict[tuple[int, str, str], list[Entry]] = defaultdict(list)
    queues = [history(rng, source, truth) for source in range(2)]
    found: dict[tuple[int, str, str], tuple[int, list[Entry]]] = {}
    past: list[Flush] = []
    with patch("streams.windows.open_pane._COMPACT_AT", compact_at):
        panes, tags = begun()
        while any(queues):
            if past and rng.random() < 0.4:
                panes.apply(rng.choice(past))
                continue
            queue = rng.choice([queue for queue in queues if queue])
            past.append(queue.pop(0))
            panes.apply(past[-1])
            counts(panes, tags)
        for number in (5, 6, 7):
            for one in past[:2]:
                panes.apply(one)
            closed = panes.settle(number)
            its = entries_of(closed.pane._take(closed.sum.entries))
            for key, count, (first, last) in zip(
                closed.sum.keys.tolist(), closed.sum.counts.tolist(), pairwise(closed.sum.bounds.tolist()), strict=True
            ):
                found[number, tags.name(key), country_of(key)] = (count, its[first:last])
            for one in past[-2:]:
                panes.apply(one)
    assert found == {scope: (len(said), smallest(said, HASHES)) for scope, said in truth.items()}
    assert counts(panes, tags) == {} and panes.late_registers == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_what_comes_after_its_pane_has_settled_counts_once_in_a_later_one(seed):
    """Nothing is lost and nothing is counted twice, whenever panes settle."""
    rng = random.Random(seed)
    truth: dict[tuple[int, str, str], list[Entry]] = defaultdict(list)
    queues = [history(rng, source, truth) for source in range(2)]
    panes, tags = begun()
    found: dict[str, int] = defaultdict(int)
    numbers = [5, 6, 7, 8]
    while any(queues):
        panes.apply(rng.choice([queue for queue in queues if queue]).pop(0))
        if len(numbers) > 1 and rng.random() < 0.1:
            _settle_into(found, panes, tags, numbers.pop(0))
    for number in numbers:
        _settle_into(found, panes, tags, number)
    whole: dict[str, int] = defaultdict(int)
    for (_, tag, _), said in truth.items():
        whole[tag] += len(said)
    assert found == whole
    assert panes.tweets.to_dict() == {}


def _settle_into(found: dict[str, int], panes: OpenPanes, tags: Tags, number: int) -> None:
    total = panes.settle(number).sum
    for key, count in zip(total.keys.tolist(), total.counts.tolist(), strict=True):
        found[tags.name(key)] += count


def test_other_rules_void_what_the_open_block_has_counted_in_every_open_pane():
    told = [register(3, authors=(1, 2)), register(2, pane=6, authors=(3,)), register(4, tag="b", pane=6, authors=(4,))]
    panes, tags = begun(flush(register(1, authors=(9,))), flush(*told, block=1))
    panes.apply(flush(register(5, pane=6, authors=(5,)), block=1, rules=RULES + 1))
    assert counts(panes, tags) == {(5, "a"): 1, (6, "a"): 5}
    for number, authors in ((5, [9]), (6, [5])):
        closed = panes.settle(number)
        assert closed.pane.entries["author"][closed.sum.entries].tolist() == authors
