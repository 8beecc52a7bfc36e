"""Panes of long windows, merged by the quarter hour and thinned, against the obvious way."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import MINUTE_MS, PANE_MS, QUARTER_MS
from streams.counting.keys import Tags
from streams.counting.sketch import smallest_rows
from streams.counting.strata import strata_of
from streams.windows.pane import Pane, merge_panes
from streams.windows.rollups import FINE_MS, PaneRollups, begins_ms, thinned
from streams.windows.tail_trimmer import TailTrimmer
from streams.windows.window import SlidingWindow
from streams.windows.window_store import WindowStore
from tests.support.block_counts import Entry
from tests.support.panes import HASHES, Uses, build, content, obvious_counts, obvious_sample, random_uses
from tests.support.windows import WindowHarness, counts_of, rows

HOUR_MS = 60 * MINUTE_MS

LEAST = 2


def sampled(panes: list[Pane], k: int) -> list[tuple[int, int, int]]:
    """Return the sample (key, author, tweet) of a window over these panes."""
    key = np.concatenate([np.repeat(pane.keys, np.diff(pane.bounds)) for pane in panes])
    author, tweet = (np.concatenate([getattr(pane, name) for pane in panes]) for name in ("author", "tweet"))
    stratum = strata_of(np.concatenate([pane.flags for pane in panes]))
    kept = smallest_rows(key, author, HASHES.orders(tweet), stratum, k, LEAST)
    return list(zip(key[kept].tolist(), author[kept].tolist(), tweet[kept].tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 30))
def test_thinning_changes_no_sample(seed, k, number):
    rng, tags = random.Random(seed), Tags()
    panes = [build(random_uses(rng, authors=25), tags, at) for at in range(number)]
    thin = thinned(panes, HASHES, k, LEAST)
    for pane, before in zip(thin, panes, strict=True):
        assert np.array_equal(pane.keys, before.keys) and np.array_equal(pane.counts, before.counts)
    for first in range(number):
        assert sampled(thin[first:], k) == sampled(panes[first:], k)


def test_thinned_entries_grow_with_the_logarithm():
    rng, tags = random.Random(1), Tags()
    panes = []
    for at in range(256):
        entries = [Entry(rng.getrandbits(63), rng.getrandbits(40), 9, 0, "", "text 1") for _ in range(8)]
        panes.append(build({("tag", "IN"): (8, entries)}, tags, at))
    kept = [sum(len(pane.author) for pane in thinned(panes[-n:], HASHES, 8, LEAST)) for n in (16, 64, 256)]
    assert kept[0] < 8 * (1 + np.log(16)) * 1.5
    assert kept[2] < 8 * (1 + np.log(256)) * 1.5, "of 2,048"


class Day(WindowHarness):
    """A harness that also remembers published 15-minute panes."""

    def push(self, uses: Uses) -> Pane | None:
        minute = super().push(uses)
        if self.store.completed_quarter is not None:
            self.minutes.append(self.store.completed_quarter)
        return minute

    def minute(self, uses: Uses) -> None:
        """Push a minute with all its uses in the first pane."""
        self.push(uses)
        for _ in range(5):
            self.push({})


def crowd(rng: random.Random) -> Uses:
    """Make uses of one tag by many authors, and of some small tags."""
    entries = [
        Entry(rng.randrange(2**20) * 2**43, rng.randrange(2**40), 9, 0, "", f"text {rng.randrange(99)}")
        for _ in range(rng.randrange(30))
    ]
    return random_uses(rng) | {("tag0", "US"): (len(entries) or 1, entries)}


@pytest.mark.parametrize("seed", range(2))
def test_windows_of_hours_equal_the_obvious_way(seed):
    rng = random.Random(seed)
    windows_ms = [30_000, HOUR_MS, 95 * MINUTE_MS, 2 * HOUR_MS]
    day = Day(windows_ms)
    for number in range(1, 200):
        day.minute(crowd(rng) if rng.random() < 0.8 else {})
        if number % 40 and number != 199:
            continue
        for window_ms in windows_ms[1:]:
            window = day.store.windows[window_ms]
            uses = day.uses[max(0, begins_ms(number * MINUTE_MS, window_ms) // PANE_MS) :]
            assert day.counts(window_ms) == obvious_counts(uses)
            key = day.tags.key("tag0", "US")
            sample = window.sample(np.array([key]))
            expected = obvious_sample(uses, "tag0", "US")
            assert sample.author.tolist() == [entry.author for entry in expected]
            assert sample.tweet.tolist() == [entry.tweet for entry in expected]


def test_windows_of_hours_are_the_same_after_a_recovery():
    rng = random.Random(7)
    day = Day([30_000, 2 * HOUR_MS, 3 * HOUR_MS], floor=3)
    for _ in range(201):
        day.minute(crowd(rng) if rng.random() < 0.8 else {})
    day.push(crowd(rng))
    restarted = day.restarted()
    assert rows(restarted) == rows(day.evidence)
    assert restarted.store.minutes_from_ms == day.store.minutes_from_ms
    spans = [(one.start_ms, one.length_ms) for one in restarted.store.rollups.panes]
    assert spans == [(one.start_ms, one.length_ms) for one in day.store.rollups.panes]
    assert {length_ms for _, length_ms in spans} == {MINUTE_MS, QUARTER_MS}


def test_day_has_few_panes():
    tags = Tags()
    ladder = PaneRollups(HASHES, TailTrimmer(tags, HASHES))
    one = build({("tag", "IN"): (1, [Entry(1, 1, 9, 0, "", "text 1")])}, tags)
    for minute in range(25 * 60):
        end_ms = (minute + 1) * MINUTE_MS
        ladder.panes.append(merge_panes([one], minute * MINUTE_MS, HASHES))
        ladder.drop_before(begins_ms(end_ms, 24 * HOUR_MS))
        ladder.merge_oldest(end_ms)
        assert len(ladder.panes) <= 75 + 93
    assert all(pane.length_ms == QUARTER_MS for pane in ladder.panes if pane.end_ms <= end_ms - FINE_MS - QUARTER_MS)
    assert sum(int(pane.counts.sum()) for pane in ladder.panes) == 24 * 60


def test_reset_window_counts_the_difference():
    tags, rng = Tags(), random.Random(3)
    panes = [build(random_uses(rng), tags, at) for at in range(6)]
    window = SlidingWindow(MINUTE_MS, HASHES)
    for pane in panes:
        window.push(pane)
    before = counts_of(window.counts)
    merged = merge_panes(panes[:3], 0, HASHES)
    window.reset_to([merged, *panes[3:]])
    assert counts_of(window.counts) == before and len(window.panes) == 4
    smaller = merge_panes(panes[:2], 0, HASHES, length_ms=30_000)
    window.reset_to([smaller, *panes[3:]])
    gone = obvious_counts([{scope: (int(sent[0]), []) for scope, sent in content(panes[2], tags).items()}])
    names = {tags.key(*scope): count for scope, count in gone.items()}
    after = counts_of(window.counts)
    assert {key: after.get(key, 0) + names.get(key, 0) for key in before} == before


def test_store_without_long_windows_has_no_quarters():
    store = WindowStore(HASHES)
    store.arrange([30_000, HOUR_MS], 1)
    tags = Tags()
    for number in range(6 * 150):
        store.push(build({("tag", "IN"): (1, [Entry(1, 1, 9, 0, "", "text 1")])}, tags, number))
        assert store.completed_quarter is None
    assert len(store.rollups.panes) == 60
