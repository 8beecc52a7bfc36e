"""Cache of vectors in a file, by the hash of their text; the file contains no text.

Vectors are stored in half precision. Vectors that do not come from the cache are rounded the same, so results do not
depend on the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float16]

_HASH_BYTES = 16


class VectorCache:
    """Cache of one revision of the encoder. An incomplete last record of the file is truncated.

    Args:
        folder: folder of the file, created if it does not exist.
        revision: encoder revision; each has its own file.
        width: length of a vector.
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
        """Add vectors by text, in memory and to the file."""
        records = np.empty(len(vectors), self._record)
        for index, (text, vector) in enumerate(vectors.items()):
            hashed = hash_of(text.encode("utf-8", "surrogatepass"))
            records[index] = (hashed, vector)
            self._vectors[hashed] = vector
        with self._path.open("ab") as file:
            file.write(records.tobytes())


def hash_of(text: bytes) -> bytes:
    """Compute the key of a text in UTF-8, in which lone surrogates are allowed."""
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).digest()
