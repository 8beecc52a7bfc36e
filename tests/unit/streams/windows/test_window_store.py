"""The windows of one shard: short ones advance by the pane, long ones by the minute."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import MINUTE_MS, PANE_MS, SHORT_WINDOW_MS
from streams.windows.window_store import WindowStore
from tests.support.block_counts import Entry
from tests.support.panes import HASHES, Uses, build, content, obvious_counts, random_uses
from tests.support.windows import WindowHarness, one_use


def test_last_pane_of_minute_returns_minute_pane():
    harness = WindowHarness([30_000])
    assert [harness.push(one_use(number)) for number in range(1, 6)] == [None] * 5
    minute = harness.push(one_use(6))
    assert minute is not None and (minute.start_ms, minute.length_ms) == (0, MINUTE_MS)
    assert content(minute, harness.tags)["tag0", "IN"][0] == 21
    assert [harness.push({}) for _ in range(6)] == [None] * 6, "a minute without tweets"
    harness.push(one_use(1))
    last = harness.store.close_minute()
    assert last is not None and last.start_ms == 2 * MINUTE_MS, "the end of a log completes the minute that has begun"


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_window_counts_equal_those_of_its_panes(seed):
    rng = random.Random(seed)
    windows_ms = [30_000, 2 * MINUTE_MS, 16 * MINUTE_MS, 18 * MINUTE_MS]
    harness = WindowHarness(windows_ms)
    for number in range(1, 130):
        harness.push(random_uses(rng) if rng.random() < 0.3 else {})
        if number % 23 and number != 121:
            continue
        for window_ms in windows_ms:
            end = number if window_ms <= SHORT_WINDOW_MS else number // 6 * 6
            expected = obvious_counts(harness.uses[max(0, end - window_ms // PANE_MS) : end])
            assert harness.counts(window_ms) == expected
    assert harness.store.rollups.panes[0].start_ms >= harness.store.minutes_from_ms == 3 * MINUTE_MS
    assert harness.store.short_panes[0].end_ms > 129 * PANE_MS - SHORT_WINDOW_MS


def test_short_windows_expire_before_a_tick_settles():
    harness = WindowHarness([30_000])
    for number in range(1, 4):
        harness.push(one_use(number))
    assert harness.counts(30_000)["tag0", "*"] == 6
    harness.store.expire_short(40_000)
    assert harness.counts(30_000)["tag0", "*"] == 5


def test_new_windows_are_filled_from_kept_panes():
    harness = WindowHarness([30_000, 16 * MINUTE_MS])
    for number in range(20 * 6):
        harness.push(one_use(1 + number % 3))
    store = harness.store
    kept = store.windows[30_000]
    store.arrange([30_000, 16 * MINUTE_MS], 9)
    assert store.windows[30_000] is kept and kept.floor == 9, "the same lengths keep their windows"

    store.arrange([MINUTE_MS, 18 * MINUTE_MS], 5)
    assert sorted(store.windows) == [MINUTE_MS, 18 * MINUTE_MS]
    assert store.shortest is store.windows[MINUTE_MS]
    assert store.longest is store.windows[18 * MINUTE_MS]
    assert harness.counts(MINUTE_MS) == obvious_counts(harness.uses[-6:])
    assert harness.counts(18 * MINUTE_MS) == obvious_counts(harness.uses[-16 * 6 :]), "no older pane was kept"
    for _ in range(6):
        harness.push(one_use(1))
    assert harness.counts(18 * MINUTE_MS) == obvious_counts(harness.uses[-17 * 6 :])


@pytest.mark.parametrize(("tick_ms", "expired"), [(None, 0), (30_000, 0), (40_000, 1), (60_000, 3)])
def test_panes_before_an_early_window_are_expired(tick_ms, expired):
    harness = WindowHarness([30_000, 16 * MINUTE_MS])
    for number in range(1, 4):
        harness.push(one_use(number))
    assert harness.store.count_expired(harness.store.windows[30_000], tick_ms) == expired
    assert harness.store.count_expired(harness.store.windows[16 * MINUTE_MS], tick_ms) == 0


def test_displays_come_from_the_shortest_window_that_has_any():
    harness = WindowHarness([30_000, 10 * MINUTE_MS])
    key = harness.tags.key("tag0", "*")
    harness.push({("tag0", "IN"): (1, [Entry(1, 1, 1, 0, "TAG0", "text 1")])})
    for _ in range(4):
        harness.push({})
    assert harness.store.displays(key) == ["TAG0"]
    harness.push(one_use(1))
    assert harness.store.displays(key) == ["tag0"]
    uses: Uses = {("tag0", "US"): (1, [Entry(1, 1, 1, 0, "Tag0", "text 1")])}
    newest = build(uses, harness.tags, 9)
    assert sorted(harness.store.displays(key, newest.displays_of(key))) == ["Tag0", "tag0"]
    assert WindowStore(HASHES).displays(key) == []
