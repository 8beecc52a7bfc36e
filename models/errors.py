"""What can be wrong with a model file, in words for whoever gave it. Callers turn it into an error of their own."""

from __future__ import annotations


class ArtefactError(ValueError):
    """A model artefact cannot be used: missing, truncated, altered, of another format or of other features."""


class TrainingDataError(ValueError):
    """The labelled texts cannot be used: a file is missing or a line of it is not what it should be."""


class EncoderUnavailable(RuntimeError):
    """Stage 2 cannot be used on this machine: a part of the extra `encoder` is missing, or another than is known."""
