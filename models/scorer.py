"""The linear scorer of hushtag; `models.protocol` defines the interface of its replacements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from models import features, languages
from models.kernels.points import Offsets, Points
from models.kernels.scoring import packed, score_batch
from models.share import Scale

Hints = npt.NDArray[np.uint8]

_UNDETERMINED = languages.TAGS.index(languages.UNDETERMINED)

LANGUAGES = languages.READ
"""Groups with a calibration each, in the order of `models.kernels.scoring.group_of`."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearWeights:
    """Parameters of a linear scorer. Columns: any category, then the categories, then Roman Hindi against English.

    weights (n_buckets, n_columns + 1), n_buckets a power of two; scales and biases (n_columns + 1,);
    slopes and intercepts (len(LANGUAGES), n_columns): the probability is logistic(slope * margin + intercept);
    no_words (n_columns,): probabilities of a text without a word;
    moments (len(LANGUAGES), n_columns, 4) and errors (len(LANGUAGES), n_columns, 3): see `models.share`;
    deciles (n_columns, 9) of the probabilities of labelled tweets: see `models.drift`;
    detector (n_rows, len(languages.LATIN)), n_rows a power of two: see `models.kernels.languages`;
    between (len(LANGUAGES), n_columns, 3): covariance between sources of the moments' means, see `models.share`.
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
    detector: npt.NDArray[np.int8]
    between: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearScorer:
    """Linear model on hashed words, characters and skeletons. `models.kernels.scoring` has the formula."""

    revision: str
    categories: tuple[str, ...]
    numbers: LinearWeights
    training: dict[str, object] = field(default_factory=dict)
    is_gated: bool = True
    """Whether a text in a language that is not read gets NaN."""
    _quads: npt.NDArray[np.uint64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        quads = packed(self.numbers.weights)
        weights = quads.view(np.int16)[:, : self.numbers.weights.shape[1]]  # the same memory
        object.__setattr__(self, "numbers", replace(self.numbers, weights=weights))  # the class is frozen
        object.__setattr__(self, "_quads", quads)

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score texts; see `Scorer.score`."""
        return self.score_points(*features.encode(texts))

    def score_points(self, points: Points, offsets: Offsets) -> npt.NDArray[np.float32]:
        """Score texts that `features.encode` has read."""
        return self.score_groups(points, offsets)[0]

    @property
    def scale(self) -> Scale:
        """Scale of shares; the groups are LANGUAGES. See `GroupingScorer.scale`."""
        return Scale(self.numbers.moments, self.numbers.errors, self.numbers.between)

    def score_groups(self, points: Points, offsets: Offsets) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Score and group encoded texts; see `GroupingScorer.score_groups`."""
        return self.score_and_fingerprint(points, offsets)[:2]

    def score_and_fingerprint(
        self, points: Points, offsets: Offsets, hints: Hints | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        """Return the results of `score_groups` and `copies.fingerprints_of_points` in one pass over the words.

        Args:
            points: code points of all texts.
            offsets: (n + 1,) bounds of the texts.
            hints: (n,) numbers of the payloads' languages (`languages.hint_of`); None: none is known.
        """
        out, tags, fingerprints = self._score(points, offsets, hints)
        return out, languages.groups_of_tags()[tags], fingerprints

    def score_languages(
        self, texts: Sequence[str], hints: Hints | None = None
    ) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Score texts and name their languages, `languages.TAGS`; see `score_and_fingerprint` for the hints."""
        out, tags, _ = self._score(*features.encode(texts), hints)
        return out, [languages.TAGS[tag] for tag in tags.tolist()]

    def reading_all(self) -> LinearScorer:
        """Return the scorer without its language gate, for texts whose language is known to be a read one."""
        return replace(self, is_gated=False)

    def _score(
        self, points: Points, offsets: Offsets, hints: Hints | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        n_texts, numbers = len(offsets) - 1, self.numbers
        if not self.is_gated:
            hints = np.full(n_texts, languages.ANY, np.uint8)
        elif hints is None:
            hints = np.zeros(n_texts, np.uint8)
        out = np.empty((n_texts, 1 + len(self.categories)), np.float32)
        tags, fingerprints = np.empty(n_texts, np.uint8), np.empty(n_texts, np.uint32)
        score_batch(
            points,
            offsets,
            *features.lookups(),
            self._quads,
            numbers.scales,
            numbers.biases,
            numbers.slopes,
            numbers.intercepts,
            numbers.no_words,
            numbers.detector,
            *languages.lookups(),
            hints,
            _UNDETERMINED,
            out,
            tags,
            fingerprints,
        )
        return out, tags, fingerprints
