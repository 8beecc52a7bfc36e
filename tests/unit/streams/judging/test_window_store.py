"""Windows of one shard: short ones by the pane, long ones by the minute, the same after a restart."""

from __future__ import annotations

import random
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import MINUTE_MS, PANE_MS
from streams.counting.keys import Tags
from streams.counting.retractions import Rows
from streams.counting.sketch import KeyedHash
from streams.judging.window_store import SHORT_MS, Views
from streams.windows.pane import Pane, empty_pane
from tests.support.block_counts import Entry
from tests.unit.streams.windows.test_pane import COLUMNS, Uses, build, content, random_uses
from tests.unit.streams.windows.test_window import obvious_counts

HASHES = KeyedHash(b"k")
MINUTES = MINUTE_MS


class Shard:
    """Views that are pushed pane after pane, with all that was said."""

    def __init__(self, windows_ms: list[int], *, floor: int = 1, burst_min_past: int = 1) -> None:
        self.tags = Tags()
        self.views = Views(HASHES, COLUMNS)
        self.arrangement = (windows_ms, floor, 30, burst_min_past)
        self.views.arrange(*self.arrangement)
        self.said: list[Uses] = []
        self.panes: list[Pane] = []
        self.minutes: list[Pane] = []

    def push(self, uses: Uses) -> Pane | None:
        pane = (
            build(uses, self.tags, len(self.said)) if uses else empty_pane(len(self.said) * PANE_MS, PANE_MS, COLUMNS)
        )
        self.said.append(uses)
        self.panes.append(pane)
        minute = self.views.push(pane)
        self.minutes += [minute] if minute is not None else []
        return minute

    def restarted(self) -> Views:
        """As a successor has them: from what was written, and the settled tick."""
        views = Views(HASHES, COLUMNS)
        panes = [pane for pane in self.panes if len(pane.keys)]
        views.read_back(panes, self.minutes, self.views.end_ms, self.views.minutes_from_ms)
        views.arrange(*self.arrangement)
        return views

    def counts(self, windows_ms: int) -> dict[tuple[str, str], int]:
        window = self.views.windows[windows_ms]
        names = {
            self.tags.key(f"tag{n}", country): (f"tag{n}", country) for n in range(4) for country in ("IN", "US", "*")
        }
        return {names[key]: count for key, count in window.counts.to_dict().items()}


def rows(views: Views) -> dict[int, list[object]]:
    """The evidence tables, column by column."""
    tables = views.tables()
    return {
        window_ms: [
            np.nan_to_num(value, nan=-1.0).tolist() if isinstance(value, np.ndarray) else value
            for value in (getattr(tables[window_ms], one.name) for one in fields(tables[window_ms]))
        ]
        for window_ms in sorted(tables)
    }


def one_use(count: int, tag: str = "tag0") -> Uses:
    return {(tag, "IN"): (count, [Entry(count, count, 5, 0, "", f"text {count}")])}


