"""Stage 2's scorer: the linear scorer's log-odds and a small network's on the text's vector, added up.

Per column a network of one hidden layer reads the vector; per language group and column three numbers say what its
margin and the linear log-odds weigh, fitted by cross-validation, calibrated as stage 1 is. A text without a word keeps
what stage 1 says, and no category exceeds `harmful`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.encoder.encoder import Encoder
from models.explain import explain
from models.scorer import LANGUAGES, LinearScorer

Floats = npt.NDArray[np.float64]
_NO_NEARER = 1e-6  # to 0 and 1, of a probability whose log-odds are taken


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The numbers of a stack.

    inward (n_columns, width, n_hidden), inward_bias and outward (n_columns, n_hidden), outward_bias (n_columns,): the
    network of each column, rectified in between; linear, margin and intercept (len(LANGUAGES), n_columns):
    logistic(linear * log-odds of stage 1 + margin * network + intercept) is the probability.
    """

    inward: npt.NDArray[np.float16]
    inward_bias: Floats
    outward: Floats
    outward_bias: Floats
    linear: Floats
    margin: Floats
    intercept: Floats

    def margins(self, vectors: npt.NDArray[np.floating]) -> Floats:
        """(n_texts, n_columns) of vectors (n_texts, width)."""
        found = []
        for inward, inward_bias, outward, outward_bias in zip(
            self.inward, self.inward_bias, self.outward, self.outward_bias, strict=True
        ):
            hidden = np.maximum(vectors.astype(np.float64) @ inward.astype(np.float64) + inward_bias, 0.0)
            found.append(hidden @ outward + outward_bias)
        return np.stack(found, axis=1)

    def probabilities(self, stage_1: Floats, margins: Floats, groups: npt.NDArray[np.intp]) -> Floats:
        """(n_texts, n_columns) of what stage 1 says, of `margins`, and of each text's index into LANGUAGES."""
        log_odds = self.linear[groups] * log_odds_of(stage_1) + self.margin[groups] * margins + self.intercept[groups]
        found: Floats = 1 / (1 + np.exp(-log_odds))
        found[:, 1:] = np.minimum(found[:, 1:], found[:, :1])
        return found


@dataclass(frozen=True, slots=True, eq=False)
class StackScorer:
    """See `models.protocol.Scorer`; some hundred texts a second and core, so for a subsample."""

    revision: str
    stage_1: LinearScorer
    encoder: Encoder
    head: Head

    @property
    def categories(self) -> tuple[str, ...]:
        """Those of stage 1."""
        return self.stage_1.categories

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n_texts, 1 + n_categories)."""
        found = self.stage_1.score(texts)
        explained = [explain(self.stage_1, text) for text in texts]
        read = np.array([at for at, one in enumerate(explained) if one is not None], np.intp)
        if len(read):
            groups = np.array([LANGUAGES.index(one.language) for one in explained if one is not None])
            margins = self.head.margins(self.encoder.encode([texts[at] for at in read.tolist()]))
            found[read] = self.head.probabilities(found[read].astype(np.float64), margins, groups)
        return found


def log_odds_of(probabilities: Floats) -> Floats:
    """Finite for 0 and 1, too."""
    kept = np.clip(probabilities, _NO_NEARER, 1 - _NO_NEARER)
    found: Floats = np.log(kept / (1 - kept))
    return found
