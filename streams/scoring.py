"""Stage 1 as the judge needs it: texts in, probabilities and fingerprints out. A pure function of text and model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import models
from models import copies, features
from models.protocol import GroupingScorer, PointsScorer, Scorer
from models.scorer import LinearScorer
from streams.counting.block_counts import MAX_GROUPS
from streams.errors import CallerMistake
from streams.windows.scores import Scores


class TextScorer:
    """A scorer behind the judge's interface.

    Args:
        scorer: any object with the `models.protocol.Scorer` protocol; with `PointsScorer` a text is read but once,
            with `GroupingScorer` decisions go by estimated shares instead of mean probabilities.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.revision = scorer.revision
        self.categories = tuple(scorer.categories)
        self.deciles = scorer.numbers.deciles[0] if isinstance(scorer, LinearScorer) else None
        """(9,) of any category in labelled tweets (see `models.drift`); None of a scorer that knows none."""
        self.scale = scorer.scale if isinstance(scorer, GroupingScorer) else None
        if self.scale is not None and self.scale.n_groups > MAX_GROUPS:
            raise ValueError(f"a scorer may tell {MAX_GROUPS} groups of languages apart, not {self.scale.n_groups}")
        """What the probabilities mean as shares; None: of a scorer that does not say, they are taken as they are."""

    def __call__(self, lines: bytes) -> Scores:
        """Score texts, each a line in UTF-8 (lone surrogates pass). Blocks: call it in a thread from an event loop."""
        joined = lines.decode("utf-8", "surrogatepass")
        points, offsets = features.encode_lines(joined)
        if isinstance(self._scorer, LinearScorer):
            probabilities, known_groups, fingerprints = self._scorer.score_and_fingerprint(points, offsets)
            return Scores(probabilities, fingerprints, known_groups)
        groups = None
        if isinstance(self._scorer, GroupingScorer):
            probabilities, groups = self._scorer.score_groups(points, offsets)
        elif isinstance(self._scorer, PointsScorer):
            probabilities = self._scorer.score_points(points, offsets)
        else:
            probabilities = self._scorer.score(joined.split("\n")[:-1])
        return Scores(probabilities, copies.of_points(points, offsets), groups)


class _NoModel:
    """In the place of a scorer where nothing is ever scored."""

    revision = ""
    categories: tuple[str, ...] = ()

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        raise AssertionError("there is no model here")


def no_scorer() -> TextScorer:
    """For a worker that neither names a model nor scores by it."""
    return TextScorer(_NoModel())


def silent(lines: bytes, columns: int) -> Scores:
    """What there is to say of texts without a model: no probability, and fingerprints as ever."""
    points, offsets = features.encode_lines(lines.decode("utf-8", "surrogatepass"))
    probabilities = np.full((len(offsets) - 1, columns), np.nan, np.float32)
    return Scores(probabilities, copies.of_points(points, offsets), silent=True)


def score_batches(
    batches: Sequence[tuple[str, bytes]], scorers: Callable[[str], TextScorer | None], columns: int
) -> Scores:
    """Texts by the revision that scores them, to the scores of all in their order.

    Args:
        scorers: of a revision; None where that model is not to be had.
        columns: score columns of a text.
    """
    found = []
    for revision, lines in batches:
        scorer = scorers(revision)
        found.append(silent(lines, columns) if scorer is None else scorer(lines))
    if len(found) == 1:
        return found[0]
    return Scores(
        np.concatenate([one.probabilities for one in found]),
        np.concatenate([one.copies for one in found]),
        np.concatenate([one.groups for one in found]),
        silent=any(one.silent for one in found),
    )


def load_text_scorer(path: Path | None = None) -> TextScorer:
    """The artefact at a path, or the committed one.

    Raises:
        CallerMistake: it cannot be used, with the reason.
    """
    try:
        return TextScorer(models.load_scorer(path))
    except (OSError, ValueError) as error:
        raise CallerMistake(
            f"the model artefact cannot be used: {error}", fix="set HUSHTAG_MODEL to a good one, or unset it"
        ) from error
