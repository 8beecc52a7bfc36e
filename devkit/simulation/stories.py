"""Stories of a run: a hashtag with its authors, times, volume and kind of text."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import exp, pi, sin
from random import Random
from typing import Literal

from devkit.simulation.people import YOUNG_DAYS

VolumeCurve = Literal["growing", "hump", "pulses", "steady"]

_RAMP_MS = 60_000
_PULSE_GAP_SECONDS = 75.0
_PULSE_FADE_MS = 20_000


@dataclass(frozen=True, slots=True)
class Story:
    """Plan for one hashtag. Times are milliseconds since the run's start, [start_ms, end_ms)."""

    kind: str
    """Kind in the ground truth, see `truth.TruthTag.kind`.

    A `hijack` is not in it: its authors write under the hashtag of an earlier story.
    """
    hashtag: str
    """Hashtag as written, without #."""
    texts: str
    """Kind of text, see `texts.KINDS`."""
    country: str
    languages: tuple[tuple[str, float], ...]
    start_ms: int
    end_ms: int
    per_second: float
    """Peak rate in tweets a second."""
    course: VolumeCurve
    n_authors: int
    harmful_share: float = 0.0
    """Share of abusive texts, retweets excluded."""
    copy_share: float = 0.0
    """Share of texts that vary a few masters, retweets excluded; below 1. A campaign's masters are all harmful."""
    n_masters: int = 24
    young_share: float = 0.05
    """Share of authors whose account is younger than `young_days`."""
    young_days: int = YOUNG_DAYS
    retweet_share: float = 0.15
    subject: int = 0
    """Number of the people or cause in the texts."""
    extra_tags: tuple[tuple[str, float], ...] = ()
    """Further hashtags (display), each with the share of tweets that have it too."""
    quotes: str = ""
    """Hashtag of the story that some of the tweets quote."""
    crowd: str = ""
    """Hashtag of an earlier story with the same authors; "" for other authors."""
    variant: str = ""
    """Variant of the kind in the ground truth, such as a campaign without copies; "" without one."""

    @property
    def harmful(self) -> bool:
        """Whether its hashtag should be suppressed."""
        return self.kind == "campaign"

    @property
    def hijacks(self) -> bool:
        """Whether it attacks the hashtag of an earlier story, which stays harmless."""
        return self.kind == "hijack"

    @property
    def mean_per_second(self) -> float:
        """Approximate tweets a second on average over the story."""
        return self.per_second * {"growing": 0.95, "hump": 0.5, "pulses": 0.5, "steady": 1.0}[self.course]


class StoryVolume:
    """Rate of a story over time. The pulses of a sports story (goals, wickets) are random."""

    def __init__(self, story: Story, rng: Random) -> None:
        self._story = story
        self._pulses: list[int] = []
        at = 5_000.0
        while story.course == "pulses" and at < story.end_ms - story.start_ms:
            self._pulses.append(int(at))
            at += 1_000 * rng.expovariate(1 / _PULSE_GAP_SECONDS)

    def per_second(self, at_ms: int) -> float:
        """Compute the tweets a second at `at_ms` since the run's start; 0 outside the story."""
        story = self._story
        if not story.start_ms <= at_ms < story.end_ms:
            return 0.0
        elapsed_ms, length_ms = at_ms - story.start_ms, story.end_ms - story.start_ms
        if story.course == "growing":
            level = min(1.0, 0.4 + 0.6 * elapsed_ms / _RAMP_MS)
        elif story.course == "hump":
            level = 0.15 + 0.85 * sin(pi * elapsed_ms / length_ms) ** 2
        elif story.course == "pulses":
            before = bisect_right(self._pulses, elapsed_ms)
            since_ms = elapsed_ms - self._pulses[before - 1] if before else 10 * _PULSE_FADE_MS
            level = 0.3 + 0.7 * exp(-since_ms / _PULSE_FADE_MS)
        else:
            level = 1.0
        return story.per_second * level


class UniqueNames:
    """Hashtags of stories, made unique: the second use of a name gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Return the name, with a number from its second use on."""
        times = self._given[name] = self._given.get(name, 0) + 1
        return name if times == 1 else f"{name}{times}"
