"""Scores of labelled texts by the live model: probabilities and language, never the text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads numba
    from models.scorer import LinearScorer

_SCALE = frozenset({"moments", "errors", "between", "deciles"})
"""Arrays of a model that no score depends on."""


@dataclass(frozen=True, slots=True)
class ScoredText:
    """Scores of one text."""

    language: str
    """Language group that the model found."""
    probabilities: tuple[float, ...] | None
    """Probabilities of any category, then of each; None: the model does not read this language."""


def scores_revision(scorer: LinearScorer) -> str:
    """Return the digest of the part of a model that scores: two models with equal digests give equal scores.

    A calibration changes the scale alone. So labels that were scored by the model before it stay valid.
    """
    import numpy as np

    digest = hashlib.sha256()
    for array_field in fields(scorer.numbers):
        if array_field.name not in _SCALE:
            array = np.ascontiguousarray(getattr(scorer.numbers, array_field.name))
            digest.update(f"{array_field.name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    digest.update("\n".join(scorer.categories).encode())
    return digest.hexdigest()[:12]


def score_texts(scorer: LinearScorer, texts: Sequence[str], langs: Sequence[str]) -> list[ScoredText]:
    """Score texts as a judge does.

    Args:
        scorer: the live model.
        texts: any number of texts.
        langs: language of each that its payload names (BCP 47), `und` where none.
    """
    import numpy as np

    from models import features
    from models.languages import GROUPS, hint_of

    if not texts:
        return []
    hints = np.array([hint_of(lang) for lang in langs], np.uint8)
    probabilities, groups, _ = scorer.score_and_fingerprint(*features.encode(list(texts)), hints)
    return [
        ScoredText(GROUPS[group], None if np.isnan(row[0]) else tuple(float(value) for value in row))
        for group, row in zip(groups.tolist(), probabilities, strict=True)
    ]
