"""Open panes: absolute counts of blocks, repeated, late, or from a zombie."""

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
from streams.windows.open_panes import RETURN_MS, OpenPanes
from tests.support import block_counts
from tests.support.block_counts import TOPIC_ID, BlockCount, Entry, entries_of, smallest
from tests.support.windows import counts_of

HASHES = KeyedHash(b"k")


def entry(author: int, tweet: int | None = None) -> Entry:
    return Entry(author, author if tweet is None else tweet, 10, 0, "", f"by {author}")


def block_count(
    count: int, *, tag: str = "a", country: str = "IN", pane: int = 5, authors: tuple[int, ...] = ()
) -> BlockCount:
    return BlockCount(tag, country, pane, count, [entry(author) for author in authors])


def flush(*of_block: BlockCount, block: int = 0, reached: int | None = None, **more: Any) -> Flush:
    """Make a record of one block."""
    reached = block if reached is None else reached
    return block_counts.flush([replace(one, block=block) for one in of_block], block=reached, **more)


def begun(*flushes: Flush) -> tuple[OpenPanes, Tags]:
    tags = Tags()
    panes = OpenPanes(tags, HASHES, 2)
    for one in flushes:
        panes.apply_all([one])
    return panes, tags


def counts(panes: OpenPanes, tags: Tags) -> dict[tuple[int, str], int]:
    """Return the counts of the open panes, and check that they equal the counter of all panes."""
    found: dict[tuple[int, str], int] = defaultdict(int)
    whole: dict[int, int] = defaultdict(int)
    for number, pane in panes.panes.items():
        total = pane.sum()
        for key, count in zip(total.keys.tolist(), total.counts.tolist(), strict=True):
            found[number, tags.name(key)] += count
            whole[key >> COUNTRY_BITS << COUNTRY_BITS] += count
            if country_of(key):
                whole[key] += count
    assert counts_of(panes.tweets) == whole
    return dict(found)


def settled(panes: OpenPanes, number: int) -> int:
    return int(panes.settle(number).sum.counts.sum())


def test_repeated_count_is_added_once():
    panes, tags = begun(flush(block_count(3)), flush(block_count(3)), flush(block_count(5)), flush(block_count(4)))
    assert counts(panes, tags) == {(5, "a"): 5}


def test_blocks_and_sources_add_up():
    panes, tags = begun(
        flush(block_count(3)),
        flush(block_count(2), block=1),
        flush(block_count(4), source=1),
        flush(block_count(1, pane=6), block=1),
    )
    assert counts(panes, tags) == {(5, "a"): 9, (6, "a"): 1}


def test_counts_of_a_closed_block_are_ignored():
    panes, tags = begun(
        flush(block_count(3)), flush(block_count(2), block=1), flush(block_count(9)), flush(block_count(9, pane=6))
    )
    assert counts(panes, tags) == {(5, "a"): 5}


def test_marker_closes_the_blocks_before_it():
    panes, tags = begun(flush(block_count(3)), flush(reached=2), flush(block_count(9), block=1))
    assert counts(panes, tags) == {(5, "a"): 3}


def test_record_without_a_marker_has_no_watermark():
    panes, tags = begun(flush(block_count(3), watermark_ms=-1), flush(block_count(4), reached=7, watermark_ms=-1))
    assert counts(panes, tags) == {(5, "a"): 4}
    assert panes.watermark_ms == -1


def test_block_is_counted_by_its_greatest_rules():
    panes, tags = begun(
        flush(block_count(3), block_count(2, tag="old")),
        flush(block_count(2), rules=RULES + 1),
        flush(block_count(7), block_count(7, tag="old"), rules=RULES),
    )
    assert counts(panes, tags) == {(5, "a"): 2}


