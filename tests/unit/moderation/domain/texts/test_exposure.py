"""Texts that a person has opened in a shift: counted once, from the log, and never beyond the limit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.texts.exposure import SHIFT_MS, ExposureFold
from moderation.domain.texts.readings import TextReading
from moderation.domain.texts.shown_text import NO_POSITION
from moderation.log.errors import ExposureLimit
from streams.constants import HOUR_MS
from streams.settings import Settings
from tests.support.moderation_world import World


def reading(actor: str, at_ms: int, *tweets: str, case: str = "case-1") -> TextReading:
    return TextReading(id="a", hashtag="tag", case=case, tweets=tweets, actor=actor, reason="r", at_ms=at_ms)


def limited(limit: int) -> World:
    return World(settings=Settings(texts_per_shift=limit))


async def open_texts(world: World, *tweets: str, case: str = "case-1", actor: str = "ann") -> None:
    at = [NO_POSITION] * len(tweets)
    await world.texts.read("tag", tweets, at, actor=actor, purpose="review", case=case)


async def test_next_opening_beyond_the_limit_is_refused_whole() -> None:
    world = limited(3)
    await open_texts(world, "1", "2")
    with pytest.raises(
        ExposureLimit, match="opened 2 texts within 8 hours; 2 more would exceed the limit of 3"
    ) as found:
        await open_texts(world, "3", "4")
    assert found.value.fix == "open at most 1 now: --tweet ID"
    assert len(world.log.records) == 1, "nothing of it was opened"
    await open_texts(world, "3")
    with pytest.raises(ExposureLimit) as found:
        await open_texts(world, "4")
    assert found.value.next_ms == world.now_ms + SHIFT_MS
    await open_texts(world, "1", "2", "3")
    assert len(world.log.records) == 2, "texts of this shift can be read again"


async def test_limit_ends_as_the_oldest_opening_leaves_the_shift() -> None:
    world = limited(2)
    await open_texts(world, "1")
    begin_ms = world.now_ms
    world.now_ms += HOUR_MS
    await open_texts(world, "2")
    world.now_ms = begin_ms + SHIFT_MS - 1
    assert (await world.texts.exposure("ann")).next_ms == begin_ms + SHIFT_MS
    with pytest.raises(ExposureLimit):
        await open_texts(world, "3")
    world.now_ms += 1
    await open_texts(world, "3")
    assert (await world.texts.exposure("ann")).opened == 2


async def test_restart_and_look_alike_name_do_not_reset_the_count() -> None:
    world = limited(2)
    await open_texts(world, "1", "2")
    world = world.another()
    for actor in ("ann", "Аnn"):
        with pytest.raises(ExposureLimit):
            await open_texts(world, "3", actor=actor)
    await open_texts(world, "3", actor="bob")


async def test_same_tweet_in_another_case_is_recorded_and_counts_once() -> None:
    world = limited(1)
    await open_texts(world, "1")
    await open_texts(world, "1", case="case-2")
    assert len(world.log.records) == 2
    assert (await world.texts.exposure("ann")).opened == 1
    assert await world.texts.opened("ann", "tag", "case-2") == {"1"}
    assert await world.texts.opened("ann", "tag", "case-3") == set()


async def test_text_is_recorded_again_in_the_next_shift() -> None:
    world = limited(0)
    await open_texts(world, "1")
    world.now_ms += SHIFT_MS
    await open_texts(world, "1")
    assert len(world.log.records) == 2
    exposure = await world.texts.exposure("ann")
    assert (exposure.opened, exposure.left, exposure.next_ms) == (1, None, 0)


def test_team_total_sums_the_people() -> None:
    fold = ExposureFold()
    for actor in ("ann", "bob", "zoe"):
        fold.apply(reading(actor, 5, "1", "2"))
    fold.apply(reading("ann", 6, "1", case="case-2"))
    assert (fold.team(10).people, fold.team(10).opened) == (3, 6)
    assert fold.team(10 + SHIFT_MS).people == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 3 * HOUR_MS), st.sampled_from("123"), st.sampled_from("xy"))
    ),
    st.lists(st.integers(0, 30 * HOUR_MS), max_size=3),
)
def test_fold_equals_the_obvious_way(steps: Sequence[tuple[str, int, str, str]], looks: Sequence[int]) -> None:
    fold, records, at_ms = ExposureFold(), list[TextReading](), 0
    for actor, wait_ms, tweet, case in steps:
        at_ms += wait_ms
        fold.expire(at_ms)
        records.append(reading(actor, at_ms, tweet, case=case))
        fold.apply(records[-1])
    for later_ms in sorted(looks):
        now_ms = at_ms + later_ms
        fold.expire(now_ms)
        for actor in "ab":
            mine = [one for one in records if one.actor == actor and one.at_ms > now_ms - SHIFT_MS]
            assert fold.times(actor, now_ms) == {
                tweet: max(one.at_ms for one in mine if tweet in one.tweets) for one in mine for tweet in one.tweets
            }
            for case in "xy":
                opened = {tweet for one in mine if one.case == case for tweet in one.tweets}
                assert fold.opened(actor, "tag", case, now_ms) == opened
