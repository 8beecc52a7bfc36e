"""Stage 1 for the judge: texts to probabilities and fingerprints, a pure function of text and model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import models
from models import copies, features
from models.languages import hint_of
from models.protocol import GroupingScorer, PointsScorer, Scorer
from models.scorer import LinearScorer
from streams.counting.block_counts import MAX_GROUPS, UNSCORED
from streams.counting.origins import LANGUAGES
from streams.errors import CallerMistake
from streams.windows.open_pane import Scores, TextBatch

_HINTS = np.array([hint_of(tag) for tag in LANGUAGES], np.uint8)
"""Number of each language of the payloads as the language gate numbers it."""


class TextScorer:
    """Adapter from a scorer to the judge's interface.

    Args:
        scorer: any `models.protocol.Scorer`. A `PointsScorer` reads each text only once. With a `GroupingScorer`
            decisions use estimated shares instead of mean probabilities.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.revision = scorer.revision
        self.categories = tuple(scorer.categories)
        self.deciles = scorer.numbers.deciles[0] if isinstance(scorer, LinearScorer) else None
        """Deciles (9,) of any category in labelled tweets (see `models.drift`); None if the scorer has none."""
        self.scale = scorer.scale if isinstance(scorer, GroupingScorer) else None
        if self.scale is not None and self.scale.n_groups > MAX_GROUPS:
            raise ValueError(f"a scorer may have at most {MAX_GROUPS} language groups, not {self.scale.n_groups}")
        """Scale from probabilities to shares; None: a probability is taken as a share."""

    def __call__(self, lines: bytes, languages: npt.NDArray[np.uint8] | None = None) -> Scores:
        """Score texts. Blocks: call it in a thread from an event loop.

        Args:
            lines: n texts, one per line in UTF-8 (lone surrogates pass).
            languages: (n,) languages that the payloads name, as `streams.counting.origins` numbers them; None: unknown.
        """
        points, offsets = features.encode_lines(lines)
        if isinstance(self._scorer, LinearScorer):
            hints = None if languages is None else _HINTS[languages]
            probabilities, known_groups, fingerprints = self._scorer.score_and_fingerprint(points, offsets, hints)
            return Scores(probabilities, fingerprints, known_groups)
        if isinstance(self._scorer, GroupingScorer):
            probabilities, groups = self._scorer.score_groups(points, offsets)
            groups = np.minimum(groups, MAX_GROUPS - 1).astype(np.uint8)  # `UNSCORED` is no group of a scorer's
        else:
            if isinstance(self._scorer, PointsScorer):
                probabilities = self._scorer.score_points(points, offsets)
            else:
                probabilities = self._scorer.score(lines.decode("utf-8", "surrogatepass").split("\n")[:-1])
            groups = np.isnan(probabilities[:, 0]).astype(np.uint8)  # the one group, and after it what is not read
        return Scores(probabilities, copies.fingerprints_of_points(points, offsets), groups)


class _NoModel:
    """Scorer of a worker that never scores."""

    revision = ""
    categories: tuple[str, ...] = ()

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        raise AssertionError("this worker has no model")


def no_scorer() -> TextScorer:
    """Return the scorer of a worker that neither publishes a model nor scores."""
    return TextScorer(_NoModel())


def silent(lines: bytes, columns: int) -> Scores:
    """Return scores without a model: no probabilities, but fingerprints."""
    points, offsets = features.encode_lines(lines)
    probabilities = np.full((len(offsets) - 1, columns), np.nan, np.float32)
    groups = np.full(len(probabilities), UNSCORED, np.uint8)
    return Scores(probabilities, copies.fingerprints_of_points(points, offsets), groups, silent=True)


def score_batches(batches: Sequence[TextBatch], scorers: Callable[[str], TextScorer | None], columns: int) -> Scores:
    """Score batches of texts, each by its own model, and concatenate the scores in order.

    Args:
        batches: texts, each with the revision of its model.
        scorers: returns the scorer of a revision; None if the model cannot be loaded.
        columns: number of score columns of a text.
    """
    scored = []
    for revision, lines, languages in batches:
        scorer = scorers(revision)
        scored.append(silent(lines, columns) if scorer is None else scorer(lines, languages))
    if len(scored) == 1:
        return scored[0]
    return Scores(
        np.concatenate([part.probabilities for part in scored]),
        np.concatenate([part.copies for part in scored]),
        np.concatenate([part.groups for part in scored]),
        silent=any(part.silent for part in scored),
    )


def load_text_scorer(path: Path | None = None) -> TextScorer:
    """Load the artefact at a path, or the committed one.

    Raises:
        CallerMistake: the artefact cannot be used, with the reason.
    """
    try:
        return TextScorer(models.load_scorer(path))
    except (OSError, ValueError) as error:
        raise CallerMistake(
            f"the model artefact cannot be used: {error}", fix="set HUSHTAG_MODEL to a usable artefact, or unset it"
        ) from error
