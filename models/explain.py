"""Explain a score by the exact contribution of each word; the model is a sum.

The log-odds of a column are an intercept plus one contribution per feature. A feature belongs to the word that
contains it: a pair to its second word, a bucket of two words to the first of them. Intercept and contributions add up
to the log-odds of the probability of `score`, before its cap (no category exceeds column 0).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models import features
from models.kernels.attribution import find_words
from models.kernels.scoring import BLOCK_SCALES, group_of
from models.scorer import LANGUAGES, LinearScorer


@dataclass(frozen=True, slots=True)
class TextExplanation:
    """Explanation of one text and column: `intercept` plus the sum of `terms` is the log-odds.

    terms: (folded word, contribution), the greatest first, each word once.
    """

    language: str
    intercept: float
    terms: tuple[tuple[str, float], ...]

    @property
    def log_odds(self) -> float:
        """Log-odds of the column's probability before the cap."""
        return self.intercept + sum(contribution for _, contribution in self.terms)


def explain(scorer: LinearScorer, text: str, column: int = 0, hint: int = 0) -> TextExplanation | None:
    """Explain one column (0: any category) of a text's score.

    Returns None for a text without a word, and for one in a language that the model does not read. `hint` is the
    number of the payload's language, see `languages.hint_of`.
    """
    numbers = scorer.numbers
    points, offsets = features.encode([text])
    if np.isnan(scorer.score_and_fingerprint(points, offsets, np.array([hint], np.uint8))[0][0, 0]):
        return None
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
    terms = sorted(added.items(), key=lambda item: (-item[1], item[0]))
    return TextExplanation(LANGUAGES[group], intercept, tuple(terms))


def mean_contributions(explanations: Sequence[TextExplanation | None]) -> list[tuple[str, float]]:
    """Average each word's contribution over a hashtag's texts, the greatest first.

    A text without the word counts as 0.
    """
    added: dict[str, float] = defaultdict(float)
    for explanation in explanations:
        for word, contribution in explanation.terms if explanation else ():
            added[word] += contribution / len(explanations)
    return sorted(added.items(), key=lambda item: (-item[1], item[0]))


def masked(word: str) -> str:
    """Mask a word for display: first letter, stars, and the last letter of a long word.

    >>> [masked(word) for word in ("a", "hut", "garden", "😡")]
    ['*', 'h**', 'g****n', '😡']
    """
    if not any(c.isalnum() for c in word):
        return word
    first = word[:1] if len(word) > 1 else ""
    last = word[-1] if len(word) > 4 else ""
    return first + "*" * (len(word) - len(first) - len(last)) + last
