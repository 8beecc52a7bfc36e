"""Fingerprints of 32 bits that are equal for texts of the same words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.characters import SYMBOL
from models.compiled import compiled
from models.kernels.hashes import PRIME, SEED, mixed
from models.kernels.points import BLANK, MAX_LETTERS, MAX_WORDS, Offsets, Points
from models.kernels.words import read_words


@compiled
def fingerprint_of(words: Points, bounds: npt.NDArray[np.int32], n_words: int, kinds: npt.NDArray[np.uint8]) -> int:
    """Hash the words of a text, without emoji, to 32 bits; 0 for a text without words."""
    hashed, n_hashed = SEED, 0
    for word in range(n_words):
        if kinds[words[bounds[word]]] == SYMBOL:
            continue
        n_hashed += 1
        for i in range(bounds[word], bounds[word + 1]):
            hashed = (hashed ^ np.uint64(words[i])) * PRIME
        hashed = (hashed ^ np.uint64(BLANK)) * PRIME
    bits = mixed(hashed)
    return 0 if n_hashed == 0 else int(max(np.uint32(1), np.uint32(bits ^ (bits >> np.uint64(32)))))


@compiled
def fingerprint_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    """Fill `out` (n_texts,) with the fingerprints of texts."""
    words, bounds = np.empty(MAX_LETTERS, np.uint32), np.empty(MAX_WORDS, np.int32)
    near = np.empty(MAX_WORDS, np.bool_)
    for text in range(len(offsets) - 1):
        n_words = read_words(points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near)
        out[text] = fingerprint_of(words, bounds, n_words, kinds)
