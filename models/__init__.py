"""Text to harm: features, the linear scorer and its artefact, training, evaluation. Imports nothing of ours."""

from __future__ import annotations

from pathlib import Path

from models.errors import ArtefactError, EncoderUnavailable, TrainingDataError
from models.protocol import Scorer

__all__ = ["ArtefactError", "EncoderUnavailable", "Scorer", "TrainingDataError", "load_scorer", "load_stack"]


def load_scorer(path: Path | None = None) -> Scorer:
    """The scorer of the artefact at `path`, by default the one that comes with hushtag, ready to run at full speed.

    The first call on a machine compiles the features (about 5 s, then kept on disk). Raises ArtefactError.
    """
    from models import artefact  # not before it is needed: it brings numba

    scorer = artefact.load(artefact.ARTEFACT_PATH if path is None else path)
    scorer.score([""])
    return scorer


def load_stack(stage_1: Path | None = None, stack: Path | None = None, *, remember: Path | None = None) -> Scorer:
    """Stage 2: a scorer that also reads texts with the encoder, by default the one that comes with hushtag.

    Some hundred texts a second and core. Raises EncoderUnavailable where the extra `encoder` is not installed, and
    ArtefactError.

    Args:
        stage_1, stack: the two model files.
        remember: a folder in which vectors of texts are kept, so that none is encoded twice.
    """
    from models import artefact

    try:
        from models.encoder import stack_file
        from models.encoder.encoder import Encoder
    except ImportError as error:
        raise EncoderUnavailable(f"a package of the extra `encoder` is missing: {error.name}") from error
    linear = artefact.load(artefact.ARTEFACT_PATH if stage_1 is None else stage_1)
    return stack_file.load(stack_file.STACK_PATH if stack is None else stack, linear, Encoder.remembering(remember))
