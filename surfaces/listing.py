"""Combine counts and flags into the hashtags that a surface shows, and those that it hides. Pure.

The product determines the order. Flags remove hashtags, and lower contested ones: these rank by the tweets of their
established authors alone. A removed hashtag leaves no gap, so a viewer cannot notice it. Staff can list both kinds with
the rank that they would have.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from heapq import nlargest
from math import ceil

from hushtag_client.answers import Answers
from hushtag_client.presentable import presentable
from hushtag_client.registers import Register

from streams.actions import WEIGHING
from surfaces.trending.counter import WORLD, Trend, TrendCounter

RANKS_KNOWN = 100
"""Last rank that is computed for flagged hashtags."""
SPARKLINE_POINTS = 40
LONGEST_STEP_SECONDS = 8


@dataclass(frozen=True, slots=True)
class HeldTag:
    """A hidden or discounted hashtag with its flag, all its tweets and its rank without the flag (from 1)."""

    register: Register
    trend: Trend | None
    would_be_rank: int | None

    @property
    def contested(self) -> bool:
        """Whether it is visible and discounted."""
        return self.register.action in WEIGHING


class Listing:
    """The hashtags of a counter that one surface ("trends", "search") shows, at most `length`.

    In all methods `country` is the viewer's country, ISO 3166-1 alpha-2, or None for the world.
    """

    def __init__(self, counter: TrendCounter, flags: Answers, surface: str, length: int) -> None:
        self.counter = counter
        self.flags = flags
        self.surface = surface
        self.length = length

    def trending(self, country: str | None) -> list[Trend]:
        """List the visible hashtags with the best trending scores."""
        contested = self._contested(country)
        trends = self._uncontested(lambda count: self.counter.ranking(country or WORLD, count), contested, country)
        trends += [trend for trend in contested.values() if trend.tweets >= self.counter.min_tweets]
        return nlargest(self.length, trends, key=lambda trend: (trend.score, trend.hashtag))

    def suggestions(self, country: str | None, prefix: str) -> list[Trend]:
        """List the most used visible hashtags with a prefix (normalised); for "" the trending ones."""
        if not prefix:
            return self.trending(country)
        contested = self._contested(country)
        trends = self._uncontested(
            lambda count: self.counter.with_prefix(country or WORLD, prefix, count), contested, country
        )
        trends += [trend for trend in contested.values() if trend.tweets and trend.hashtag.startswith(prefix)]
        return nlargest(self.length, trends, key=lambda trend: (trend.tweets, trend.hashtag))

    def held(self, country: str | None) -> list[HeldTag]:
        """List the hashtags hidden from or discounted for a viewer, by rank without the flag; the unused last."""
        ranks = {
            trend.hashtag: rank
            for rank, trend in enumerate(self.counter.ranking(country or WORLD, RANKS_KNOWN), start=1)
        }
        held_tags = [
            HeldTag(
                register=presentable(register),
                trend=self.counter.find(country or WORLD, register.hashtag),
                would_be_rank=ranks.get(register.hashtag),
            )
            for register in (
                *self.flags.held(self.surface, country),
                *self.flags.discounted(self.surface, country),
            )
        ]
        return sorted(
            held_tags, key=lambda tag: (tag.would_be_rank or RANKS_KNOWN + 1, tag.trend is None, tag.register.hashtag)
        )

    @property
    def step_seconds(self) -> int:
        """Seconds per point of a sparkline, so that its points span the observed time up to a limit."""
        return min(max(ceil(self.counter.observed_seconds / SPARKLINE_POINTS), 1), LONGEST_STEP_SECONDS)

    def sparkline(self, country: str | None, hashtag: str) -> list[int]:
        """Count the tweets of a hashtag in each step of its sparkline, oldest first."""
        return self.counter.series(country or WORLD, hashtag, SPARKLINE_POINTS, self.step_seconds)

    def _contested(self, country: str | None) -> dict[str, Trend]:
        """Return the discounted hashtags that are in use, with the tweets of their established authors."""
        contested = {
            register.hashtag: self.counter.find_contested(country or WORLD, register.hashtag, register.weight)
            for register in self.flags.discounted(self.surface, country)
        }
        return {hashtag: trend for hashtag, trend in contested.items() if trend is not None}

    def _uncontested(
        self, fetch: Callable[[int], list[Trend]], contested: Container[str], country: str | None
    ) -> list[Trend]:
        """Fetch more ranks until enough hashtags are visible and not discounted, or none remain."""
        count = self.length
        while True:
            count *= 2
            trends = fetch(count)
            answers = self.flags.check_many([trend.hashtag for trend in trends], self.surface, country)
            shown = [
                trend
                for trend, answer in zip(trends, answers, strict=True)
                if answer.shown and trend.hashtag not in contested
            ]
            if len(shown) >= self.length or len(trends) < count:
                return shown[: self.length]
