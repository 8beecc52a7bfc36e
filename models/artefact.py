"""The model file: skops, so that reading it cannot run code; checked on the way in; the same numbers, the same bytes.

skops names array files and nodes by memory address and stamps the time of day; here both are made canonical, so that a
training that is repeated gives the same file and the same revision.
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

from models import features, skops_data
from models.errors import ArtefactError
from models.scorer import LANGUAGES, LinearScorer, Weights

FORMAT = "hushtag-linear-2"
ARTEFACT_PATH = Path(__file__).parent / "artefact" / "scorer.skops"
MAX_BYTES = 64 << 20

_ARRAYS = tuple(field.name for field in fields(Weights))
_TYPES = {name: np.dtype(np.int16 if name == "weights" else np.float64) for name in _ARRAYS}
_TEXTS = ("format", "features", "training", "categories")
_ID = re.compile(r'("__id__": |"file": ")(\d+)')

Content = dict[str, Any]


def dump(numbers: Weights, categories: tuple[str, ...], training: dict[str, object]) -> bytes:
    """The bytes of an artefact. `training` is anything that JSON can say: seed, figures, hashes of the data."""
    content: Content = {
        "format": FORMAT,
        "features": features.fingerprint(),
        "categories": list(categories),
        "training": json.dumps(training, sort_keys=True, ensure_ascii=False),
        **{name: np.ascontiguousarray(getattr(numbers, name), _TYPES[name]) for name in _ARRAYS},
    }
    content["digest"] = digest(content, _TEXTS, _ARRAYS)
    return canonical(content)


def load(path: Path) -> LinearScorer:
    """The scorer in the file at `path`. Raises ArtefactError saying what is wrong with it."""
    return loads(read(path), str(path))


def loads(data: bytes, name: str = "artefact") -> LinearScorer:
    """The scorer in `data`; `name` is what errors call it. Raises ArtefactError."""
    content = content_of(data, name, FORMAT, _TEXTS, _ARRAYS)
    if content["features"] != features.fingerprint():
        raise ArtefactError(
            f"{name} was trained on features {content['features']!r}, this version computes "
            f"{features.fingerprint()!r}: train anew"
        )
    categories = tuple(content["categories"])
    numbers = Weights(**{key: np.ascontiguousarray(content[key]) for key in _ARRAYS})
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
    }
    check_shapes({key: content[key] for key in _ARRAYS}, shapes, _TYPES, name)
    if n_buckets == 0 or n_buckets & (n_buckets - 1):
        raise ArtefactError(f"{name}: {n_buckets} buckets, expected a power of two")
    return LinearScorer(hashlib.sha256(data).hexdigest()[:12], categories, numbers, json.loads(content["training"]))


def read(path: Path) -> bytes:
    """A model file as it lies there. Raises ArtefactError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArtefactError(f"{path} is larger than any artefact ({MAX_BYTES >> 20} MB)")
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path} cannot be read: {error.strerror}") from error


def content_of(data: bytes, name: str, wanted: str, texts: tuple[str, ...], arrays: tuple[str, ...]) -> Content:
    """What is in a model file of the format `wanted`, whole and unaltered. Raises ArtefactError."""
    content = _unpacked(data, name)
    if str(content.get("format")) != wanted:
        raise ArtefactError(f"{name} is of format {content.get('format')!r}, this version reads {wanted!r}: train anew")
    missing = [key for key in (*texts, "digest", *arrays) if key not in content]
    if missing:
        raise ArtefactError(f"{name} lacks {', '.join(missing)}")
    strange = [key for key in ("digest", *texts) if not _are_texts(content[key])]
    if strange:
        raise ArtefactError(f"{name} is damaged: {', '.join(strange)} is no text")
    try:
        matches = content["digest"] == digest(content, texts, arrays)
        json.loads(content["training"])
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ArtefactError(f"{name} is damaged: {error}") from error
    if not matches:
        raise ArtefactError(f"{name} was altered: its content does not match its digest")
    return content


def _are_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _unpacked(data: bytes, name: str) -> Content:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise ArtefactError(f"{name} is not a skops file, or not a whole one ({len(data)} bytes)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            broken = archive.testzip() if unpacked <= MAX_BYTES else None
        if unpacked > MAX_BYTES:
            raise ArtefactError(f"{name} unpacks to more than any artefact holds ({unpacked} bytes)")
        if broken is not None:
            raise ArtefactError(f"{name} is damaged: {broken} does not match its checksum")
        content = skops_data.loads(data)
    except ArtefactError:
        raise
    except skops_data.NotDataError as error:
        raise ArtefactError(f"{name} holds a type that is no data: {error}") from error
    except Exception as error:  # whatever a hostile file makes zipfile, numpy or skops raise
        raise ArtefactError(f"{name} is damaged: {type(error).__name__}: {error}") from error
    if not isinstance(content, dict):
        raise ArtefactError(f"{name} holds a {type(content).__name__}, not a scorer")
    return content


def digest(content: Content, texts: tuple[str, ...], arrays: tuple[str, ...]) -> str:
    """SHA-256 of the named texts (or lists of texts) and arrays of a model file."""
    found = hashlib.sha256()
    for key in texts:
        told = content[key]
        found.update((told if isinstance(told, str) else "\0".join(told)).encode() + b"\0")
    for key in arrays:
        array = content[key]
        found.update(f"{key}{array.shape}{array.dtype.str}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def check_shapes(
    arrays: dict[str, npt.NDArray[np.generic]],
    shapes: dict[str, tuple[int, ...]],
    types: dict[str, np.dtype[Any]],
    name: str,
) -> None:
    """Raises ArtefactError where an array is of another shape or type, or not finite."""
    for key, shape in shapes.items():
        array = arrays[key]
        if array.shape != shape or array.dtype != types[key]:
            raise ArtefactError(f"{name}: {key} is {array.dtype}{array.shape}, expected {types[key]}{shape}")
        if not np.isfinite(array).all():
            raise ArtefactError(f"{name}: {key} has numbers that are not finite")


def canonical(content: Content) -> bytes:
    """A skops file with nodes numbered from 1, members in order, no time of day, compressed."""
    import skops.io  # only where one is written: it brings scikit-learn

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