def test_block_is_counted_by_the_furthest_reader():
    """A partition may go from a newer version to an older one while a zombie goes on."""
    panes, tags = begun(flush(block_count(3, authors=(1, 2)), rules=RULES + 1, read_to=3))
    for rules, count, read_to, found in (
        (RULES, 2, 2, {(5, "a"): 3}),
        (RULES, 5, 6, {(5, "a"): 5}),
        (RULES + 1, 4, 4, {(5, "a"): 5}),
        (RULES + 1, 7, 6, {(5, "a"): 7}),
        (RULES, 6, 6, {(5, "a"): 7}),
    ):
        panes.apply_all([flush(block_count(count, authors=(count,)), rules=rules, read_to=read_to)])
        assert counts(panes, tags) == found
    closed = panes.settle(5)
    assert closed.pane.entries["author"][closed.sum.entries].tolist() == [7]


def test_complete_block_is_counted_by_its_complete_reader():
    newer = flush(block_count(3), rules=RULES + 1, read_to=3)
    panes, tags = begun(newer, block_counts.flush([block_count(5), replace(block_count(1), block=1)], block=1))
    assert counts(panes, tags) == {(5, "a"): 6}
    panes, tags = begun(newer, flush(block_count(5), watermark_ms=-1), flush(reached=1))
    assert counts(panes, tags) == {(5, "a"): 5}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(5, 7)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 12)), max_size=25),
    st.sampled_from([3, 100_000]),
)
def test_mixed_rules_count_what_the_furthest_reader_has_read(uses, steps, compact_at):
    """Senders of three versions, some restarted, each send what has changed since their last record."""
    with patch("streams.windows.open_pane._COMPACT_AT", compact_at):
        panes, tags = begun()
        read = [0, 0, 0, 0]
        furthest = 0
        for sender, restarted, more in steps:
            before = 0 if restarted else read[sender]
            read[sender] = upto = min(before + more, len(uses))
            changed = set(uses[before:upto])
            sent = [
                block_count(
                    uses[:upto].count((tag, pane)), tag=tag, pane=pane,
                    authors=tuple(at for at, use in enumerate(uses[:upto]) if use == (tag, pane)),
                )
                for tag, pane in sorted(changed)
            ]  # fmt: skip
            panes.apply_all([flush(*sent, rules=1 + sender % 3, read_to=upto)])
            furthest = max(furthest, upto)
            assert counts(panes, tags) == Counter((pane, tag) for tag, pane in uses[:furthest])
        for number in (5, 6, 7):
            closed = panes.settle(number)
            sampled = closed.pane.entries["author"][closed.sum.entries].tolist()
            whole = [at for at, (_, pane) in enumerate(uses[:furthest]) if pane == number]
            assert sorted(set(sampled)) == whole


def test_other_rules_change_no_settled_pane():
    panes, tags = begun(flush(block_count(3)))
    assert settled(panes, 5) == 3
    panes.apply_all([flush(block_count(4), rules=RULES + 1)])
    assert counts(panes, tags) == {} and panes.late_counts == 0


def test_recreated_topic_starts_with_its_first_block():
    panes, tags = begun(flush(block_count(3), block=9), flush(block_count(2), block=0, source_id="new"))
    assert counts(panes, tags) == {(5, "a"): 5}


def test_recreation_is_counted_once_also_after_a_restart():
    before, _ = begun(flush(source=0, sources=2), flush(source=1, sources=2))
    assert before.recreations == 0
    restarted = OpenPanes(Tags(), HASHES, 2)
    restarted.recover(4, before.blocks())
    restarted.apply_all([flush(source=1, sources=2)])
    assert restarted.recreations == 0, "it is the known topic"
    restarted.apply_all([flush(source=number, sources=2, source_id="new") for number in (0, 1)])
    assert restarted.recreations == 1


def test_recreated_topic_with_fewer_partitions_settles():
    panes, _ = begun(*[flush(source=number, sources=3, watermark_ms=50) for number in range(3)])
    assert panes.watermark_ms == 50
    panes.apply_all([flush(source=0, sources=2, watermark_ms=60, source_id="new")])
    assert panes.watermark_ms == -1, "the other partition of the new topic has sent nothing"
    panes.apply_all([flush(source=2, sources=3, watermark_ms=55)])  # a worker that has not noticed
    panes.apply_all([flush(source=1, sources=2, watermark_ms=70, source_id="new")])
    assert panes.watermark_ms == 60


