"""The linear scorer that comes with hushtag; see `models.protocol` for what may take its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models import features, hashing
from models.share import Scale

LANGUAGES = ("en", "hi-Latn", "hi")  # groups that are calibrated apart, in the order of `hashing.group_of`


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A linear scorer's numbers. Columns: any category, then the categories, then Roman Hindi against English.

    weights (n_buckets, n_columns + 1) with n_buckets a power of two; scales and biases (n_columns + 1,);
    slopes and intercepts (len(LANGUAGES), n_columns): logistic(slope * margin + intercept) is the probability;
    no_words (n_columns,): the probabilities of a text without a word. Beside these, for what is made of the scores:
    moments (len(LANGUAGES), n_columns, 4) and errors (len(LANGUAGES), n_columns, 3), see `models.share`;
    deciles (n_columns, 9) of the probabilities of labelled tweets, see `models.drift`.
    """

    weights: npt.NDArray[np.int16]
    scales: npt.NDArray[np.float64]
    biases: npt.NDArray[np.float64]
    slopes: npt.NDArray[np.float64]
    intercepts: npt.NDArray[np.float64]
    no_words: npt.NDArray[np.float64]
    moments: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    deciles: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearScorer:
    """Hashed words, characters and skeletons, weighed and calibrated. See `models.hashing` for the formula."""

    revision: str
    categories: tuple[str, ...]
    numbers: Weights
    training: dict[str, object] = field(default_factory=dict)

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Scorer.score`."""
        return self.score_points(*features.encode(texts))

    def score_points(self, points: hashing.Points, offsets: hashing.Offsets) -> npt.NDArray[np.float32]:
        """The same, of texts that `features.encode` has read."""
        return self.score_groups(points, offsets)[0]

    @property
    def scale(self) -> Scale:
        """See `GroupingScorer.scale`; the groups are LANGUAGES."""
        return Scale(self.numbers.moments, self.numbers.errors)

    def score_groups(
        self, points: hashing.Points, offsets: hashing.Offsets
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """See `GroupingScorer.score_groups`."""
        return self.score_and_fingerprint(points, offsets)[:2]

    def score_and_fingerprint(
        self, points: hashing.Points, offsets: hashing.Offsets
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        """What `score_groups` says, and what `copies.of_points` does: the words of a text are read but once."""
        n_texts, numbers = len(offsets) - 1, self.numbers
        out = np.empty((n_texts, 1 + len(self.categories)), np.float32)
        groups, fingerprints = np.empty(n_texts, np.uint8), np.empty(n_texts, np.uint32)
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
            groups,
            fingerprints,
        )
        return out, groups, fingerprints
