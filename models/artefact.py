"""Read and write model files in the skops format, which cannot execute code when it is read.

A file is checked before use. skops names array files and nodes by memory address and adds the time of day. Both are
made canonical here, so that a repeated training gives the same bytes and the same revision.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models import features, languages, skops_data
from models.errors import ArtefactError
from models.scorer import LANGUAGES, LinearScorer, LinearWeights

FORMAT = "hushtag-linear-3"
ARTEFACT_PATH = Path(__file__).parent / "artefact" / "scorer.skops"
MAX_BYTES = 64 << 20

ARRAYS = tuple(field.name for field in fields(LinearWeights))
_TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(np.float64) for name in ARRAYS} | {
    "weights": np.dtype(np.int16),
    "detector": np.dtype(np.int8),
}
TEXTS = ("format", "features", "languages", "training", "categories")
_ID = re.compile(r'("__id__": |"file": ")(\d+)')

Content = dict[str, Any]


def dump(numbers: LinearWeights, categories: tuple[str, ...], training: dict[str, object]) -> bytes:
    """Serialise a linear scorer; `training` is metadata that JSON can represent (recipe, hashes of the data)."""
    content: Content = {
        "format": FORMAT,
        "features": features.fingerprint(),
        "languages": languages.fingerprint(),
        "categories": list(categories),
        "training": json.dumps(training, sort_keys=True, ensure_ascii=False),
        **{name: np.ascontiguousarray(getattr(numbers, name), _TYPES[name]) for name in ARRAYS},
    }
    content["digest"] = digest(content, TEXTS, ARRAYS)
    return canonical(content)


def load(path: Path) -> LinearScorer:
    """Load the scorer from a file. Raises ArtefactError with the reason."""
    return loads(read(path), str(path))


def loads(data: bytes, name: str = "artefact") -> LinearScorer:
    """Load the scorer from bytes; `name` identifies them in errors. Raises ArtefactError."""
    content = content_of(data, name, FORMAT, TEXTS, ARRAYS)
    if content["features"] != features.fingerprint():
        raise ArtefactError(
            f"{name} was trained on features {content['features']!r}, this version computes "
            f"{features.fingerprint()!r}: train the model again"
        )
    if content["languages"] != languages.fingerprint():
        raise ArtefactError(
            f"{name} was made for language rules {content['languages']!r}, this version has "
            f"{languages.fingerprint()!r}: run `python -m models.build_languages` on it, or train the model again"
        )
    categories = tuple(content["categories"])
    numbers = LinearWeights(**{key: np.ascontiguousarray(content[key]) for key in ARRAYS})
    n_columns, n_buckets = 1 + len(categories), len(numbers.weights)
    shapes = {
        "weights": (n_buckets, n_columns + 1),
        "scales": (n_columns + 1,),
        "biases": (n_columns + 1,),
        "slopes": (len(LANGUAGES), n_columns),
        "intercepts": (len(LANGUAGES), n_columns),
        "no_words": (n_columns,),
        "moments": (len(LANGUAGES), n_columns, 4),
        "errors": (len(LANGUAGES), n_columns, 3),
        "deciles": (n_columns, 9),
        "detector": (len(numbers.detector), len(languages.LATIN)),
        "between": (len(LANGUAGES), n_columns, 3),
    }
    check_shapes({key: content[key] for key in ARRAYS}, shapes, _TYPES, name)
    for n_rows in (n_buckets, len(numbers.detector)):
        if n_rows == 0 or n_rows & (n_rows - 1):
            raise ArtefactError(f"{name}: {n_rows} buckets, expected a power of two")
    return LinearScorer(hashlib.sha256(data).hexdigest()[:12], categories, numbers, json.loads(content["training"]))


def read(path: Path) -> bytes:
    """Read the bytes of a model file. Raises ArtefactError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArtefactError(f"{path} is larger than the limit of {MAX_BYTES >> 20} MB for an artefact")
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path} cannot be read: {error.strerror}") from error


