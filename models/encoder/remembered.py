"""Vectors by the hash of their text, in a file: a text is encoded once, whoever asks.

Vectors are kept in half precision, and what is not kept is rounded the same, so that it does not matter whether a
vector was remembered. No text is in the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float16]

_HASH_BYTES = 16


class Remembered:
    """Of one revision of the encoder. A file that ends in the middle of a record is read up to there, and mended.

    Args:
        folder: where the file is or will be.
        revision: of the encoder: another one has another file.
        width: of a vector.
    """

    def __init__(self, folder: Path, revision: str, width: int) -> None:
        self._path = folder / f"vectors-{revision}"
        self._record = np.dtype([("hash", f"V{_HASH_BYTES}"), ("vector", "<f2", (width,))])
        self._vectors: dict[bytes, npt.NDArray[np.float16]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        whole = self._path.stat().st_size // self._record.itemsize
        with self._path.open("r+b") as file:
            file.truncate(whole * self._record.itemsize)
        records = np.fromfile(self._path, self._record)
        for hashed, vector in zip(records["hash"].tolist(), records["vector"], strict=True):
            self._vectors[hashed] = vector

    def __contains__(self, text: str) -> bool:
        return hash_of(text.encode("utf-8", "surrogatepass")) in self._vectors

    def __getitem__(self, text: str) -> npt.NDArray[np.float16]:
        return self._vectors[hash_of(text.encode("utf-8", "surrogatepass"))]

    def add(self, vectors: Mapping[str, npt.NDArray[np.float16]]) -> None:
        """Keep them, in memory and in the file."""
        records = np.empty(len(vectors), self._record)
        for index, (text, vector) in enumerate(vectors.items()):
            hashed = hash_of(text.encode("utf-8", "surrogatepass"))
            records[index] = (hashed, vector)
            self._vectors[hashed] = vector
        with self._path.open("ab") as file:
            file.write(records.tobytes())


def hash_of(text: bytes) -> bytes:
    """By which a text is known, in UTF-8; lone surrogates pass."""
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).digest()
