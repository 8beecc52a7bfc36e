"""The trend counter against a naive count, the ranking and the score."""

from __future__ import annotations

import doctest
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surfaces.trending import score
from surfaces.trending.counter import WORLD, TrendCounter
from surfaces.trending.score import trending_score, velocity

T0 = 1_700_000_000_000


def test_doctests() -> None:
    assert doctest.testmod(score).failed == 0


tweets = st.lists(
    st.tuples(
        st.integers(0, 30_000),  # arrival, after T0
        st.integers(-15_000, 3_000),  # log time against arrival
        st.sampled_from(["IN", "US", ""]),
        st.sets(st.sampled_from("abcd"), min_size=1),
        st.sampled_from([None, 0, 700, 12_000]),  # deletion, after the arrival
    ),
    max_size=60,
)


@given(tweets, st.integers(0, 20_000))
def test_counts_equal_naive_counts(drawn: list[tuple[int, int, str, set[str], int | None]], after_ms: int) -> None:
    window, recent = 10, 4
    counter = TrendCounter(window_seconds=window, recent_seconds=recent, min_tweets=1)
    naive: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    events = [(arrival, 1, arrival + shift, country, tags) for arrival, shift, country, tags, _ in drawn]
    events += [
        (at + gone, -1, at + shift, country, tags) for at, shift, country, tags, gone in drawn if gone is not None
    ]
    events.sort(key=lambda event: event[0])
    for arrival, count, shifted, country, hashtags in events:
        now_ms, made_ms = T0 + arrival, T0 + shifted
        if count > 0:
            counter.add(country, [(tag, tag.upper()) for tag in sorted(hashtags)], made_ms, now_ms)
        else:
            counter.subtract(country, sorted(hashtags), made_ms, now_ms)
        for scope in {WORLD, country} - {""}:
            for tag in hashtags:
                slots = naive[scope, tag]
                slots[:] = sorted(slot for slot in slots if slot > now_ms // 1000 - window)
                if count > 0 and min(made_ms, now_ms) // 1000 > now_ms // 1000 - window:
                    slots.append(min(made_ms, now_ms) // 1000)
                later = [slot for slot in sorted(slots) if slot >= made_ms // 1000]
                if count < 0 and later:
                    slots.remove(later[0])
    end_ms = T0 + max((event[0] for event in events), default=0) + after_ms
    counter.advance(end_ms)
    now_slot = end_ms // 1000
    for scope in (WORLD, "IN", "US"):
        for tag in "abcd":
            alive = [slot for slot in naive[scope, tag] if slot > now_slot - window]
            found = counter.find(scope, tag)
            assert (found.tweets if found else 0) == len(alive)
            assert counter.series(scope, tag, window, 1) == [
                alive.count(now_slot - window + 1 + i) for i in range(window)
            ]
            if found:
                recent_tweets = sum(slot > now_slot - recent for slot in alive)
                assert found.velocity == velocity(len(alive), recent_tweets, recent, counter.observed_seconds)
        ranked = counter.ranking(scope, 10)
        assert [trend.score for trend in ranked] == sorted((trend.score for trend in ranked), reverse=True)
        assert {trend.hashtag for trend in ranked} == {
            tag for tag in "abcd" if any(slot > now_slot - window for slot in naive[scope, tag])
        }


def test_all_state_is_dropped_after_the_window() -> None:
    counter = TrendCounter(window_seconds=10, recent_seconds=4)
    for i in range(50):
        counter.add("IN", [(f"t{i % 5}", "T")], T0 + i * 100, T0 + i * 100)
    counter.advance(T0 + 60_000)
    assert counter.ranking("IN", 10) == [] and counter.find(WORLD, "t1") is None and counter.countries() == []
    assert not counter._touched and not any(counter._tags.values()) and not any(counter._candidates.values())


def test_fast_growing_tag_enters_top_ten_within_seconds() -> None:
    counter = TrendCounter()
    for second in range(300):
        for tag in range(30):  # steady tags, of 1 to 4 tweets a second
            for _ in range(1 + tag % 4):
                counter.add("IN", [(f"steady{tag}", "Steady")], T0 + second * 1000, T0 + second * 1000)
    for second in range(300, 306):
        for tag in range(30):
            for _ in range(1 + tag % 4):
                counter.add("IN", [(f"steady{tag}", "Steady")], T0 + second * 1000, T0 + second * 1000)
        for _ in range(3):
            counter.add("IN", [("new", "New")], T0 + second * 1000, T0 + second * 1000)
    assert "new" in [trend.hashtag for trend in counter.ranking("IN", 10)]
    assert "new" not in [trend.hashtag for trend in counter.ranking("US", 10)]


def test_steady_tags_rank_by_volume_and_fading_ones_fall() -> None:
    assert trending_score(600, 15, 15, 600) > trending_score(60, 2, 15, 600) >= trending_score(60, 0, 15, 600)
    assert trending_score(6000, 0, 15, 600) < trending_score(2000, 50, 15, 600)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 600))
def test_velocity_is_positive_and_rises_with_recent_tweets(past: int, recent: int, observed: int) -> None:
    slower, faster = (velocity(past + now, now, 15, observed) for now in (recent, recent + 1))
    assert 0 < slower <= faster


def test_commonest_spelling_is_displayed() -> None:
    counter = TrendCounter(min_tweets=3)
    for display in ("Diwali", "DIWALI", "Diwali"):
        counter.add("IN", [("diwali", display)], T0, T0)
    assert counter.ranking("IN", 1)[0].display == "Diwali"


def test_new_marks_tags_that_began_while_counting() -> None:
    counter = TrendCounter(min_tweets=1)
    for name, second in (("first", 0), ("second", 20), ("third", 85)):
        counter.add("IN", [(name, name)], T0 + second * 1000, T0 + second * 1000)
        assert [t.hashtag for t in counter.ranking("IN", 9) if t.new] == ([name] if second else [])
    counter.advance(T0 + 100_000)
    assert [t.hashtag for t in counter.ranking("IN", 9) if t.new] == ["third"]


def test_with_prefix_finds_most_used_first() -> None:
    counter = TrendCounter(min_tweets=3)
    for name, count in (("mumbai", 5), ("mumbaiindians", 9), ("music", 7), ("मुंबई", 4)):
        for _ in range(count):
            counter.add("IN", [(name, name)], T0, T0)
    assert [t.hashtag for t in counter.with_prefix("IN", "mu", 2)] == ["mumbaiindians", "music"]
    assert [t.hashtag for t in counter.with_prefix("IN", "mumbai", 5)] == ["mumbaiindians", "mumbai"]
    assert [t.hashtag for t in counter.with_prefix("IN", "मु", 5)] == ["मुंबई"]
    assert counter.with_prefix("IN", "zz", 5) == [] and counter.with_prefix("FR", "m", 5) == []
    assert len(counter.with_prefix(WORLD, "", 5)) == 4


def test_flood_of_distinct_tags_is_bounded_and_keeps_ranked_ones() -> None:
    counter = TrendCounter(max_tags=100, min_tweets=3)
    for _ in range(5):
        counter.add("", [("kept", "Kept")], T0, T0)
    for i in range(10_000):
        counter.add("", [(f"flood{i}", "Flood")], T0 + i * 10, T0 + i * 10)
    assert len(counter._tags[WORLD]) <= 100 and counter.tags_refused > 0
    assert sum(len(touched) for touched in counter._touched.values()) <= 2 * 100
    found = counter.find(WORLD, "kept")
    assert found is not None and found.tweets == 5


def test_invalid_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="recent_seconds"):
        TrendCounter(window_seconds=10, recent_seconds=10)