def content_of(
    data: bytes, name: str, expected_format: str, texts: tuple[str, ...], arrays: tuple[str, ...]
) -> Content:
    """Return the content of a model file after checks of its format, fields and digest.

    Args:
        data: bytes of the file.
        name: name of the file in errors.
        expected_format: expected value of `format`.
        texts: fields that are texts or lists of texts.
        arrays: fields that are arrays.

    Raises:
        ArtefactError: the file is damaged, altered, incomplete or of another format.
    """
    content = _unpacked(data, name)
    if str(content.get("format")) != expected_format:
        raise ArtefactError(
            f"{name} has format {content.get('format')!r}, this version reads {expected_format!r}:"
            " train the model again"
        )
    missing = [key for key in (*texts, "digest", *arrays) if key not in content]
    if missing:
        raise ArtefactError(f"{name} lacks {', '.join(missing)}")
    not_texts = [key for key in ("digest", *texts) if not _are_texts(content[key])]
    if not_texts:
        raise ArtefactError(f"{name} is damaged: {', '.join(not_texts)} is not a text")
    try:
        matches = content["digest"] == digest(content, texts, arrays)
        json.loads(content["training"])
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ArtefactError(f"{name} is damaged: {error}") from error
    if not matches:
        raise ArtefactError(f"{name} was altered: its content does not match its digest")
    return content


def _are_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(text, str) for text in value))


def _unpacked(data: bytes, name: str) -> Content:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise ArtefactError(f"{name} is not a complete skops file ({len(data)} bytes)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            broken = archive.testzip() if unpacked <= MAX_BYTES else None
        if unpacked > MAX_BYTES:
            raise ArtefactError(
                f"{name} unpacks to {unpacked} bytes, more than the limit of {MAX_BYTES} for an artefact"
            )
        if broken is not None:
            raise ArtefactError(f"{name} is damaged: {broken} does not match its checksum")
        content = skops_data.loads(data)
    except ArtefactError:
        raise
    except skops_data.NotDataError as error:
        raise ArtefactError(f"{name} contains a type that is not data: {error}") from error
    except Exception as error:  # a hostile file can raise any error in zipfile, numpy or skops
        raise ArtefactError(f"{name} is damaged: {type(error).__name__}: {error}") from error
    if not isinstance(content, dict):
        raise ArtefactError(f"{name} contains a {type(content).__name__}, not a scorer")
    return content


def digest(content: Content, texts: tuple[str, ...], arrays: tuple[str, ...]) -> str:
    """Compute the SHA-256 of the named texts (or lists of texts) and arrays of a model file."""
    sha256 = hashlib.sha256()
    for key in texts:
        value = content[key]
        sha256.update((value if isinstance(value, str) else "\0".join(value)).encode() + b"\0")
    for key in arrays:
        array = content[key]
        sha256.update(f"{key}{array.shape}{array.dtype.str}".encode())
        sha256.update(np.ascontiguousarray(array).tobytes())
    return sha256.hexdigest()


def check_shapes(
    arrays: dict[str, npt.NDArray[np.generic]],
    shapes: dict[str, tuple[int, ...]],
    types: dict[str, np.dtype[Any]],
    name: str,
) -> None:
    """Check shape, type and finiteness of arrays. Raises ArtefactError."""
    for key, shape in shapes.items():
        array = arrays[key]
        if array.shape != shape or array.dtype != types[key]:
            raise ArtefactError(f"{name}: {key} is {array.dtype}{array.shape}, expected {types[key]}{shape}")
        if not np.isfinite(array).all():
            raise ArtefactError(f"{name}: {key} contains numbers that are not finite")


def canonical(content: Content) -> bytes:
    """Write a compressed skops file with nodes numbered from 1, members in order and no time of day."""
    import skops.io  # imported late because it loads scikit-learn

    data = skops.io.dumps(content)
    numbers: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1))

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        schema = _ID.sub(renamed, source.read("schema.json").decode())
        members = {"schema.json": schema.encode()}
        for member in source.namelist():
            if member != "schema.json":
                members[numbers[member.removesuffix(".npy")] + ".npy"] = source.read(member)
        for member, packed in sorted(members.items()):
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            target.writestr(info, packed, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()
