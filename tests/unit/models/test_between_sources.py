"""Variance of the harmful mean between sources of labels."""

from __future__ import annotations

import numpy as np
import pytest

from models import between_sources
from models.between_sources import PART

MOMENTS = np.zeros((2, 2, 4))
MOMENTS[:, :, 1] = [[0.4, 0.3], [0.2, 0.1]]


def test_between_is_part_of_mean_square_in_own_gaps() -> None:
    found = between_sources.between_of([[0.5, -0.5, 0.1], [0.2, -0.2, 0.2]], MOMENTS)
    assert not found[:, :, :2].any(), "the clean mean is not widened"
    assert found[:, 0, 2] == pytest.approx(PART * 0.17 * np.array([0.16, 0.04]))
    assert found[:, 1, 2] == pytest.approx(PART * 0.04 * np.array([0.09, 0.01]))


def test_column_of_two_sources_borrows_variance_of_harmful() -> None:
    found = between_sources.between_of([[0.5, -0.5, 0.1], [0.2, -0.2]], MOMENTS)
    assert found[0, 1, 2] == pytest.approx(PART * 0.17 * 0.09)


def test_one_source_gives_no_estimate() -> None:
    assert not between_sources.between_of([[0.5], []], MOMENTS).any()


def test_deviation_counts_gaps_of_the_other_sources() -> None:
    outside, labels = np.array([0.9, 0.8, 0.7, 0.1]), np.array([-1, 1, 1, 0], np.int8)
    others, labels_of_others = np.array([0.2, 0.2, 0.6, 0.6, 0.9]), np.array([0, 0, 1, 1, -1], np.int8)
    assert between_sources.deviation(outside, labels, others, labels_of_others) == pytest.approx(0.15 / 0.4)
    assert not between_sources.is_enough(labels)
    assert between_sources.is_enough(np.repeat(np.array([0, 1], np.int8), between_sources.FEWEST_TEXTS))