def test_a_minute_pane_comes_with_the_last_pane_of_its_minute():
    shard = Shard([30_000])
    assert [shard.push(one_use(number)) for number in range(1, 6)] == [None] * 5
    minute = shard.push(one_use(6))
    assert minute is not None and (minute.start_ms, minute.length_ms) == (0, MINUTE_MS)
    assert content(minute, shard.tags)["tag0", "IN"][0] == 21
    assert [shard.push({}) for _ in range(6)] == [None] * 6, "a minute in which nothing was said"
    shard.push(one_use(1))
    last = shard.views.close_minute()
    assert last is not None and last.start_ms == 2 * MINUTE_MS, "the end of a log completes the minute that has begun"


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_windows_count_the_last_panes_or_the_last_whole_minutes(seed):
    rng = random.Random(seed)
    windows_ms = [30_000, 2 * MINUTES, 16 * MINUTES, 18 * MINUTES]
    shard = Shard(windows_ms)
    for number in range(1, 130):
        shard.push(random_uses(rng) if rng.random() < 0.3 else {})
        if number % 23 and number != 121:
            continue
        for window_ms in windows_ms:
            end = number if window_ms <= SHORT_MS else number // 6 * 6
            assert shard.counts(window_ms) == obvious_counts(shard.said[max(0, end - window_ms // PANE_MS) : end])
    assert shard.views.ladder.panes[0].start_ms >= shard.views.minutes_from_ms == 21 * MINUTES - 18 * MINUTES
    assert shard.views.short_panes[0].end_ms > 129 * PANE_MS - SHORT_MS


def test_panes_are_expired_before_a_tick_settles_and_after():
    shard = Shard([30_000])
    for number in range(1, 4):
        shard.push(one_use(number))
    assert shard.counts(30_000)["tag0", "*"] == 6
    shard.views.expire_short(40_000)
    assert shard.counts(30_000)["tag0", "*"] == 5


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(60, 80))
def test_after_a_restart_every_table_is_the_same(seed, ticks):
    rng = random.Random(seed)
    shard = Shard([30_000, 2 * MINUTES, 16 * MINUTES], floor=3)
    for _ in range(ticks):
        shard.push(random_uses(rng) if rng.random() < 0.4 else {})
    restarted = shard.restarted()
    assert rows(restarted) == rows(shard.views)
    assert restarted.minutes_from_ms == shard.views.minutes_from_ms
    uses = random_uses(rng)
    for views in (restarted, shard.views):
        for number in range(ticks, ticks + 7):
            views.expire_short((number + 1) * PANE_MS)
            views.push(build(uses, shard.tags, number))
    assert [pane.start_ms for pane in restarted.ladder.panes] == [pane.start_ms for pane in shard.views.ladder.panes]
    assert rows(restarted) == rows(shard.views)


def test_after_a_restart_within_a_minute_the_burst_of_a_long_window_is_the_same():
    shard = Shard([16 * MINUTES, 60 * MINUTES], floor=1)
    for number in range(34 * 6 + 3):
        shard.push(one_use(1 + number % 5))
        shard.views.tables()  # as a judge does at every tick
    running, restarted = rows(shard.views), rows(shard.restarted())
    assert running[16 * MINUTES][7] != [-1.0] * 2, "it has a past"
    assert restarted == running


def test_a_policy_with_other_windows_rearranges_them():
    shard = Shard([30_000, 16 * MINUTES])
    for number in range(20 * 6):
        shard.push(one_use(1 + number % 3))
    kept = shard.views.windows[30_000]
    shard.views.arrange([30_000, 16 * MINUTES], 9, 30, 1)
    assert shard.views.windows[30_000] is kept and kept.floor == 9, "the same windows are kept as they are"

    shard.views.arrange([MINUTES, 18 * MINUTES], 5, 30, 1)
    assert sorted(shard.views.windows) == [MINUTES, 18 * MINUTES]
    assert shard.views.shortest is shard.views.windows[MINUTES]
    assert shard.views.longest is shard.views.windows[18 * MINUTES]
    assert shard.counts(MINUTES) == obvious_counts(shard.said[-6:])
    assert shard.counts(18 * MINUTES) == obvious_counts(shard.said[-16 * 6 :]), "no more than was kept"
    for _ in range(6):
        shard.push(one_use(1))
    assert shard.counts(18 * MINUTES) == obvious_counts(shard.said[-17 * 6 :])


def test_a_successor_has_no_more_of_the_past_than_its_predecessor_kept():
    """Else a policy with longer windows, live from the next tick on, would be judged differently after a restart."""
    shard = Shard([30_000])
    for number in range(10 * 6 + 2):
        shard.push(one_use(1 + number % 3))
    restarted = shard.restarted()
    for views in (shard.views, restarted):
        views.arrange([30_000, 20 * MINUTES], 1, 30, 1)
    assert rows(restarted) == rows(shard.views)


@pytest.mark.parametrize("begin", range(6))
def test_a_burst_is_the_same_wherever_in_the_minute_it_begins(begin):
    """The longest window ends with a whole minute, and a short one counts on."""
    shard, said = Shard([2 * MINUTES, 10 * MINUTES], burst_min_past=12), []
    key = shard.tags.key("tag0", "*")
    for number in range(10 * 6 + begin + 6):
        said.append(20 if number >= 10 * 6 + begin else 2)
        shard.push(one_use(said[-1]))
        if number >= 10 * 6:
            table = shard.views.tables()[2 * MINUTES]
            first = max(0, len(said) // 6 * 6 - 60)
            past = said[first:-12]
            assert table.burst[table.find(key)] == pytest.approx((sum(said[-12:]) / 12) / (sum(past) / len(past)))


def test_burst_is_the_rate_against_the_past_in_the_longest_window():
    shard = Shard([MINUTES, 10 * MINUTES], burst_min_past=12)
    key = shard.tags.key("tag0", "*")

    def burst() -> float:
        table = shard.views.tables()[MINUTES]
        return float(table.burst[table.find(key)])

    for _ in range(6):
        shard.push(one_use(1))
    assert np.isnan(burst()), "no past: the window is all there is"
    for _ in range(6):
        shard.push(one_use(5))
    assert np.isnan(burst()), "6 tweets are too little of a past"
    for _ in range(6):
        shard.push(one_use(7))
    assert burst() == pytest.approx((42 / 1) / (36 / 2))
    assert np.isnan(shard.views.tables()[10 * MINUTES].burst).all(), "the longest has no past of its own"
    for _ in range(9 * 6):
        shard.push({})
    for _ in range(6):
        shard.push(one_use(4))
    assert np.isnan(burst()), "what no window holds any more is forgotten"


def test_spellings_come_from_the_shortest_window_that_has_any():
    shard = Shard([30_000, 10 * MINUTES])
    key = shard.tags.key("tag0", "*")
    shard.push({("tag0", "IN"): (1, [Entry(1, 1, 1, 0, "TAG0", "text 1")])})
    for _ in range(4):
        shard.push({})
    assert shard.views.displays(key) == ["TAG0"]
    shard.push(one_use(1))
    assert shard.views.displays(key) == ["tag0"]
    newest = build({("tag0", "US"): (1, [Entry(1, 1, 1, 0, "Tag0", "text 1")])}, shard.tags, 9)
    assert sorted(shard.views.displays(key, newest.displays_of(key))) == ["Tag0", "tag0"]
    assert Views(HASHES, COLUMNS).displays(key) == []


def test_an_early_look_adds_what_has_not_settled():
    shard = Shard([30_000])
    shard.push(one_use(5))
    key, window = shard.tags.key("tag0", "*"), shard.views.windows[30_000]
    extra = build({("tag0", "US"): (2, [Entry(77, 1, 1, 0, "", "text 1")])}, shard.tags, 1)
    table = shard.views.table(window, np.array([key]), [extra])
    assert (table.tweets.tolist(), table.authors.tolist()) == ([7], [2])


def retract(views: Views, tags: Tags, *rows: tuple[str, str, int, int, int]) -> None:
    """(hashtag, country, pane, tweet, pane heard)"""
    columns = zip(*((tags.key(tag, country), *numbers) for tag, country, *numbers in rows), strict=True)
    views.retracted.recover(Rows(*(np.array(column, np.int64) for column in columns)), 1 << 40)


def test_no_count_falls_below_nothing():
    shard = Shard([60_000])
    shard.push(one_use(2))
    retract(shard.views, shard.tags, *(("tag0", "IN", 0, tweet, 0) for tweet in (901, 902, 903)))
    keys = np.array([shard.tags.key("tag0", country) for country in ("*", "IN", "US")])
    window = shard.views.windows[60_000]
    assert shard.views.less_retracted(window.counts.of(keys), window, keys).tolist() == [0, 0, 0]
    assert not len(shard.views.tables()[60_000].keys)


def test_after_a_restart_within_a_minute_a_long_window_leaves_out_what_was_retracted_since():
    """It is judged as of its last whole minute, then and now; a short one as of its last pane."""
    long_ms = SHORT_MS + MINUTES
    shard = Shard([60_000, long_ms])
    for _ in range(6):
        shard.push(one_use(10))
    retract(shard.views, shard.tags, ("tag0", "IN", 3, 901, 5), ("tag0", "IN", 3, 902, 6), ("tag0", "IN", 3, 903, 7))
    shard.views.tables()
    shard.push(one_use(10))
    after = shard.restarted()
    retract(after, shard.tags, ("tag0", "IN", 3, 901, 5), ("tag0", "IN", 3, 902, 6), ("tag0", "IN", 3, 903, 7))
    key = shard.tags.key("tag0", "IN")
    for views in (shard.views, after):
        tables = views.tables()
        assert [int(tables[one].tweets[tables[one].find(key)]) for one in (60_000, long_ms)] == [58, 59]
