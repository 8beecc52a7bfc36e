"""Stories by kind (campaigns, floods, counter-speech), activity rates and author pools."""

from __future__ import annotations

import dataclasses
import doctest
from collections import Counter, defaultdict
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.simulation import countries, dice
from devkit.simulation.config import DEFAULT_START_MS
from devkit.simulation.countries import BY_CODE, COUNTRIES, activity
from devkit.simulation.faults import NO_FAULTS
from devkit.simulation.payloads import common
from devkit.simulation.people import AuthorPool
from devkit.simulation.run import Simulation
from devkit.simulation.scenario import scenario_config
from devkit.simulation.stories import Story, StoryVolume
from devkit.simulation.texts import LabelledTexts
from models.copies import fingerprints
from streams.events.tweet import Tweet
from tests.support.simulator import LABELLED, NAMES, OWN, read, small


def test_doctests() -> None:
    for module in (countries, dice, common):
        assert doctest.testmod(module).failed == 0


def test_only_campaigns_are_harmful() -> None:
    for seed in range(2):
        run = Simulation(small(seed, minutes=3, rate=40, faults=NO_FAULTS), LabelledTexts(LABELLED, OWN))
        wicked: Counter[str] = Counter()
        whole: Counter[str] = Counter()
        for _, tweet in read(run.lines()):
            for use in tweet.hashtags:
                whole[use.hashtag] += 1
                wicked[use.hashtag] += "wicked" in tweet.text.casefold()
        for tag in run.truth()["tags"]:
            if whole[tag["hashtag"]] < 60:
                continue
            share = wicked[tag["hashtag"]] / whole[tag["hashtag"]]
            if tag["harmful"]:
                assert max(0.62, tag["harmful_share"] - 0.15) < share < tag["harmful_share"] + 0.15, tag
            else:
                assert share < 0.16, tag


def test_campaign_has_young_accounts_and_copies() -> None:
    run = Simulation(small(2, minutes=4, faults=NO_FAULTS))
    plan = next(story for story in run.config.stories if story.kind == "campaign")
    protest = next(story for story in run.config.stories if story.kind == "protest")
    found: defaultdict[str, list[Tweet]] = defaultdict(list)
    for _, tweet in read(run.lines()):
        for use in tweet.hashtags:
            found[use.display].append(tweet)

    def shares(display: str) -> tuple[float, float, float]:
        tweets = found[display]
        authors = {tweet.author_id: tweet for tweet in tweets}
        young = sum(
            run.config.start_ms - (tweet.author_created_at_ms or 0) < 30 * 86_400_000 for tweet in authors.values()
        )
        marks = Counter(fingerprints([tweet.text for tweet in authors.values() if tweet.kind == "tweet"]).tolist())
        copied = sum(n for n in marks.values() if n > 1)
        where = Counter(tweet.country for tweet in tweets if tweet.country)
        return young / len(authors), copied / sum(marks.values()), where[plan.country] / where.total()

    young, copied, home = shares(plan.hashtag)
    assert young > 0.4
    assert copied > 0.4
    assert home > 0.9
    young, copied, _ = shares(protest.hashtag)
    assert young < 0.2
    assert copied < 0.35


def test_bot_flood_has_few_authors() -> None:
    run = Simulation(small(2, minutes=3, faults=NO_FAULTS))
    for _ in run.lines():
        pass
    flood = next(tag for tag in run.truth()["tags"] if tag["kind"] == "bot_flood")
    assert flood["texts"] > 8 * flood["authors"] > 0


def test_counter_speech_uses_and_quotes_campaign() -> None:
    config = small(2, minutes=3, faults=NO_FAULTS)
    campaign = next(story for story in config.stories if story.kind == "campaign")
    counter = next(story for story in config.stories if story.quotes == campaign.hashtag)
    stories = (campaign, dataclasses.replace(counter, per_second=8.0))
    run = Simulation(dataclasses.replace(config, stories=stories))
    tweets = [(tweet.kind, {use.display for use in tweet.hashtags}) for _, tweet in read(run.lines())]
    answers = [tags for _, tags in tweets if counter.hashtag in tags]
    assert 0 < sum(campaign.hashtag in tags for tags in answers) < 0.1 * len(answers)
    assert any(kind == "quote" and counter.hashtag in tags for kind, tags in tweets)


