"""Baseline of the evaluation: one logistic regression on hashed words, characters and skeleton keys.

It uses scikit-learn's own parts, without calibration by language, generated sentences or romanised texts. It is
trained on the scorer's training texts in the run that measures both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from models import characters, data

_MASKED = re.compile(r"<handle replaced>|https?://\S+|[@#]\w+")
# scikit-learn's default pattern treats Devanagari vowel signs as punctuation and splits every Hindi word.
_WORD = r"[\w\u0900-\u0963]+"
_N_BUCKETS = 1 << 18


class Baseline:
    """Scorer with one column, "any category"; see `models.protocol.Scorer`."""

    revision = "baseline"
    categories: tuple[str, ...] = ()

    def __init__(self, examples: Sequence[data.Example]) -> None:
        words = {"n_features": _N_BUCKETS, "token_pattern": _WORD, "ngram_range": (1, 2), "alternate_sign": False}
        self._words = HashingVectorizer(**words)
        self._characters = HashingVectorizer(
            n_features=_N_BUCKETS, analyzer="char_wb", ngram_range=(3, 5), alternate_sign=False
        )
        self._keys = HashingVectorizer(**words | {"lowercase": False})
        self._model = LogisticRegression(solver="liblinear", dual=True, tol=1e-2, max_iter=1_000, random_state=0)
        self._model.fit(self._features([e.text for e in examples]), [e.labels[0] for e in examples])

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return probabilities of harm, shape (n_texts, 1)."""
        return np.asarray(self._model.predict_proba(self._features(texts))[:, 1:], np.float32)

    def _features(self, texts: Sequence[str]) -> sparse.csr_matrix:
        masked = [_MASKED.sub(" ", text) for text in texts]
        parts = (
            self._words.transform(masked),
            self._characters.transform(masked),
            self._keys.transform([_keys(text) for text in masked]),
        )
        return sparse.hstack(parts).tocsr()


def _keys(text: str) -> str:
    """Join the vowel-free keys of the words, which are equal for Devanagari and Roman spelling."""
    return " ".join(filter(None, (_key(word) for word in re.findall(_WORD, text.lower()))))


def _key(word: str) -> str:
    table, key = characters.skeleton_table(), ""
    for char in word:
        code = int(table[ord(char)]) if ord(char) < characters.SKELETON_SIZE else 0
        if code == characters.SKELETON_BREATH:
            code = ord("H") if not key else 0
        if code > characters.SKELETON_BREATH and not key.endswith(chr(code)):
            key += chr(code)
    return key
