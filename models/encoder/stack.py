"""Scorer of stage 2: a weighted sum of the linear scorer's log-odds and a small network's margin.

For each column a network with one hidden layer reads the text's vector. Two weights and an intercept per language group
and column combine both stages; they are fitted by cross-validation and calibrated as stage 1 is. Roman Hindi is
converted to Devanagari before it is encoded. A text without a word, or in a language that stage 1 does not read, keeps
its score of stage 1, and no category exceeds `harmful`.

Stage 2 has a separate scale: its probabilities differ from stage 1's in their means of clean and of harmful texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.encoder.devanagari import Transliterator
from models.encoder.encoder import Encoder
from models.scorer import LANGUAGES, LinearScorer
from models.share import Scale

Floats = npt.NDArray[np.float64]
_MARGIN = 1e-6  # minimum distance from 0 and 1 of a probability whose log-odds are computed


@dataclass(frozen=True, slots=True, eq=False)
class StackHead:
    """Parameters of stage 2.

    inward (n_columns, width, n_hidden), inward_bias and outward (n_columns, n_hidden), outward_bias (n_columns,): the
    network of each column, with a rectifier between both layers;
    linear, margin and intercept (len(LANGUAGES), n_columns): the probability is
    logistic(linear * log-odds of stage 1 + margin * network + intercept);
    moments (len(LANGUAGES), n_columns, 4), errors and between (len(LANGUAGES), n_columns, 3): scale of the
    probabilities, see `models.share`.
    """

    inward: npt.NDArray[np.float16]
    inward_bias: Floats
    outward: Floats
    outward_bias: Floats
    linear: Floats
    margin: Floats
    intercept: Floats
    moments: Floats
    errors: Floats
    between: Floats

    @property
    def scale(self) -> Scale:
        """Scale of shares; the groups are LANGUAGES."""
        return Scale(self.moments, self.errors, self.between)

    def margins(self, vectors: npt.NDArray[np.floating]) -> Floats:
        """Compute the networks' margins (n_texts, n_columns) for vectors (n_texts, width)."""
        margins = []
        for inward, inward_bias, outward, outward_bias in zip(
            self.inward, self.inward_bias, self.outward, self.outward_bias, strict=True
        ):
            hidden = np.maximum(vectors.astype(np.float64) @ inward.astype(np.float64) + inward_bias, 0.0)
            margins.append(hidden @ outward + outward_bias)
        return np.stack(margins, axis=1)

    def probabilities(self, stage_1: Floats, margins: Floats, groups: npt.NDArray[np.intp]) -> Floats:
        """Combine stage 1 probabilities and margins, both (n_texts, n_columns), by each text's language group."""
        log_odds = self.linear[groups] * log_odds_of(stage_1) + self.margin[groups] * margins + self.intercept[groups]
        probabilities: Floats = 1 / (1 + np.exp(-log_odds))
        probabilities[:, 1:] = np.minimum(probabilities[:, 1:], probabilities[:, :1])
        return probabilities


@dataclass(frozen=True, slots=True, eq=False)
class StackScorer:
    """Scorer of about 100 texts a second and core, fast enough for a sample; see `models.protocol.Scorer`."""

    revision: str
    stage_1: LinearScorer
    encoder: Encoder
    head: StackHead
    transliterator: Transliterator

    @property
    def scale(self) -> Scale:
        """Scale of shares; the groups are LANGUAGES."""
        return self.head.scale

    @property
    def categories(self) -> tuple[str, ...]:
        """Policy categories of stage 1."""
        return self.stage_1.categories

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return probabilities, shape (n_texts, 1 + n_categories)."""
        return self.score_languages(texts)[0]

    def score_languages(
        self, texts: Sequence[str], hints: npt.NDArray[np.uint8] | None = None
    ) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Score texts and name their languages; see `LanguageScorer.score_languages`.

        A text without words, or in a language that is not read, has the result of stage 1.
        """
        probabilities, languages = self.stage_1.score_languages(texts, hints)
        read = np.array([at for at, language in enumerate(languages) if language in LANGUAGES], np.intp)
        if len(read):
            groups = np.array([LANGUAGES.index(languages[at]) for at in read.tolist()])
            encoded = [encodable(texts[at], languages[at], self.transliterator) for at in read.tolist()]
            margins = self.head.margins(self.encoder.encode(encoded))
            probabilities[read] = self.head.probabilities(probabilities[read].astype(np.float64), margins, groups)
        return probabilities, languages


def encodable(text: str, language: str, transliterator: Transliterator) -> str:
    """Return a text as the encoder gets it."""
    return transliterator.convert(text) if language == "hi-Latn" else text


def log_odds_of(probabilities: Floats) -> Floats:
    """Compute log-odds, finite also for probabilities of 0 and 1."""
    clipped = np.clip(probabilities, _MARGIN, 1 - _MARGIN)
    log_odds: Floats = np.log(clipped / (1 - clipped))
    return log_odds
