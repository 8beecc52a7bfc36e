"""Errors about model files, training texts and the encoder; callers translate them into errors of their own."""

from __future__ import annotations


class ArtefactError(ValueError):
    """Unusable model file: missing, truncated, altered, or of another format or other features."""


class TrainingDataError(ValueError):
    """Unusable labelled texts: a file is missing or a line is malformed."""


class EncoderUnavailable(RuntimeError):
    """Stage 2 unavailable on this machine: a part of the extra `encoder` is missing or of an unknown version."""
