"""Preset `demo`: a five-minute schedule of stories, repeated with new hashtags."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from devkit.simulation.config import DEFAULT_START_MS, SimulationConfig
from devkit.simulation.countries import BY_CODE
from devkit.simulation.dice import stream
from devkit.simulation.stories import Story, UniqueNames
from devkit.simulation.texts import TagNames

LEAST_RATE = 40.0
"""Minimum tweets a second: the stories alone need nearly as many."""

_EPISODE_MS = 5 * 60_000
_SHORTEST_MS = 30_000
_EN = (("en", 1.0),)


def demo_config(
    names: TagNames,
    *,
    seed: int = 7,
    rate: float = 60.0,
    hours: float = 24.0,
    start_ms: int = DEFAULT_START_MS,
    partitions: int = 4,
) -> SimulationConfig:
    """Configure the demo: a campaign in India begins after 20 s, at 4 tweets a second and growing.

    Two protests trend from the first second. From 25 s on, young accounts copy hate under the hashtag of the second
    one. Counter-speech, news, a cricket match, a festival and a bot flood come and go. At 80 s a second campaign begins
    in the United States, at 150 s a third one in Hindi. The schedule repeats every 5 min with other names.

    Args:
        names: names of hashtags, see `data.tag_names`.
        seed: seed of all random choices.
        rate: total tweets a second, at least `LEAST_RATE`.
        hours: length of the run. A story that would have less than 30 s before the end is left out.
        start_ms: start of the run, Unix time in ms.
        partitions: partitions of the tweets topic, at least 1.
    """
    assert rate >= LEAST_RATE
    rng, naming, stories = stream(seed, "demo"), UniqueNames(), list[Story]()
    duration_ms = round(hours * 3_600_000)
    for begin_ms in range(0, duration_ms, _EPISODE_MS):
        stories += (
            replace(story, end_ms=min(story.end_ms, duration_ms)) for story in _episode(names, naming, rng, begin_ms)
        )
    stories = [story for story in stories if story.end_ms - story.start_ms >= _SHORTEST_MS]
    return SimulationConfig(
        seed=seed,
        start_ms=start_ms,
        duration_ms=duration_ms,
        rate=rate,
        partitions=partitions,
        stories=tuple(stories),
    )


def _episode(names: TagNames, naming: UniqueNames, rng: Random, begin_ms: int) -> list[Story]:
    first, second, third = rng.sample(range(4), 3)
    cause, greeting, prize = (rng.randrange(len(pool)) for pool in (names.protest, names.festival, names.bot_flood))
    end_ms = begin_ms + _EPISODE_MS

    def story(
        kind: str, hashtag: str, country: str, begin_seconds: int, end_seconds: int, per_second: float, **more: object
    ) -> Story:
        base = Story(
            kind=kind, hashtag=naming(hashtag), texts=kind, country=country, languages=BY_CODE[country].languages,
            start_ms=begin_ms + begin_seconds * 1000, end_ms=min(begin_ms + end_seconds * 1000, end_ms),
            per_second=per_second, course="growing", n_authors=600, harmful_share=0.01, copy_share=0.05,
        )  # fmt: skip
        return replace(base, **more)  # type: ignore[arg-type]

    def campaign(people: int, language: str, country: str, begin_seconds: int, per_second: float) -> Story:
        name = rng.choice(names.campaign[language]).format(people=names.people[language][people])
        return story(
            "campaign", name, country, begin_seconds, 300, per_second,
            texts="harmful", languages=((language, 1.0),), n_authors=160, harmful_share=0.92, copy_share=0.6,
            young_share=0.75, retweet_share=0.1, subject=people,
        )  # fmt: skip

    outcry = campaign(first, "en", "IN", 20, 10.0)
    attacked = (cause + 1) % len(names.protest)
    protest = story(
        "protest", names.protest[attacked], "IN", 0, 300, 4.0, subject=attacked, n_authors=900, course="steady"
    )
    hijack = replace(
        outcry, kind="hijack", hashtag=protest.hashtag, start_ms=begin_ms + 25_000, per_second=6.0, harmful_share=1.0,
        copy_share=0.8, young_share=0.9,
    )  # fmt: skip
    people = names.people["en"][first]
    return [
        story("protest", names.protest[cause], "IN", 0, 300, 5.0, subject=cause, harmful_share=0.03, n_authors=900),
        protest,
        hijack,
        story("sports", rng.choice(names.sports), "IN", 0, 280, 6.0, course="pulses"),
        story("festival", names.festival[greeting], "IN", 5, 240, 3.0, course="hump"),
        outcry,
        story(
            "counter_speech", rng.choice(names.counter_speech).format(people=people), "IN", 32, 300, 2.5,
            subject=first, extra_tags=((outcry.hashtag, 0.02),), quotes=outcry.hashtag,
        ),
        story("news", rng.choice(names.news).format(people=people), "IN", 45, 300, 1.5, subject=first, course="hump"),
        story(
            "bot_flood", names.bot_flood[prize], "IN", 30, 260, 4.0, texts="promotion", course="steady", n_authors=8,
            copy_share=0.95, n_masters=4, young_share=0.9, retweet_share=0.0, languages=_EN,
        ),
        campaign(second, "en", "US", 80, 5.0),
        campaign(third, "hi", "IN", 150, 5.0),
    ]  # fmt: skip