def test_zombie_of_the_old_topic_counts_nothing_twice():
    panes, tags = begun(
        flush(block_count(3), block=9),
        flush(block_count(2), block=0, source_id="new"),
        flush(block_count(3), block=9),
        flush(block_count(2), block=0, source_id="new"),
        flush(block_count(4), block=9),
    )
    assert counts(panes, tags) == {(5, "a"): 6}


def test_recovered_judge_knows_which_topic_is_the_present_one():
    before, _ = begun(flush(block_count(3), block=9, sources=2), flush(block_count(2), block=1, source_id="new"))
    panes = OpenPanes(Tags(), HASHES, 2)
    panes.recover(4, before.blocks())
    panes.apply_all([flush(watermark_ms=50, block=9, sources=2)])
    assert panes.watermark_ms == -1
    panes.apply_all([flush(watermark_ms=60, block=1, source_id="new")])
    assert panes.watermark_ms == 60


def marks(*watermarks: int, topic_id: str = TOPIC_ID, sources: int = 2) -> list[Flush]:
    """Make markers of the first two partitions of a topic, for each watermark."""
    return [
        flush(source_id=topic_id, source=number, sources=sources, watermark_ms=watermark_ms)
        for watermark_ms in watermarks
        for number in (0, 1)
    ]


@pytest.mark.parametrize("sources", [1, 2, 65_536])
def test_false_topic_id_holds_two_minutes_of_log_time(sources: int):
    false = flush(block_count(1), source_id="false", sources=sources, watermark_ms=7)
    panes, tags = begun(flush(block_count(3), block=9, sources=2), *marks(1_000), false)
    for watermark_ms in range(6_000, 1_000 + RETURN_MS + 1, 5_000):
        panes.apply_all(marks(watermark_ms))
        assert panes.watermark_ms == (7 if sources == 1 else -1) and panes.returns == 0
    panes.apply_all(marks(1_001 + RETURN_MS))
    assert panes.watermark_ms == 1_001 + RETURN_MS and panes.returns == 1
    panes.apply_all([false, *marks(200_000)])
    assert panes.watermark_ms == 200_000, "the false id is known, and holds nothing again"
    assert counts(panes, tags) == {(5, "a"): 4} and panes.recreations == 1


def test_partition_added_while_a_false_id_holds_is_awaited():
    panes, _ = begun(*marks(1_000), flush(source_id="false"))
    panes.apply_all(marks(2_000, 2_001 + RETURN_MS, sources=3))
    assert panes.returns == 0, "the third one has sent nothing"
    panes.apply_all([flush(source=2, sources=3, watermark_ms=at_ms) for at_ms in (3_000, 3_000 + RETURN_MS)])
    assert panes.returns == 0, "each of them must pass two minutes"
    panes.apply_all([flush(source=2, sources=3, watermark_ms=3_001 + RETURN_MS), *marks(3_001 + RETURN_MS, sources=3)])
    assert panes.watermark_ms == 3_001 + RETURN_MS and panes.awaited_sources == 0


def test_zombie_of_the_old_topic_never_returns_while_the_new_one_sends():
    """A zombie that catches up passes hours of log time between few records of the new topic."""
    panes, _ = begun(*marks(0), *marks(0, topic_id="new"))
    for step in range(1, 9):
        panes.apply_all([*marks(step * RETURN_MS), flush(source_id="new", sources=2, source=step % 2, watermark_ms=-1)])
        assert panes.watermark_ms == 0 and panes.returns == 0
    zombie = [flush(source=0, sources=2, watermark_ms=at_ms) for at_ms in range(10 * RETURN_MS, 20 * RETURN_MS, 999)]
    panes.apply_all(zombie)
    assert panes.watermark_ms == 0, "one partition of two is no topic that goes on"
    panes.apply_all(marks(7, topic_id="new"))
    assert panes.watermark_ms == 7 and panes.returns == 0


