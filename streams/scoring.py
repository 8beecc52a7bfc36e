"""Stage 1 as the judge needs it: texts in, probabilities and fingerprints out. A pure function of text and model."""

from __future__ import annotations

from pathlib import Path

import models
from models import copies, features
from models.protocol import GroupingScorer, PointsScorer, Scorer
from models.scorer import LinearScorer
from streams.counting.scores import Scores
from streams.errors import CallerMistake


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
        """What the probabilities mean as shares; None: of a scorer that does not say, they are taken as they are."""

    def __call__(self, lines: bytes) -> Scores:
        """Score texts, each a line in UTF-8 (lone surrogates pass). Blocks: call it in a thread from an event loop."""
        joined = lines.decode("utf-8", "surrogatepass")
        points, offsets = features.encode_lines(joined)
        groups = None
        if isinstance(self._scorer, GroupingScorer):
            probabilities, groups = self._scorer.score_groups(points, offsets)
        elif isinstance(self._scorer, PointsScorer):
            probabilities = self._scorer.score_points(points, offsets)
        else:
            probabilities = self._scorer.score(joined.split("\n")[:-1])
        return Scores(probabilities, copies.of_points(points, offsets), groups)


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
