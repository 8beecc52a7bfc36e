"""What happens in a run beside everyday talk: who tweets a hashtag, from when to when, how much, saying what."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import exp, pi, sin
from random import Random
from typing import Literal

Course = Literal["growing", "hump", "pulses", "steady"]

_RAMP_MS = 60_000
_PULSE_GAP_SECONDS = 75.0
_PULSE_FADE_MS = 20_000


@dataclass(frozen=True, slots=True)
class Story:
    """One hashtag's story. Times are milliseconds since the run's start, [start_ms, end_ms)."""

    kind: str
    """campaign, protest, counter_speech, news, sports, festival or bot_flood: the word in the ground truth."""
    hashtag: str
    """As written, without #."""
    texts: str
    """Kind of text, see `texts.KINDS`."""
    country: str
    languages: tuple[tuple[str, float], ...]
    start_ms: int
    end_ms: int
    per_second: float
    """Tweets a second at its height."""
    course: Course
    n_authors: int
    harmful_share: float = 0.0
    """Of its own texts (retweets aside) that are abusive."""
    copy_share: float = 0.0
    """Of its own texts that are variations of a few masters; a campaign's masters are all harmful. Below 1."""
    n_masters: int = 24
    young_share: float = 0.05
    """Of its authors whose account is younger than 25 days."""
    retweet_share: float = 0.15
    subject: int = 0
    """Which people or cause the texts are about."""
    beside: tuple[tuple[str, float], ...] = ()
    """Other hashtags (display) that a share of its tweets carries too."""
    quotes: str = ""
    """Hashtag of the story whose tweets some of these quote."""
    crowd: str = ""
    """Hashtag of an earlier story whose authors tell this one too; "" for authors of its own."""

    @property
    def harmful(self) -> bool:
        """Whether its tag should be suppressed."""
        return self.kind == "campaign"

    @property
    def mean_per_second(self) -> float:
        """About how many tweets a second it makes from its start to its end."""
        return self.per_second * {"growing": 0.95, "hump": 0.5, "pulses": 0.5, "steady": 1.0}[self.course]


class Volume:
    """How busy a story is at a moment. A sports story has its pulses (goals, wickets) from the dice."""

    def __init__(self, story: Story, rng: Random) -> None:
        self._story = story
        self._pulses: list[int] = []
        at = 5_000.0
        while story.course == "pulses" and at < story.end_ms - story.start_ms:
            self._pulses.append(int(at))
            at += 1_000 * rng.expovariate(1 / _PULSE_GAP_SECONDS)

    def per_second(self, at_ms: int) -> float:
        """Tweets a second at `at_ms` since the run's start; 0 outside the story."""
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


class Naming:
    """Hashtags of stories: each is given once, a second use of a name gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        times = self._given[name] = self._given.get(name, 0) + 1
        return name if times == 1 else f"{name}{times}"
