"""Author samples and corrections for tests."""

from __future__ import annotations

import numpy as np

from streams.windows.corrections import Corrections
from streams.windows.window import AuthorSample
from tests.support.judge_harness import SCORER

CORRECTION_COLUMNS = 1 + len(SCORER.categories)


def every_tweet(tweets: range, keys: list[int]) -> AuthorSample:
    """Sample every tweet under every key."""
    n = len(keys) * len(tweets)
    zeros = np.zeros(n, np.int64)
    return AuthorSample(
        np.repeat(np.arange(len(keys)), len(tweets)), zeros.astype(np.uint64), np.tile(np.array(tweets), len(keys)),
        zeros, zeros.astype(np.int32), zeros.astype(np.uint8), zeros.astype(np.uint32), np.zeros((n, 1), np.float32),
        np.ones(n), np.zeros(n, bool),
    )  # fmt: skip


def corrections(
    tweets: list[int], by: float = -0.5, *, tag: str = "a", revision: str = "new", model: str = SCORER.revision
) -> Corrections:
    """A record of stage 2 in which every probability differs by the same amount."""
    differences = np.full((len(tweets), CORRECTION_COLUMNS), by, "<f4")
    return Corrections(revision, model, [tag] * len(tweets), np.array(tweets, "<i8").tobytes(), differences.tobytes())
