"""Comparison of both stages on a left-out source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks import stage_2_sources
from models import data


class ByWord:
    """Scorer of one column: `high` for texts with a word, .5 for others."""

    revision = "test"
    categories: tuple[str, ...] = ()

    def __init__(self, word: str, high: float) -> None:
        self._word, self._high = word, high

    def score(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[self._high if self._word in text else 0.5] for text in texts], np.float32)


def examples(language: str, n: int) -> list[data.Example]:
    return [data.Example("bad" if at % 2 else "good", "uli_en", "", language, (at % 2, 0, 0, 0)) for at in range(n)]


def test_rank_compares_stages_by_language() -> None:
    texts = [*examples("en", 100), *examples("hi", 20)]
    (row,) = stage_2_sources.rank("uli_en", texts, ByWord("good", 0.9), ByWord("bad", 0.9))
    assert row == ("uli_en", "en", 100, 0.0, 1.0), "20 texts are too few for a row"


def test_unread_text_ranks_as_harmless() -> None:
    (row,) = stage_2_sources.rank("uli_en", examples("en", 100), ByWord("good", float("nan")), ByWord("bad", 0.5))
    assert row.stage_1 == pytest.approx(1.0) and row.stage_2 == pytest.approx(0.5)
