"""Models of a simulated history, for which harm is one word."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from models.share import Scale
from streams.scoring import TextScorer, score_batches
from streams.windows.open_pane import Scores


class WordModel:
    """A model for which harm is one word."""

    revision = "0" * 12
    categories = ("abuse", "hateful_conduct")

    def score(self, texts):
        hate = np.array([0.875 if "bad" in text else 0.125 for text in texts], np.float32)
        abuse = np.array([0.875 if "rude" in text else 0.125 for text in texts], np.float32)
        return np.stack([np.maximum(hate, abuse), abuse, hate], axis=1)


def score_a_part(model: WordModel, texts):
    """Score texts as a model that reads two of five, and leaves the others as NaN; in place of `WordModel.score`."""
    found = _score_all(model, texts)
    found[[crc32(text.encode("utf-8", "replace")) % 5 < 3 for text in texts]] = np.nan
    return found


_score_all = WordModel.score


class LaterWordModel(WordModel):
    """A later model: other numbers for the same words."""

    revision = "1" * 12

    def score(self, texts):
        return 0.9 * super().score(texts) + np.float32(0.05)


SCORER = TextScorer(WordModel())
LATER = TextScorer(LaterWordModel())
LATER.scale = Scale(np.tile([0.25, 0.75, 0.02, 0.02], (1, 3, 1)), np.full((1, 3, 3), 0.001))
SCORERS = {one.revision: one for one in (SCORER, LATER)}


def scores(batches: list[tuple[str, bytes]]) -> Scores:
    return score_batches(batches, SCORERS.get, 1 + len(SCORER.categories))
