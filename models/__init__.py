"""Scoring of texts: features, the linear scorer and its artefact, the encoder stage, training and evaluation."""

from __future__ import annotations

from pathlib import Path

from models.errors import ArtefactError, EncoderUnavailable, TrainingDataError
from models.protocol import LanguageScorer, Scorer

__all__ = ["ArtefactError", "EncoderUnavailable", "Scorer", "TrainingDataError", "load_scorer", "load_stack"]


def load_scorer(path: Path | None = None) -> LanguageScorer:
    """Load the scorer of an artefact and compile its kernels.

    The first call on a machine compiles for about 5 s; the machine code is then cached on disk.

    Args:
        path: artefact file; None: the artefact of this release.

    Raises:
        ArtefactError: the file cannot be used.
    """
    from models import artefact  # imported late because it loads numba

    scorer = artefact.load(artefact.ARTEFACT_PATH if path is None else path)
    scorer.score([""])
    return scorer


def load_stack(stage_1: Path | None = None, *, remember: Path | None = None) -> LanguageScorer:
    """Load the stage 2 scorer, which adds an encoder to the linear scorer (about 100 texts a second and core).

    Args:
        stage_1: file of the linear scorer; None: that of this release.
        remember: cache folder for vectors of texts; None: vectors are not cached.

    Raises:
        EncoderUnavailable: the extra `encoder` is not installed.
        ArtefactError: a file cannot be used.
    """
    from models import artefact

    try:
        from models.encoder import stack_file
        from models.encoder.encoder import Encoder
    except ImportError as error:
        raise EncoderUnavailable(f"package {error.name} of the extra `encoder` is not installed") from error
    linear = artefact.load(artefact.ARTEFACT_PATH if stage_1 is None else stage_1)
    return stack_file.load(stack_file.STACK_PATH, linear, Encoder.with_cache(remember))
