"""What turns texts into probabilities of harm: the protocol, and the linear scorer that comes with hushtag.

Any object with these three members can take the linear scorer's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models import features, hashing

LANGUAGES = ("en", "hi-Latn", "hi")  # groups that are calibrated apart, in the order of `hashing.group_of`


class Scorer(Protocol):
    """Text to calibrated probabilities of harm."""

    @property
    def revision(self) -> str:
        """12 hex digits that change whenever a score might."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The policy categories that are told apart."""

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n_texts, 1 + n_categories) in [0, 1]: column 0 any category, column 1 + i `categories[i]`.

        A pure function of each text alone, whatever is scored with it. Takes every str and never raises. The heavy
        part runs without the GIL.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A linear scorer's numbers. Columns: any category, then the categories, then Roman Hindi against English.

    weights (n_buckets, n_columns + 1) with n_buckets a power of two; scales and biases (n_columns + 1,);
    slopes and intercepts (len(LANGUAGES), n_columns): logistic(slope * margin + intercept) is the probability;
    no_words (n_columns,): the probabilities of a text without a word.
    """

    weights: npt.NDArray[np.int16]
    scales: npt.NDArray[np.float64]
    biases: npt.NDArray[np.float64]
    slopes: npt.NDArray[np.float64]
    intercepts: npt.NDArray[np.float64]
    no_words: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearScorer:
    """Hashed words, characters and skeletons, weighed and calibrated. See `models.hashing` for the formula."""

    revision: str
    categories: tuple[str, ...]
    numbers: Weights
    training: dict[str, object] = field(default_factory=dict)

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Scorer.score`."""
        points, offsets = features.encode(texts)
        out = np.empty((len(texts), 1 + len(self.categories)), np.float32)
        numbers = self.numbers
        hashing.score_batch(
            points,
            offsets,
            *features.lookups(),
            numbers.weights,
            numbers.scales,
            numbers.biases,
            numbers.slopes,
            numbers.intercepts,
            numbers.no_words,
            out,
        )
        return out
