"""Read and write the model file of stage 2, bound to one linear artefact and one encoder revision."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from models import artefact
from models.encoder.devanagari import Transliterator
from models.encoder.encoder import Encoder
from models.encoder.stack import StackHead, StackScorer
from models.errors import ArtefactError
from models.scorer import LANGUAGES, LinearScorer
from models.share import N_BETWEEN, N_ERRORS, N_MOMENTS

FORMAT = "hushtag-stack-2"
STACK_PATH = artefact.ARTEFACT_PATH.with_name("stack.skops")

_HEAD = tuple(field.name for field in fields(StackHead))
_ARRAYS = (*_HEAD, "words")
_TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(np.float64) for name in _HEAD} | {
    "inward": np.dtype(np.float16),
    "words": np.dtype(np.uint8),
}
_TEXTS = ("format", "stage_1", "encoder", "training")


def dump(head: StackHead, transliterator: Transliterator, stage_1: str, training: dict[str, object]) -> bytes:
    """Serialise stage 2; `stage_1` is the linear artefact's revision, `training` is metadata for JSON."""
    arrays = {name: getattr(head, name) for name in _HEAD} | {"words": transliterator.to_array()}
    content: dict[str, object] = {
        "format": FORMAT,
        "stage_1": stage_1,
        "encoder": Encoder.revision,
        "training": json.dumps(training, sort_keys=True, ensure_ascii=False),
        **{name: np.ascontiguousarray(arrays[name], _TYPES[name]) for name in _ARRAYS},
    }
    content["digest"] = artefact.digest(content, _TEXTS, _ARRAYS)
    return artefact.canonical(content)


def load(path: Path, stage_1: LinearScorer, encoder: Encoder) -> StackScorer:
    """Load the stage 2 scorer from a file, for the given stage 1 and encoder. Raises ArtefactError."""
    data = artefact.read(path)
    return loads(data, stage_1, encoder, str(path))


def loads(data: bytes, stage_1: LinearScorer, encoder: Encoder, name: str = "stack") -> StackScorer:
    """Load the stage 2 scorer from bytes; `name` identifies them in errors. Raises ArtefactError."""
    content = artefact.content_of(data, name, FORMAT, _TEXTS, _ARRAYS)
    for what, revision in (("stage_1", stage_1.revision), ("encoder", encoder.revision)):
        if content[what] != revision:
            raise ArtefactError(
                f"{name} was trained for {what} {content[what]!r}, not for {revision!r}: train stage 2 again"
            )
    head = StackHead(**{key: np.ascontiguousarray(content[key]) for key in _HEAD})
    n_columns, n_hidden = 1 + len(stage_1.categories), head.outward.shape[-1]
    shapes = {
        "inward": (n_columns, encoder.width, n_hidden),
        "inward_bias": (n_columns, n_hidden),
        "outward": (n_columns, n_hidden),
        "outward_bias": (n_columns,),
        **dict.fromkeys(("linear", "margin", "intercept"), (len(LANGUAGES), n_columns)),
        "moments": (len(LANGUAGES), n_columns, N_MOMENTS),
        "errors": (len(LANGUAGES), n_columns, N_ERRORS),
        "between": (len(LANGUAGES), n_columns, N_BETWEEN),
        "words": content["words"].shape[:1],
    }
    artefact.check_shapes({key: content[key] for key in _ARRAYS}, shapes, _TYPES, name)
    try:
        transliterator = Transliterator.from_array(content["words"])
    except ValueError as error:
        raise ArtefactError(f"{name}: its words are no UTF-8: {error}") from error
    return StackScorer(hashlib.sha256(data).hexdigest()[:12], stage_1, encoder, head, transliterator)
