"""Why a text got its score: what each of its words adds, exactly, since the model is a sum.

The log-odds of a column are an intercept and one contribution per feature; a feature belongs to the word that it was
found in (a pair to its second word; a bucket that two words share to the first that has it). So the contributions of
the words and the intercept add up to the log-odds of the probability that `score` gives, but for its cap (no category
exceeds column 0).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models import features
from models.kernels.owners import find_words
from models.kernels.scoring import BLOCK_SCALES, group_of
from models.scorer import LANGUAGES, LinearScorer


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one text and column: `intercept` + the sum of `terms` is the log-odds of `probability` (None: no word).

    terms: (word as it was read, contribution), the greatest first, each word once.
    """

    language: str
    intercept: float
    terms: tuple[tuple[str, float], ...]

    @property
    def log_odds(self) -> float:
        """Of the column's own probability, before the cap."""
        return self.intercept + sum(contribution for _, contribution in self.terms)


def explain(scorer: LinearScorer, text: str, column: int = 0) -> Explanation | None:
    """What the words of `text` add to `column` (0: any category); None for a text without a word."""
    numbers = scorer.numbers
    points, offsets = features.encode([text])
    words, owners, buckets, ends = find_words(points, offsets, *features.lookups(), len(numbers.weights))
    if not words:
        return None
    shares = np.concatenate(
        [
            np.full(end - begin, scale / np.sqrt(max(1, end - begin)))
            for scale, begin, end in zip(BLOCK_SCALES, (0, *ends[:-1]), ends, strict=True)
        ]
    )
    rows = numbers.weights[buckets].astype(np.float64) * numbers.scales
    roman_hindi = float(numbers.biases[-1] + (rows[:, -1] * shares).sum())
    group = group_of(np.array([ord(c) for word in words for c in word], np.uint32), sum(map(len, words)), roman_hindi)
    slope = float(numbers.slopes[group, column])
    added: dict[str, float] = defaultdict(float)
    for owner, contribution in zip(owners.tolist(), (slope * rows[:, column] * shares).tolist(), strict=True):
        added[words[owner]] += contribution
    intercept = slope * float(numbers.biases[column]) + float(numbers.intercepts[group, column])
    return Explanation(LANGUAGES[group], intercept, tuple(sorted(added.items(), key=lambda item: (-item[1], item[0]))))


def together(explanations: Sequence[Explanation | None]) -> list[tuple[str, float]]:
    """Of a hashtag: each word's mean contribution over its texts (those without the word count 0), greatest first."""
    added: dict[str, float] = defaultdict(float)
    for explanation in explanations:
        for word, contribution in explanation.terms if explanation else ():
            added[word] += contribution / len(explanations)
    return sorted(added.items(), key=lambda item: (-item[1], item[0]))


def masked(word: str) -> str:
    """The word as anybody may see it: first letter, stars, and for long ones the last.

    >>> [masked(word) for word in ("a", "hut", "garden", "😡")]
    ['*', 'h**', 'g****n', '😡']
    """
    if not any(c.isalnum() for c in word):
        return word
    first = word[:1] if len(word) > 1 else ""
    last = word[-1] if len(word) > 4 else ""
    return first + "*" * (len(word) - len(first) - len(last)) + last
