"""Fingerprints of 32 bits that are equal for texts of the same words, without scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.points import MAX_LETTERS, MAX_WORDS, Offsets, Points
from models.kernels.word_hashes import MAX_PADDED, N_HASHES, hash_words
from models.kernels.words import read_words


@compiled
def fingerprint_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    """Fill `out` (n_texts,) with the fingerprints of texts."""
    words, bounds = np.empty(MAX_LETTERS, np.uint32), np.empty(MAX_WORDS, np.int32)
    near = np.empty(MAX_WORDS, np.bool_)
    padded, hashes = np.empty(MAX_PADDED, np.uint32), np.empty((MAX_WORDS, N_HASHES), np.uint64)
    for text in range(len(offsets) - 1):
        n_words = read_words(points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near)
        out[text] = hash_words(words, bounds, n_words, kinds, skeleton, padded, hashes)
