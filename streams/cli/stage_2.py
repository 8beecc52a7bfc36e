"""Stage 2 as the commands want it: what is missing or does not fit is the caller's mistake, with the fix."""

from __future__ import annotations

from pathlib import Path

import models
from streams.errors import CallerMistake


def stack(path: Path | None, remember: Path | None = None) -> models.Scorer:
    """Stage 2 on top of the linear model at `path`. Raises CallerMistake."""
    try:
        return models.load_stack(path, remember=remember)
    except models.EncoderUnavailable as error:
        raise CallerMistake(f"stage 2 is not here: {error}", fix="make encoder, or leave --stage 2 out") from error
    except models.ArtefactError as error:
        raise CallerMistake(str(error), fix="train stage 2 on this model: hushtag train --stage 2") from error
