"""Preset `scenario`, for files and benchmarks: the seed draws the stories, their times, places and volumes."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from random import Random

from devkit.simulation.config import DEFAULT_START_MS, SimulationConfig
from devkit.simulation.countries import BY_CODE
from devkit.simulation.dice import stream
from devkit.simulation.stories import Story, UniqueNames
from devkit.simulation.texts import TagNames

_LONGEST_EPISODE_MS = 60 * 60_000
_ABROAD = ("US", "GB", "NG", "ZA", "CA")
_MIXED_IN = (("en", 0.5), ("hi", 0.25), ("hi-Latn", 0.25))
_EN = (("en", 1.0),)
_CAMPAIGN_IN = {
    "en": (("en", 0.8), ("hi-Latn", 0.1), ("hi", 0.1)),
    "hi": (("hi", 0.75), ("hi-Latn", 0.15), ("en", 0.1)),
    "hi-Latn": (("hi-Latn", 0.6), ("hi", 0.25), ("en", 0.15)),
}
"""Languages of a campaign in India: most texts are in its main language."""


def scenario_config(
    seed: int,
    names: TagNames,
    *,
    minutes: float = 15,
    rate: float = 40.0,
    start_ms: int = DEFAULT_START_MS,
    partitions: int = 4,
) -> SimulationConfig:
    """Configure one to three campaigns an hour with counter-speech and news, and harmless stories.

    Args:
        seed: seed of all random choices.
        names: names of hashtags, see `data.tag_names`.
        minutes: length of the run, above 0.
        rate: average tweets a second, above 0. A campaign makes about a twelfth of them.
        start_ms: start of the run, Unix time in ms.
        partitions: partitions of the tweets topic, at least 1.
    """
    duration_ms = max(1, round(minutes * 60_000))
    naming, stories = UniqueNames(), list[Story]()
    episodes = ceil(duration_ms / _LONGEST_EPISODE_MS)
    for number in range(episodes):
        begin_ms, end_ms = duration_ms * number // episodes, duration_ms * (number + 1) // episodes
        episode = _Episode(stream(seed, "episode", number), names, naming, begin_ms, end_ms - begin_ms, rate)
        stories += episode.stories()
    return SimulationConfig(
        seed=seed,
        start_ms=start_ms,
        duration_ms=duration_ms,
        rate=rate,
        partitions=partitions,
        stories=tuple(stories),
    )


class _Episode:
    """Stories of one episode, an hour at most."""

    def __init__(
        self, rng: Random, names: TagNames, naming: UniqueNames, begin_ms: int, length_ms: int, rate: float
    ) -> None:
        self._rng, self._names, self._name = rng, names, naming
        self._begin_ms, self._length_ms, self._rate = begin_ms, length_ms, rate

    def stories(self) -> list[Story]:
        rng = self._rng
        protests = [self._protest("IN", _MIXED_IN)]
        if rng.random() < 0.6:
            protests.append(self._protest(*(("IN", (("hi", 1.0),)) if rng.random() < 0.5 else ("GB", _EN))))
        sports = self._ordinary("sports", self._names.sports, "sports", "pulses", 0.08, (0.0, 0.3), (0.7, 1.0))
        stories = [*protests, sports]
        if rng.random() < 0.8:
            stories.append(
                self._ordinary("festival", self._names.festival, "festival", "hump", 0.05, (0.0, 0.4), (0.6, 1.0))
            )
        stories.append(self._flood())
        peoples = rng.sample(range(4), 3)
        languages = rng.sample(["en", "hi", "hi-Latn"], 3)
        places = ["IN", "IN" if rng.random() < 0.5 else rng.choice(_ABROAD), rng.choice(_ABROAD)]
        for number in range(1 + int(rng.random() * 3)):
            language = languages[number] if places[number] == "IN" else "en"
            campaign = self._campaign(places[number], language, peoples[number], sports)
            stories += [campaign, *self._answers(campaign, news=number == 0 or rng.random() < 0.5)]
        return stories

    def _time(self, low: float, high: float) -> int:
        return self._begin_ms + int(self._length_ms * (low + (high - low) * self._rng.random()))

    def _volume(self, share: float, least: float) -> float:
        """Draw a share of the rate, give or take a third, between `least` and a quarter of the rate."""
        return min(max(self._rate * share * (0.7 + 0.6 * self._rng.random()), least), self._rate / 4)

    def _campaign(self, country: str, language: str, people: int, trending: Story) -> Story:
        rng, names = self._rng, self._names
        pattern = rng.choice(names.campaign[language])
        per_second = min(self._volume(0.085, 1.5), 25.0)
        return Story(
            kind="campaign",
            hashtag=self._name(pattern.format(people=names.people[language][people])),
            texts="harmful",
            country=country,
            languages=_CAMPAIGN_IN[language] if country == "IN" else ((language, 1.0),),
            start_ms=self._time(0.12, 0.4),
            end_ms=self._time(0.85, 1.0),
            per_second=per_second,
            course="growing",
            n_authors=max(int(40 + rng.random() ** 2 * 260), int(per_second * 12)),
            harmful_share=0.75 + 0.2 * rng.random(),
            copy_share=0.5 + 0.3 * rng.random(),
            n_masters=16,
            young_share=0.5 + 0.4 * rng.random(),
            retweet_share=0.12,
            subject=people,
            extra_tags=((trending.hashtag, 0.02),) if trending.country == country else (),
        )

    def _answers(self, campaign: Story, *, news: bool) -> list[Story]:
        """Add counter-speech, some of it with the campaign's hashtag, and news that quotes the campaign."""
        names, people = self._names, campaign.subject
        languages = _MIXED_IN if campaign.country == "IN" else _EN
        begin_ms = campaign.start_ms + min(45_000, (campaign.end_ms - campaign.start_ms) // 5)
        counter = Story(
            kind="counter_speech",
            hashtag=self._name(self._rng.choice(names.counter_speech).format(people=names.people["en"][people])),
            texts="counter_speech",
            country=campaign.country,
            languages=languages,
            start_ms=begin_ms,
            end_ms=campaign.end_ms,
            per_second=self._volume(0.03, 0.5),
            course="growing",
            n_authors=max(150, int(self._rate * 6)),
            harmful_share=0.02,
            copy_share=0.05,
            subject=people,
            extra_tags=((campaign.hashtag, 0.03),),
            quotes=campaign.hashtag,
        )
        if not news:
            return [counter]
        hashtag = self._name(self._rng.choice(names.news).format(people=names.people["en"][people]))
        return [
            counter,
            replace(
                counter,
                kind="news",
                hashtag=hashtag,
                texts="news",
                per_second=self._volume(0.02, 0.4),
                course="hump",
                n_authors=max(90, int(self._rate * 3)),
                copy_share=0.25,
                retweet_share=0.3,
                extra_tags=(),
            ),
        ]

    def _protest(self, country: str, languages: tuple[tuple[str, float], ...]) -> Story:
        names = self._names
        cause = int(self._rng.random() * len(names.protest))
        pool = names.protest_hi if languages[0][0] == "hi" else names.protest
        return Story(
            kind="protest",
            hashtag=self._name(pool[cause]),
            texts="protest",
            country=country,
            languages=languages,
            start_ms=self._time(0.0, 0.25),
            end_ms=self._time(0.8, 1.0),
            per_second=self._volume(0.07, 1.0),
            course="growing",
            n_authors=max(250, int(self._rate * 12)),
            harmful_share=0.02 + 0.07 * self._rng.random(),
            copy_share=0.1,
            young_share=0.08,
            retweet_share=0.2,
            subject=cause,
        )

    def _ordinary(
        self, kind: str, pool: list[str], texts: str, course: str, share: float,
        begin: tuple[float, float], end: tuple[float, float],
    ) -> Story:  # fmt: skip
        assert course in ("pulses", "hump")
        return Story(
            kind=kind,
            hashtag=self._name(self._rng.choice(pool)),
            texts=texts,
            country="IN",
            languages=BY_CODE["IN"].languages,
            start_ms=self._time(*begin),
            end_ms=self._time(*end),
            per_second=self._volume(share, 0.8),
            course="pulses" if course == "pulses" else "hump",
            n_authors=max(300, int(self._rate * 20)),
            harmful_share=0.01,
            copy_share=0.03,
        )

    def _flood(self) -> Story:
        return Story(
            kind="bot_flood",
            hashtag=self._name(self._rng.choice(self._names.bot_flood)),
            texts="promotion",
            country="IN",
            languages=_EN,
            start_ms=self._time(0.1, 0.5),
            end_ms=self._time(0.7, 1.0),
            per_second=self._volume(0.06, 0.8),
            course="steady",
            n_authors=5 + int(self._rng.random() * 7),
            copy_share=0.95,
            n_masters=4,
            young_share=0.9,
            retweet_share=0.0,
        )
