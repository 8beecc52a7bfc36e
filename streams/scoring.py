"""Stage 1 as the judge needs it: texts in, probabilities and fingerprints out. A pure function of text and model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import models
from models.protocol import Scorer
from streams.counting.pane import Scored
from streams.errors import CallerMistake
from streams.judging.copies import fingerprint


class TextScorer:
    """A scorer behind the judge's interface.

    Args:
        scorer: any object with the `models.scorer.Scorer` protocol.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.revision = scorer.revision
        self.categories = tuple(scorer.categories)

    def __call__(self, texts: Sequence[str]) -> dict[str, Scored]:
        """Score distinct texts. Blocks: call it in a thread from an event loop."""
        if not texts:
            return {}
        probabilities = self._scorer.score(texts)
        return {text: Scored(row, fingerprint(text)) for text, row in zip(texts, probabilities, strict=True)}


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