def test_new_topic_returns_after_a_zombie_of_all_partitions():
    panes, _ = begun(*marks(0), *marks(50, topic_id="new"), *marks(1_000, 1_001 + RETURN_MS))
    assert panes.returns == 1
    panes.apply_all(marks(60, 61 + RETURN_MS, topic_id="new"))
    assert panes.watermark_ms == 61 + RETURN_MS and panes.returns == 2


def test_recovered_judge_knows_which_topic_has_returned():
    before, _ = begun(*marks(0), flush(source_id="false"), *marks(1_000, 1_001 + RETURN_MS))
    assert list(before.blocks()) == ["false/0", f"{TOPIC_ID}/0", f"{TOPIC_ID}/1"]
    panes = OpenPanes(Tags(), HASHES, 2)
    panes.recover(4, before.blocks())
    panes.apply_all([flush(source_id="false"), *marks(200_000)])
    assert panes.watermark_ms == 200_000 and panes.recreations == panes.returns == 0


def test_records_read_again_return_to_no_former_topic():
    """The next owner reads records of the former topic before it reads those of the present one."""
    before, _ = begun(*marks(0, RETURN_MS), flush(source_id="new", watermark_ms=7))
    panes = OpenPanes(Tags(), HASHES, 2)
    panes.recover(4, before.blocks())
    panes.apply_all(marks(0, RETURN_MS, 2 * RETURN_MS), replayed=True)
    assert panes.returns == 0
    panes.apply_all(marks(2 * RETURN_MS + 1))
    assert panes.returns == 0, "the two minutes begin behind them"
    panes.apply_all([flush(source_id="new", watermark_ms=8)])
    assert panes.watermark_ms == 8


def test_judge_recovered_within_the_hold_returns_too():
    before, _ = begun(*marks(0), flush(source_id="false"))
    panes = OpenPanes(Tags(), HASHES, 2)
    panes.recover(4, before.blocks())
    panes.apply_all(marks(1_000, 1_000 + RETURN_MS))
    assert panes.watermark_ms == -1
    panes.apply_all(marks(1_001 + RETURN_MS))
    assert panes.watermark_ms == 1_001 + RETURN_MS


def test_repeated_count_of_a_settled_pane_is_ignored():
    panes, tags = begun(flush(block_count(3), block_count(1, pane=6)))
    assert settled(panes, 5) == 3
    panes.apply_all([flush(block_count(3), block_count(2))])
    assert counts(panes, tags) == {(6, "a"): 1} and panes.late_counts == 0


def test_late_count_is_added_once_to_the_oldest_open_pane():
    panes, tags = begun(flush(block_count(3), block_count(1, pane=7)))
    panes.settle(5)
    for count in (4, 4, 6, 5):
        panes.apply_all([flush(block_count(count, authors=(1,)))])
    assert counts(panes, tags) == {(6, "a"): 3, (7, "a"): 1}
    assert panes.late_counts == 2
    assert min(panes.panes) == 6
    assert settled(panes, 6) == 3


def test_late_count_of_a_new_block_is_added_whole():
    panes, tags = begun(flush(block_count(3)))
    panes.settle(5)
    panes.apply_all([flush(block_count(2), block=1)])
    assert counts(panes, tags) == {(6, "a"): 2}


def test_recovered_blocks_add_nothing_to_settled_panes():
    first, _ = begun(flush(block_count(3), block=4), flush(block_count(1), block=2, source=1, sources=2))
    assert first.blocks() == {f"{TOPIC_ID}/0": 4, f"{TOPIC_ID}/1": 2}

    panes, tags = begun()
    panes.recover(5, first.blocks())
    panes.apply_all([flush(block_count(3), block=3)])
    panes.apply_all([flush(block_count(3), block_count(2, pane=6), block=4)])
    assert counts(panes, tags) == {(6, "a"): 2} and panes.late_counts == 0
    panes.apply_all([flush(block_count(3), block=5)])
    assert counts(panes, tags) == {(6, "a"): 5} and panes.late_counts == 1
    assert panes.blocks() == {f"{TOPIC_ID}/0": 5, f"{TOPIC_ID}/1": 2}, "recovered blocks are passed on"


