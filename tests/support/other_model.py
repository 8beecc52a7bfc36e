"""A second model artefact besides the committed one, and a model cache over topics in memory."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import skops.io

from models import artefact
from streams.log.models import revision_of
from streams.pipeline.model_cache import ModelCache
from streams.scoring import TextScorer, load_text_scorer
from tests.support.shells import Shells

GOOD = artefact.ARTEFACT_PATH.read_bytes()
OWN = load_text_scorer()
OTHER = artefact.dump(
    dataclasses.replace(artefact.loads(GOOD).numbers, no_words=np.full(len(OWN.categories) + 1, 0.25)),
    OWN.categories,
    {"seed": 99},
)
"""Another model: a text without a word has another probability."""
REVISION = revision_of(OTHER)


def packed(**changes: Any) -> bytes:
    """Return the committed artefact with changed content; None removes a key. The digest is updated unless given."""
    changed = {key: value for key, value in (skops.io.loads(GOOD) | changes).items() if value is not None}
    if all(changes.values()) and "digest" not in changes:
        changed["digest"] = artefact.digest(changed, artefact.TEXTS, artefact.ARRAYS)
    return artefact.canonical(changed)


def cache_of(shells: Shells, own: TextScorer = OWN, errors: list[str] | None = None) -> ModelCache:
    """Return a cache whose log appends the reasons of its errors to a list."""
    log = SimpleNamespace(error=lambda _, **fields: None if errors is None else errors.append(fields["why"]))
    return ModelCache(shells.context.settings, own, shells.context.metrics, log)
