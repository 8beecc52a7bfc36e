"""Evaluation without the language gate."""

from __future__ import annotations

from typing import cast

import numpy as np

from models import data, load_scorer
from models.evaluation import figures
from models.evaluation.reading import reading_all
from models.protocol import Scorer
from models.scorer import LinearScorer

TAMIL = "இன்று மழை பெய்யும் என்று சொல்கிறார்கள்"


class Foreign:
    """Scorer of another team, without a gate to remove."""

    revision, categories = "0" * 12, ("abuse",)


def test_labelled_texts_are_scored_whatever_the_gate_says() -> None:
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    assert np.isnan(scorer.score([TAMIL])).all()
    example = data.Example(TAMIL, "uli_en", "", "en", (0, 0, 0, 0))
    (found,) = figures.score_sets({"dev": [example]}, scorer, scorer)
    assert np.isfinite(found.probabilities).all()
    assert found.baseline is not None and np.isfinite(found.baseline).all()


def test_scorer_of_another_team_is_left_alone() -> None:
    foreign = cast(Scorer, Foreign())
    assert reading_all(foreign) is foreign
