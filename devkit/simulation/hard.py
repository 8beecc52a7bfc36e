"""Presets `hard` and `slow`: stories that a classifier or a policy may get wrong, so that detection can be measured.

Every innocent hashtag has the copies and young accounts that a policy asks for: only its texts protect it. Variants of
campaigns, as the ground truth names them:

    open        40, 60, 80 or 100% of the authors write harm. Two thirds of it are copies, mostly by young accounts.
    distinct    No text is a copy.
    grown       No account is young.
    disguised   No text is a copy, and no account is young.
    answered    Half of the tweets under it are counter-speech.
    mockery     The harm is in polite words.
    slow        As open, over an hour: the only campaigns of preset `slow`.

Variants of an attacked hashtag are `before`, `among` and `after`: accounts that are less than five days old copy harm
under it before its own people write, together with them, or once half of its time is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from devkit.simulation.config import DEFAULT_START_MS, SimulationConfig
from devkit.simulation.dice import stream
from devkit.simulation.stories import Story, UniqueNames
from devkit.simulation.texts import TagNames

LANGUAGES = ("en", "hi", "hi-Latn")
SHARES = (0.4, 0.6, 0.8, 1.0)
"""Harmful shares of the open and the slow campaigns."""
TIMINGS = ("before", "among", "after")
_DISGUISES = (("distinct", 0.0, 0.8), ("grown", 0.6, 0.0), ("disguised", 0.0, 0.0))
"""Variants with their shares of copies and of young accounts."""
_UNREAD = (("ta", "IN"), ("bn", "IN"), ("ur", "IN"), ("es", "US"))
_ATTACKER_DAYS = 5


def hard_config(
    seed: int,
    names: TagNames,
    *,
    minutes: float = 15,
    rate: float = 40.0,
    start_ms: int = DEFAULT_START_MS,
    partitions: int = 4,
    languages: Sequence[str] = LANGUAGES,
    slow: bool = False,
) -> SimulationConfig:
    """Configure campaigns of every share, disguise and language, and the innocent hashtags that resemble them.

    Args:
        seed: seed of all random choices.
        names: names of hashtags, see `data.tag_names`.
        minutes: length of the run, above 0.
        rate: average tweets a second, above 0. A story makes a fiftieth of them.
        start_ms: start of the run, Unix time in ms.
        partitions: partitions of the tweets topic, at least 1.
        languages: languages of the stories, some of `LANGUAGES`.
        slow: preset `slow`, whose stories last as long as the run; meant for an hour at eight tweets a second.
    """
    duration_ms = max(1, round(minutes * 60_000))
    cast = _Cast(seed, names, duration_ms, rate, tuple(languages))
    return SimulationConfig(
        seed=seed,
        start_ms=start_ms,
        duration_ms=duration_ms,
        rate=rate,
        partitions=partitions,
        stories=tuple(cast.slow() if slow else cast.hard()),
    )


class _Cast:
    """Stories of one run."""

    def __init__(self, seed: int, names: TagNames, length_ms: int, rate: float, languages: tuple[str, ...]) -> None:
        self._seed, self._names, self._name = seed, names, UniqueNames()
        self._rng = stream(seed, "hard")
        self._length_ms, self._rate, self._languages = length_ms, rate, languages

    def hard(self) -> list[Story]:
        """Return the stories of preset `hard`."""
        stories = [
            self._campaign("open", language, share, 0.65 * share, 0.8)
            for share in SHARES
            for language in self._languages
        ]
        for variant, copies, young in _DISGUISES:
            stories.append(self._campaign(variant, self._any_language(), 0.9, copies, young))
        answered = self._campaign("answered", self._any_language(), 1.0, 0.65, 0.8)
        answers = self._innocent(
            "counter_speech", self._filled(self._names.counter_speech), subject=answered.subject,
            languages=answered.languages, country=answered.country, extra_tags=((answered.hashtag, 1.0),),
            per_second=answered.per_second,
        )  # fmt: skip
        mockery = replace(self._campaign("mockery", self._any_language(), 1.0, 0.65, 0.8), texts="mockery")
        news = self._innocent("news", self._filled(self._names.news), copy_share=0.3, quotes=answered.hashtag)
        stories += [answered, answers, mockery, news]
        protest, match, protected = self._protest(), self._match(), self._own_tag()
        for number, story in enumerate((protest, match, protected)):
            stories += self._attacked(story, TIMINGS[(self._seed + number) % len(TIMINGS)])
        stories += [
            self._protest(),
            self._innocent("reclaimed", self._rng.choice(self._names.reclaimed)),
            self._innocent("sarcasm", self._rng.choice(self._names.sarcasm)),
            *(self._unread(language, country) for language, country in _UNREAD),
        ]
        return stories

    def slow(self) -> list[Story]:
        """Return the stories of preset `slow`: few tweets a minute for all of the run."""
        stories = [
            self._campaign("slow", language, share, 0.65 * share, 0.8)
            for share in SHARES
            for language in self._languages
        ]
        stories += [
            self._protest(),
            self._own_tag(),
            self._innocent("sarcasm", self._rng.choice(self._names.sarcasm)),
            *(self._unread(language, country) for language, country in _UNREAD),
        ]
        margin_ms = self._length_ms // 30
        return [replace(story, start_ms=margin_ms, end_ms=self._length_ms - margin_ms) for story in stories]

    def _any_language(self) -> str:
        return self._rng.choice(self._languages)

    def _between(self, low: float, high: float) -> int:
        """Draw a moment between two parts of the run."""
        return int(self._length_ms * (low + (high - low) * self._rng.random()))

    def _filled(self, pool: list[str]) -> str:
        return self._rng.choice(pool).format(people=self._rng.choice(self._names.people["en"]))

    def _story(self, kind: str, hashtag: str, **more: Any) -> Story:
        rng = self._rng
        per_second = self._rate * (0.015 + 0.01 * rng.random())
        story = Story(
            kind=kind, hashtag=self._name(hashtag), texts=kind, country="IN",
            languages=tuple((language, 1.0) for language in self._languages), start_ms=self._between(0.06, 0.2),
            end_ms=self._between(0.9, 1.0), per_second=per_second, course="growing", n_authors=80 + rng.randrange(160),
            n_masters=16, young_share=0.4, retweet_share=0.1,
        )  # fmt: skip
        return replace(story, **more)

    def _campaign(self, variant: str, language: str, share: float, copies: float, young: float) -> Story:
        people = self._rng.randrange(4)
        name = self._rng.choice(self._names.campaign[language]).format(people=self._names.people[language][people])
        country = self._rng.choice(("IN", "US", "GB")) if language == "en" else "IN"
        return self._story(
            "campaign", name, texts="harmful", country=country, languages=((language, 1.0),), harmful_share=share,
            copy_share=copies, young_share=young, subject=people, variant=variant,
        )  # fmt: skip

    def _innocent(self, kind: str, hashtag: str, **more: Any) -> Story:
        """Plan a harmless story with as many copies and young accounts as a policy asks for."""
        return replace(self._story(kind, hashtag, harmful_share=0.02, copy_share=0.35), **more)

    def _protest(self) -> Story:
        cause = self._rng.randrange(len(self._names.protest))
        pool = self._names.protest_hi if self._languages == ("hi",) else self._names.protest
        return self._innocent("protest", pool[cause], subject=cause, harmful_share=0.06)

    def _match(self) -> Story:
        return self._innocent("sports", self._rng.choice(self._names.sports), course="pulses")

    def _own_tag(self) -> Story:
        """Plan counter-speech that has taken over the hashtag of a campaign."""
        people = self._rng.randrange(4)
        name = self._rng.choice(self._names.campaign["en"]).format(people=self._names.people["en"][people])
        return self._innocent("counter_speech", name, subject=people)

    def _attacked(self, story: Story, timing: str) -> list[Story]:
        """Return a story whose own people are mostly established, and the attack on it."""
        begin_ms, end_ms = story.start_ms, story.end_ms
        if timing == "before":
            begin_ms, end_ms = max(0, begin_ms - self._length_ms // 15), (begin_ms + end_ms) // 2
        elif timing == "after":
            begin_ms = (begin_ms + end_ms) // 2
        target = replace(
            story, variant=timing, young_share=0.1, copy_share=0.1, n_authors=max(story.n_authors, 150),
            per_second=1.5 * story.per_second, course="steady",
        )  # fmt: skip
        attack = replace(
            target, kind="hijack", texts="harmful", languages=((self._any_language(), 1.0),), start_ms=begin_ms,
            end_ms=end_ms, per_second=target.per_second * (0.4 + 0.5 * self._rng.random()), n_authors=60,
            harmful_share=1.0, copy_share=0.9, young_share=1.0, young_days=_ATTACKER_DAYS, retweet_share=0.0,
        )  # fmt: skip
        return [target, attack]

    def _unread(self, language: str, country: str) -> Story:
        """Plan harmless tweets that spread as a campaign does, in a language that no model was measured on."""
        return self._innocent(
            "unread", self._rng.choice(self._names.unread[language]), texts="clean", country=country,
            languages=((language, 1.0),), copy_share=0.6, young_share=0.8, harmful_share=0.0,
        )  # fmt: skip
