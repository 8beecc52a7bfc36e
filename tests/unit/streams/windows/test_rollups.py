"""Panes of long windows, merged by the quarter and thinned: no window counts or samples otherwise for it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import MINUTE_MS, PANE_MS
from streams.counting.keys import Tags
from streams.counting.sketch import smallest_rows
from streams.judging.window_store import Views
from streams.windows.pane import Pane, merge_panes
from streams.windows.rollups import FINE_MS, QUARTER_MS, Ladder, begins_ms, thinned
from streams.windows.window import SlidingWindow
from tests.support.block_counts import Entry
from tests.unit.streams.judging.test_window_store import Shard, rows
from tests.unit.streams.windows.test_pane import COLUMNS, HASHES, Uses, build, content, random_uses
from tests.unit.streams.windows.test_window import obvious_counts, obvious_sample

HOUR_MS = 60 * MINUTE_MS


def sampled(panes: list[Pane], k: int) -> list[tuple[int, int, int]]:
    """What a window over these panes samples: (key, author, tweet)."""
    key = np.concatenate([np.repeat(pane.keys, np.diff(pane.bounds)) for pane in panes])
    author, tweet = (np.concatenate([getattr(pane, name) for pane in panes]) for name in ("author", "tweet"))
    kept = smallest_rows(key, author, HASHES.orders(tweet), k)
    return list(zip(key[kept].tolist(), author[kept].tolist(), tweet[kept].tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 30))
def test_no_window_misses_what_thinned_panes_let_go(seed, k, number):
    rng, tags = random.Random(seed), Tags()
    panes = [build(random_uses(rng, authors=25), tags, at) for at in range(number)]
    thin = thinned(panes, HASHES, k)
    for pane, before in zip(thin, panes, strict=True):
        assert np.array_equal(pane.keys, before.keys) and np.array_equal(pane.counts, before.counts)
    for first in range(number):
        assert sampled(thin[first:], k) == sampled(panes[first:], k)


def test_what_stays_grows_with_the_logarithm():
    rng, tags = random.Random(1), Tags()
    panes = []
    for at in range(256):
        entries = [Entry(rng.getrandbits(63), rng.getrandbits(40), 9, 0, "", "text 1") for _ in range(8)]
        panes.append(build({("tag", "IN"): (8, entries)}, tags, at))
    kept = [sum(len(pane.author) for pane in thinned(panes[-n:], HASHES, 8)) for n in (16, 64, 256)]
    assert kept[0] < 8 * (1 + np.log(16)) * 1.5
    assert kept[2] < 8 * (1 + np.log(256)) * 1.5, "of 2,048"


class Day(Shard):
    """A shard that also keeps the quarters that were written."""

    def push(self, uses: Uses) -> Pane | None:
        minute = super().push(uses)
        if self.views.completed_quarter is not None:
            self.minutes.append(self.views.completed_quarter)
        return minute

    def minute(self, uses: Uses) -> None:
        """A minute in which all is said at once."""
        self.push(uses)
        for _ in range(5):
            self.push({})


def crowd(rng: random.Random) -> Uses:
    """A tag of many authors, and some that are small."""
    entries = [
        Entry(rng.randrange(2**20) * 2**43, rng.randrange(2**40), 9, 0, "", f"text {rng.randrange(99)}")
        for _ in range(rng.randrange(30))
    ]
    return random_uses(rng) | {("tag0", "US"): (len(entries) or 1, entries)}


@pytest.mark.parametrize("seed", range(2))
def test_windows_of_hours_count_and_sample_what_lies_in_them(seed):
    rng = random.Random(seed)
    windows_ms = [30_000, HOUR_MS, 95 * MINUTE_MS, 2 * HOUR_MS]
    day = Day(windows_ms)
    for number in range(1, 200):
        day.minute(crowd(rng) if rng.random() < 0.8 else {})
        if number % 40 and number != 199:
            continue
        for window_ms in windows_ms[1:]:
            window = day.views.windows[window_ms]
            said = day.said[max(0, begins_ms(number * MINUTE_MS, window_ms) // PANE_MS) :]
            assert day.counts(window_ms) == obvious_counts(said)
            key = day.tags.key("tag0", "US")
            sample = window.sample(np.array([key]))
            expected = obvious_sample(said, "tag0", "US")
            assert sample.author.tolist() == [entry.author for entry in expected]
            assert sample.tweet.tolist() == [entry.tweet for entry in expected]


@pytest.mark.parametrize("written", [True, False], ids=["quarters written", "by a version that wrote none"])
def test_after_a_restart_the_windows_of_hours_are_the_same(written):
    rng = random.Random(7)
    day = Day([30_000, 2 * HOUR_MS, 3 * HOUR_MS], floor=3)
    for _ in range(201):
        day.minute(crowd(rng) if rng.random() < 0.8 else {})
    day.push(crowd(rng))
    if not written:
        day.minutes = [one for one in day.minutes if one.length_ms == MINUTE_MS]
    restarted = day.restarted()
    assert rows(restarted) == rows(day.views)
    assert restarted.minutes_from_ms == day.views.minutes_from_ms
    spans = [(one.start_ms, one.length_ms) for one in restarted.ladder.panes]
    assert spans == [(one.start_ms, one.length_ms) for one in day.views.ladder.panes]
    assert {length_ms for _, length_ms in spans} == {MINUTE_MS, QUARTER_MS}


def test_a_day_is_a_few_panes():
    ladder, tags = Ladder(HASHES, COLUMNS), Tags()
    one = build({("tag", "IN"): (1, [Entry(1, 1, 9, 0, "", "text 1")])}, tags)
    for minute in range(25 * 60):
        end_ms = (minute + 1) * MINUTE_MS
        ladder.panes.append(merge_panes([one], minute * MINUTE_MS, COLUMNS, HASHES))
        ladder.drop_before(begins_ms(end_ms, 24 * HOUR_MS))
        ladder.age(end_ms)
        assert len(ladder.panes) <= 75 + 93
    assert all(pane.length_ms == QUARTER_MS for pane in ladder.panes if pane.end_ms <= end_ms - FINE_MS - QUARTER_MS)
    assert sum(int(pane.counts.sum()) for pane in ladder.panes) == 24 * 60


def test_a_window_that_holds_other_panes_instead_counts_the_difference():
    tags, rng = Tags(), random.Random(3)
    panes = [build(random_uses(rng), tags, at) for at in range(6)]
    window = SlidingWindow(MINUTE_MS, PANE_MS, HASHES)
    for pane in panes:
        window.push(pane)
    before = window.counts.to_dict()
    merged = merge_panes(panes[:3], 0, COLUMNS, HASHES)
    window.hold([merged, *panes[3:]])
    assert window.counts.to_dict() == before and len(window.panes) == 4
    smaller = merge_panes(panes[:2], 0, COLUMNS, HASHES, length_ms=30_000)
    window.hold([smaller, *panes[3:]])
    gone = obvious_counts([{scope: (int(told[0]), []) for scope, told in content(panes[2], tags).items()}])
    names = {tags.key(*scope): count for scope, count in gone.items()}
    after = window.counts.to_dict()
    assert {key: after.get(key, 0) + names.get(key, 0) for key in before} == before


def test_views_without_long_windows_keep_no_quarters():
    views = Views(HASHES, COLUMNS)
    views.arrange([30_000, HOUR_MS], 1, 30, 1)
    tags = Tags()
    for number in range(6 * 150):
        views.push(build({("tag", "IN"): (1, [Entry(1, 1, 9, 0, "", "text 1")])}, tags, number))
        assert views.completed_quarter is None
    assert len(views.ladder.panes) == 60
