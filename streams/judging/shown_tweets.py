"""Tweets that a decision names: a random choice of the sampled authors, and those with the highest scores.

A sample is sorted by the keyed hashes of its authors. So its first authors are a random choice, and an attacker cannot
know whom a reviewer will read. The highest-scoring tweets are no fair sample, and are kept apart from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from streams.counting.origins import origin_parts
from streams.log.decisions import SampledAt
from streams.signals.base import Ints
from streams.windows.window import AuthorSample

MOST_RANDOM = 10
MOST_HIGHEST = 5


@dataclass(frozen=True, slots=True, eq=False)
class ShownTweets:
    """Tweets of m keys that decisions name, one for each of some sampled authors."""

    sizes: Ints
    """(m,) number of sampled authors."""
    tweets: Ints
    """(m, s) ids of the tweets of the random choice; -1 where there are fewer."""
    origins: Ints
    """(m, s) origins of the same."""
    scored: AuthorSample | None = None
    """Samples of the keys of which `highest` chooses; None: of no key."""
    first: Ints | None = None
    """(m,) first row of each key in `scored`, -1 for the other keys."""

    def take(self, at: Ints) -> ShownTweets:
        """Select keys by number."""
        first = None if self.first is None else self.first[at]
        return ShownTweets(self.sizes[at], self.tweets[at], self.origins[at], self.scored, first)

    def with_scores(self, sample: AuthorSample, rows: Ints) -> ShownTweets:
        """Keep the scores of some keys, given by ascending number, so that `highest` can choose among their tweets."""
        sizes = self.sizes[rows]
        first = np.full(len(self.sizes), -1)
        first[rows] = np.cumsum(sizes) - sizes
        begins = np.cumsum(self.sizes)[rows] - sizes
        kept = np.repeat(begins - first[rows], sizes) + np.arange(sizes.sum())
        return replace(self, scored=sample.take(kept), first=first)

    def random(self, row: int) -> tuple[tuple[str, ...], tuple[SampledAt, ...]]:
        """Return ids and positions of the random choice of one key."""
        there = self.tweets[row] >= 0
        return _named(self.tweets[row][there], self.origins[row][there])

    def highest(self, row: int, column: int) -> tuple[tuple[str, ...], tuple[SampledAt, ...]]:
        """Return ids and positions of the tweets of one key that score highest in a column, the highest first."""
        if self.scored is None or self.first is None or self.first[row] < 0:
            return (), ()
        first = int(self.first[row])
        scores = self.scored.scores[first : first + self.sizes[row], column]
        order = first + np.argsort(-scores, kind="stable")[: min(MOST_HIGHEST, int(np.sum(~np.isnan(scores))))]
        return _named(self.scored.tweet[order], self.scored.origin[order])


def shown_tweets(sample: AuthorSample, m: int) -> ShownTweets:
    """Choose the tweets to name of m keys, whose sample is given."""
    begins = np.searchsorted(sample.group, np.arange(m + 1))
    sizes, column = np.diff(begins), np.arange(MOST_RANDOM)
    there = column < sizes[:, None]
    at = (begins[:-1, None] + column)[there]
    tweets, origins = np.full((2, m, MOST_RANDOM), -1)
    tweets[there], origins[there] = sample.tweet[at], sample.origin[at]
    return ShownTweets(sizes, tweets, origins)


def _named(tweets: Ints, origins: Ints) -> tuple[tuple[str, ...], tuple[SampledAt, ...]]:
    positions = tuple(SampledAt(*origin_parts(origin)) for origin in origins.tolist())
    return tuple(map(str, tweets.tolist())), positions
