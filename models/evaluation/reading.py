"""Scorers without their language gate, for labelled texts: these are known to be in a language that is read."""

from __future__ import annotations

from dataclasses import replace

from models.protocol import Scorer
from models.scorer import LinearScorer


def reading_all(scorer: Scorer) -> Scorer:
    """Return the scorer without a gate. A scorer that is not this project's is returned as it is."""
    if isinstance(scorer, LinearScorer):
        return scorer.reading_all()
    stage_1 = getattr(scorer, "stage_1", None)
    if isinstance(stage_1, LinearScorer):
        ungated: Scorer = replace(scorer, stage_1=stage_1.reading_all())  # type: ignore[type-var]  # a StackScorer
        return ungated
    return scorer
