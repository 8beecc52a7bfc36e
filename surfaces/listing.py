"""From counts and flags to what a surface shows, and to what it holds back. Pure: no clock, no network.

The order is the product's own; the flags only take tags out. What is taken out leaves no gap, so whoever looks cannot
tell that anything was there; staff can ask for it, with the rank it would have had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hushtag_client.answers import Answers
from hushtag_client.registers import Register

from surfaces.trending.counter import WORLD, Trend, TrendCounter

RANKS_KNOWN = 100
"""How far down a tag that is held back is told its rank."""


@dataclass(frozen=True, slots=True)
class HeldTag:
    """A tag that is held back: the flag, how it does at the moment, and where it would stand (from 1)."""

    register: Register
    trend: Trend | None
    would_be_rank: int | None


class Listing:
    """What one surface ("trends", "search") shows of the tags that a counter knows, `length` at most.

    Everywhere `country` is the viewer's, ISO 3166-1 alpha-2, or None for one of the world.
    """

    def __init__(self, counter: TrendCounter, flags: Answers, surface: str, length: int) -> None:
        self.counter = counter
        self.flags = flags
        self.surface = surface
        self.length = length

    def trending(self, country: str | None) -> list[Trend]:
        """The best by trending score that may be shown."""
        return self._shown(lambda count: self.counter.ranking(country or WORLD, count), country)

    def suggestions(self, country: str | None, prefix: str) -> list[Trend]:
        """The most used that begin with a prefix (normalised) and may be shown; the trending ones for ""."""
        return self._shown(lambda count: self.counter.with_prefix(country or WORLD, prefix, count), country)

    def held(self, country: str | None) -> list[HeldTag]:
        """What is held back from this viewer, by the rank it would have; those without one by name."""
        ranks = {
            trend.hashtag: rank
            for rank, trend in enumerate(self.counter.ranking(country or WORLD, RANKS_KNOWN), start=1)
        }
        found = [
            HeldTag(
                register=register,
                trend=self.counter.find(country or WORLD, register.hashtag),
                would_be_rank=ranks.get(register.hashtag),
            )
            for register in self.flags.held(self.surface, country)
        ]
        return sorted(found, key=lambda tag: (tag.would_be_rank or RANKS_KNOWN + 1, tag.register.hashtag))

    def _shown(self, fetch: Callable[[int], list[Trend]], country: str | None) -> list[Trend]:
        """Fetch further down until enough may be shown or there is no more."""
        count = self.length
        while True:
            count *= 2
            trends = fetch(count)
            answers = self.flags.check_many([trend.hashtag for trend in trends], self.surface, country)
            shown = [trend for trend, answer in zip(trends, answers, strict=True) if answer.shown]
            if len(shown) >= self.length or len(trends) < count:
                return shown[: self.length]
