"""Text to harm: features, the linear scorer and its artefact, training, evaluation. Imports nothing of ours."""

from __future__ import annotations

from pathlib import Path

from models.errors import ArtefactError, TrainingDataError
from models.protocol import Scorer

__all__ = ["ArtefactError", "Scorer", "TrainingDataError", "load_scorer"]


def load_scorer(path: Path | None = None) -> Scorer:
    """The scorer of the artefact at `path`, by default the one that comes with hushtag, ready to run at full speed.

    The first call on a machine compiles the features (about 5 s, then kept on disk). Raises ArtefactError.
    """
    from models import artefact  # not before it is needed: it brings numba

    scorer = artefact.load(artefact.ARTEFACT_PATH if path is None else path)
    scorer.score([""])
    return scorer