def test_activity_peaks_in_local_evening() -> None:
    for country in COUNTRIES:
        day = [activity(country, hour * 3_600_000) for hour in range(24)]
        assert min(day) > 0
        assert max(day) == pytest.approx(1.0, abs=0.02)
        local = (day.index(max(day)) + country.utc_offset_minutes / 60) % 24
        assert 19 <= local <= 22
    noon = DEFAULT_START_MS
    assert activity(BY_CODE["IN"], noon) > 2 * activity(BY_CODE["US"], noon - 4 * 3_600_000)


def test_activity_follows_daily_curve() -> None:
    india = Simulation(scenario_config(1, NAMES, minutes=1440, rate=4))._backgrounds[0]
    start = DEFAULT_START_MS // 60_000 + 330
    made = {(start // 60 + hour) % 24: len(india.drafts(hour * 3_600_000, 300_000)) for hour in range(24)}
    assert sum(made[hour] for hour in (19, 20, 21, 22)) > 3 * sum(made[hour] for hour in (2, 3, 4, 5)) > 100


@given(st.floats(0, 200), st.integers(0, 1000))
def test_poisson_has_expected_mean(mean: float, seed: int) -> None:
    rng = Random(seed)
    draws = [dice.poisson(rng, mean) for _ in range(200)]
    assert min(draws) >= 0
    assert abs(sum(draws) / 200 - mean) < 6 * (mean / 200) ** 0.5 + 0.2


@given(
    st.sampled_from(["growing", "hump", "pulses", "steady"]),
    st.integers(1, 10**6),
    st.integers(1, 10**7),
    st.integers(),
)
def test_story_volume_is_zero_outside_its_time(course: str, start_ms: int, length_ms: int, seed: int) -> None:
    end_ms = start_ms + length_ms
    story = Story("protest", "A", "protest", "IN", (("en", 1.0),), start_ms, end_ms, 5.0, course, 10)  # type: ignore[arg-type]
    volume = StoryVolume(story, Random(seed))
    assert volume.per_second(start_ms - 1) == volume.per_second(end_ms) == 0
    for at_ms in (start_ms, start_ms + length_ms // 2, end_ms - 1):
        assert 0 < volume.per_second(at_ms) <= 5.0


def test_hashtags_have_a_long_tail() -> None:
    run = Simulation(small(3, minutes=1.5, rate=60, stories=(), faults=NO_FAULTS))
    tweets = [tweet for _, tweet in read(run.lines())]
    uses = Counter(use.hashtag for tweet in tweets if tweet.kind == "tweet" for use in tweet.hashtags)
    assert sum(n == 1 for n in uses.values()) > 0.5 * len(uses)
    assert uses.most_common(1)[0][1] > 0.03 * uses.total()
    assert 0.25 < sum(not tweet.hashtags for tweet in tweets) / len(tweets) < 0.45


def test_author_pool_is_independent_of_draw_order() -> None:
    one, other = (AuthorPool(1, "g", BY_CODE["IN"], 50, 0.5, DEFAULT_START_MS) for _ in range(2))
    assert [one.member(i).id for i in range(50)] == [other.member(i).id for i in reversed(range(50))][::-1]
    young = sum(DEFAULT_START_MS - one.member(i).born_ms < 30 * 86_400_000 for i in range(50))
    assert young == 25


def test_young_accounts_are_below_their_age() -> None:
    pool = AuthorPool(1, "g", BY_CODE["IN"], 50, 1.0, DEFAULT_START_MS, young_days=5)
    ages_ms = [DEFAULT_START_MS - pool.member(number).born_ms for number in range(50)]
    assert 0 < min(ages_ms) < 86_400_000 < 4 * 86_400_000 < max(ages_ms) <= 5.1 * 86_400_000
