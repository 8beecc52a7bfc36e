"""Open panes: blocks with absolute counts, whatever comes twice, late, or from a worker that should be dead."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.keys import Tags
from streams.counting.registers import RULES, BlockRegisters, Entry, Flush, Register
from streams.counting.sketch import K, KeyedHash, smallest
from streams.counting.tally import OpenPanes, Tally

HASHES = KeyedHash(b"k")


def entry(author: int, tweet: int | None = None) -> Entry:
    return Entry(author, author if tweet is None else tweet, 10, 0, "", f"by {author}")


def register(
    count: int, *, tag: str = "a", country: str = "IN", pane: int = 5, authors: tuple[int, ...] = ()
) -> Register:
    return Register(tag, country, pane, count, [entry(author) for author in authors])


def flush(
    *registers: Register,
    block: int = 0,
    source: int = 0,
    sources: int = 1,
    watermark_ms: int = 0,
    rules: int = RULES,
    source_id: str = "t",
    reached: int | None = None,
) -> Flush:
    blocks = [BlockRegisters(block, list(registers))] if registers else []
    return Flush(source_id, source, sources, rules, block if reached is None else reached, watermark_ms, 0, blocks)


def begun(*flushes: Flush) -> tuple[OpenPanes, Tags]:
    tags = Tags()
    panes = OpenPanes(tags, HASHES)
    for one in flushes:
        panes.apply(one)
    return panes, tags


def counts(panes: OpenPanes, tags: Tags) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = defaultdict(int)
    for pane, tally in panes.tallies():
        for key, count in tally.counts.items():
            found[pane, tags.name(key)] += count
    return dict(found)


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


def test_other_rules_do_not_touch_what_has_settled():
    panes, _ = begun(flush(register(3)))
    assert sum(panes.settle(5).counts.values()) == 3
    panes.apply(flush(register(4), rules=RULES + 1))
    assert list(panes.tallies()) == [] and panes.late_registers == 0


def test_a_topic_made_anew_starts_afresh_and_nothing_is_lost():
    panes, tags = begun(flush(register(3), block=9), flush(register(2), block=0, source_id="anew"))
    assert counts(panes, tags) == {(5, "a"): 5}


def test_what_was_sent_again_of_a_settled_pane_is_let_be():
    panes, tags = begun(flush(register(3), register(1, pane=6)))
    assert sum(panes.settle(5).counts.values()) == 3
    panes.apply(flush(register(3), register(2)))
    assert counts(panes, tags) == {(6, "a"): 1} and panes.late_registers == 0


def test_a_late_register_counts_once_in_the_oldest_open_pane():
    panes, tags = begun(flush(register(3), register(1, pane=7)))
    panes.settle(5)
    for count in (4, 4, 6, 5):
        panes.apply(flush(register(count, authors=(1,))))
    assert counts(panes, tags) == {(6, "a"): 3, (7, "a"): 1}
    assert panes.late_registers == 2
    assert panes.earliest() == 6
    assert sum(panes.settle(6).counts.values()) == 3


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
    tally = panes.settle(5)
    assert list(tally.counts.values()) == [5]
    (entries,) = tally.entries.values()
    assert sorted(one.author for one in smallest(entries, HASHES)) == [2, 4]
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


def test_worlds_add_up_countries():
    tags, tally = Tags(), Tally()
    for country, count in (("IN", 3), ("US", 2), ("", 1)):
        tally.raise_to(tags.key("a", country), count, [], HASHES)
    tally.add(tags.key("b", ""), 4, [], HASHES)
    assert tally.worlds() == {tags.key("a", "*") >> 10: 6, tags.key("b", "*") >> 10: 4}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_a_tally_keeps_the_sample_of_everybody(seed):
    rng = random.Random(seed)
    everybody = [entry(rng.randrange(2**64) if rng.random() < 0.9 else rng.randrange(9), rng.randrange(2**40))
                 for _ in range(700)]  # fmt: skip
    tally, at = Tally(), 0
    while at < len(everybody):
        size = rng.choice([1, 5, 80])
        more = everybody[at : at + size]
        if rng.random() < 0.5:
            tally.raise_to(1, at, more, HASHES)
        else:
            tally.add(1, 1, more, HASHES)
        at += size
    assert sort(smallest(tally.entries[1], HASHES)) == sort(smallest(everybody, HASHES))
    assert len(tally.entries[1]) <= 4 * K + 80


def sort(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda one: one.author)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_history_of_repeats_and_zombies_counts_the_same(seed):
    """Each source in order; anything that was sent before may come again at any time, as it was."""
    rng = random.Random(seed)
    truth: dict[tuple[int, str], int] = defaultdict(int)
    queues: list[list[Flush]] = []
    for source in range(2):
        queue: list[Flush] = []
        for block in range(4):
            so_far: dict[tuple[str, int], int] = defaultdict(int)
            for _ in range(rng.randrange(1, 4)):
                for _ in range(rng.randrange(4)):
                    so_far[rng.choice("ab"), rng.randrange(5, 8)] += rng.randrange(1, 4)
                news = [register(count, tag=tag, pane=pane) for (tag, pane), count in so_far.items()]
                queue.append(flush(*news, block=block, source=source, sources=2, watermark_ms=10))
            for (tag, pane), count in so_far.items():
                truth[pane, tag] += count
        queues.append(queue)
    tags = Tags()
    panes = OpenPanes(tags, HASHES)
    settled: dict[tuple[int, str], int] = {}
    past: list[Flush] = []
    while any(queues):
        if past and rng.random() < 0.4:
            panes.apply(rng.choice(past))
            continue
        queue = rng.choice([queue for queue in queues if queue])
        past.append(queue.pop(0))
        panes.apply(past[-1])
    for pane in (5, 6, 7):
        for one in rng.sample(past, 2):
            panes.apply(one)
        settled |= {(pane, tags.name(key)): count for key, count in panes.settle(pane).counts.items()}
        for one in rng.sample(past, 2):
            panes.apply(one)
    assert settled == dict(truth)
    assert list(panes.tallies()) == [] and panes.late_registers == 0