def test_old_marker_does_not_make_the_next_block_whole():
    panes, tags = begun()
    panes.recover(5, {f"{TOPIC_ID}/0": 6})
    panes.apply_all([flush(reached=2)])
    panes.apply_all([flush(block_count(8), block=6)])
    assert counts(panes, tags) == {}


def test_settle_includes_open_blocks():
    panes, tags = begun(flush(block_count(3, authors=(4,))), flush(block_count(2, authors=(2, 4)), block=1))
    closed = panes.settle(5)
    assert closed.sum.counts.tolist() == [5]
    assert closed.pane.entries["author"][closed.sum.entries].tolist() == [2, 4]
    assert counts(panes, tags) == {} and panes.settled_pane == 5
    with pytest.raises(AssertionError):
        panes.settle(5)


def test_watermark_is_the_lowest_of_all_sources():
    panes, _ = begun(flush(watermark_ms=50, sources=3))
    assert panes.watermark_ms == -1
    panes.apply_all([flush(watermark_ms=70, source=1, sources=3)])
    assert panes.watermark_ms == -1
    panes.apply_all([flush(watermark_ms=40, source=2, sources=3)])
    assert panes.watermark_ms == 40
    panes.apply_all([flush(watermark_ms=60, source=2, sources=2)])
    panes.apply_all([flush(watermark_ms=10, source=0, sources=3)])
    assert panes.watermark_ms == 50, "a watermark never decreases"
    panes.apply_all([flush(watermark_ms=60, source=0, sources=4)])
    assert panes.watermark_ms == -1, "nothing settles before an added partition has a watermark"


def test_watermark_outlives_a_new_topic_in_another_thread():
    """The event loop asks while a thread replaces the sources."""

    class Replaced(OpenPanes):
        source_count = property(lambda panes: next(panes.reads), lambda panes, value: None)

    panes = Replaced(Tags(), HASHES, 2)
    panes.reads = iter([2, 0, 0])
    assert panes.watermark_ms == -1
    panes.reads = iter([1, 0, 0])
    assert panes.watermark_ms == -1


def test_each_of_many_panes_has_its_own_entries():
    many = [block_count(1, pane=pane, authors=(pane, pane + 1)) for pane in (7, 5, 9, 6, 5_000)]
    panes, _ = begun(flush(block_count(4, pane=9, authors=(1,))), flush(*many), flush(block_count(9, pane=5)))
    assert sorted(panes.panes) == [5, 6, 7, 9, 5_000]
    found = {number: pane.entries["author"].tolist() for number, pane in panes.panes.items()}
    assert found == {9: [1], 5: [5, 6], 6: [6, 7], 7: [7, 8], 5_000: [5_000, 5_001]}
    assert settled(panes, 5) == 9


def test_world_key_counts_all_countries():
    panes, tags = begun(
        flush(
            block_count(3),
            block_count(2, country="US"),
            block_count(1, country=""),
            block_count(4, tag="b", country=""),
        )
    )
    counts(panes, tags)
    assert panes.tweets.of(np.array([tags.key(tag, "*") for tag in "ab"])).tolist() == [6, 4]
    panes.settle(5)
    assert counts_of(panes.tweets) == {}


def test_record_of_two_blocks_counts_both_once():
    panes, tags = begun(flush(block_count(2)))
    both = [block_count(3), replace(block_count(4), block=1)]
    for _ in range(2):
        panes.apply_all([block_counts.flush(both, block=1)])
        assert counts(panes, tags) == {(5, "a"): 7}


