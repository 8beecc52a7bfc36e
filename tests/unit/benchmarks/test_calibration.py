"""Coverage before and after a calibration, on texts of a platform with other means than the model's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import calibration
from benchmarks.calibration import CalibrationFigures, ScoredSource, measure, picture, table
from models import load_scorer
from models.scorer import LinearScorer


@pytest.fixture(scope="module")
def platform() -> ScoredSource:
    """Build a platform whose harmful texts score lower than the model expects."""
    live = load_scorer()
    assert isinstance(live, LinearScorer)
    numbers = live.numbers
    trained = replace(live, numbers=replace(numbers, between=np.zeros_like(numbers.between)))
    rng, labels = np.random.default_rng(0), np.repeat(np.array([0, 1], np.int8), 1_000)
    clean = float(numbers.moments[0, 0, 0])
    scores = rng.normal(np.where(labels == 1, clean + 0.15, clean), 0.08)
    return ScoredSource("platform", trained, np.tile(scores[:, None], (1, 4)), labels, np.zeros(2_000, np.intp))


def test_labels_bring_coverage_to_the_goal(platform: ScoredSource) -> None:
    before, after = (measure(platform, n_labels, repeats=3) for n_labels in (0, 300))
    assert before.coverage < 0.5 < calibration.LEAST_COVERAGE <= after.coverage
    assert after.error < before.error / 2


def test_table_has_a_row_for_each_figure() -> None:
    found = [CalibrationFigures("uli_en", 1_000, 0.912, 0.04, 0.15, 0.57)]
    rows = list(table(found))
    assert rows[2] == "| uli_en | 1,000 | 0.91 | 0.04 | 0.15 | 0.57 |"
    assert len({row.count("|") for row in rows}) == 1


def test_picture_has_a_line_for_each_source_of_tweets() -> None:
    found = [
        CalibrationFigures(source, labels, 0.5, 0.0, 0.1, 0.3)
        for source in ("uli_en", "hatemojibuild")
        for labels in (0, 100)
    ]
    drawn = picture(found)
    assert drawn.count("<polyline") == 1
    assert "uli_en" in drawn and "goal 0.85" in drawn and "hatemojibuild" not in drawn