def history(rng: random.Random, source: int, truth: dict[tuple[int, str, str], list[Entry]]) -> list[Flush]:
    """Make the records of a source: each flush sends the whole of every changed count, of one or more blocks."""
    records: list[Flush] = []
    so_far: dict[tuple[int, str, str, int], BlockCount] = {}
    changed: dict[tuple[int, str, str, int], BlockCount] = {}
    for block in range(5):
        for _ in range(rng.randrange(6)):
            for _ in range(rng.randrange(4)):
                tag, country, pane = rng.choice("ab"), rng.choice(["IN", ""]), rng.randrange(5, 8)
                one = entry(rng.randrange(9), rng.randrange(2**40))
                before = so_far.get((block, tag, country, pane), BlockCount(tag, country, pane, 0, [], block))
                entries = smallest([*before.entries, one], HASHES)
                now = BlockCount(tag, country, pane, before.count + 1, entries, block)
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
def test_repeats_and_zombies_change_no_count(seed, compact_at):
    """Each source sends in order; any earlier record may be repeated at any time."""
    rng = random.Random(seed)
    truth: dict[tuple[int, str, str], list[Entry]] = defaultdict(list)
    queues = [history(rng, source, truth) for source in range(2)]
    found: dict[tuple[int, str, str], tuple[int, list[Entry]]] = {}
    past: list[Flush] = []
    with patch("streams.windows.open_pane._COMPACT_AT", compact_at):
        panes, tags = begun()
        while any(queues):
            if past and rng.random() < 0.4:
                panes.apply_all([rng.choice(past)])
                continue
            queue = rng.choice([queue for queue in queues if queue])
            past.append(queue.pop(0))
            panes.apply_all([past[-1]])
            counts(panes, tags)
        for number in (5, 6, 7):
            for one in past[:2]:
                panes.apply_all([one])
            closed = panes.settle(number)
            its = entries_of(closed.pane._take(closed.sum.entries))
            for key, count, (first, last) in zip(
                closed.sum.keys.tolist(), closed.sum.counts.tolist(), pairwise(closed.sum.bounds.tolist()), strict=True
            ):
                found[number, tags.name(key), country_of(key)] = (count, its[first:last])
            for one in past[-2:]:
                panes.apply_all([one])
    assert found == {scope: (len(its), smallest(its, HASHES)) for scope, its in truth.items()}
    assert counts(panes, tags) == {} and panes.late_counts == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_late_counts_are_neither_lost_nor_doubled(seed):
    """Panes settle at random times; late counts go to a later pane."""
    rng = random.Random(seed)
    truth: dict[tuple[int, str, str], list[Entry]] = defaultdict(list)
    queues = [history(rng, source, truth) for source in range(2)]
    panes, tags = begun()
    found: dict[str, int] = defaultdict(int)
    numbers = [5, 6, 7, 8]
    while any(queues):
        panes.apply_all([rng.choice([queue for queue in queues if queue]).pop(0)])
        if len(numbers) > 1 and rng.random() < 0.1:
            _settle_into(found, panes, tags, numbers.pop(0))
    for number in numbers:
        _settle_into(found, panes, tags, number)
    whole: dict[str, int] = defaultdict(int)
    for (_, tag, _), its in truth.items():
        whole[tag] += len(its)
    assert found == whole
    assert counts_of(panes.tweets) == {}


def _settle_into(found: dict[str, int], panes: OpenPanes, tags: Tags, number: int) -> None:
    total = panes.settle(number).sum
    for key, count in zip(total.keys.tolist(), total.counts.tolist(), strict=True):
        found[tags.name(key)] += count


def test_new_rules_replace_the_open_block_in_every_pane():
    sent = [
        block_count(3, authors=(1, 2)),
        block_count(2, pane=6, authors=(3,)),
        block_count(4, tag="b", pane=6, authors=(4,)),
    ]
    panes, tags = begun(flush(block_count(1, authors=(9,))), flush(*sent, block=1))
    panes.apply_all([flush(block_count(5, pane=6, authors=(5,)), block=1, rules=RULES + 1)])
    assert counts(panes, tags) == {(5, "a"): 1, (6, "a"): 5}
    for number, authors in ((5, [9]), (6, [5])):
        closed = panes.settle(number)
        assert closed.pane.entries["author"][closed.sum.entries].tolist() == authors
