"""Attribute the features of one text to its words, for explanations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.ngrams import MAX_FEATURES, N_BLOCKS, find, set_for
from models.kernels.points import MAX_LETTERS, MAX_WORDS, Offsets, Points
from models.kernels.word_hashes import MAX_PADDED, N_HASHES, hash_words
from models.kernels.words import read_words


@compiled
def _find_owned(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_buckets: int,
    words: Points,
    bounds: npt.NDArray[np.int32],
    near: npt.NDArray[np.bool_],
    found: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
) -> int:
    n_words: int = read_words(points, offsets[0], offsets[1], kinds, letters, leet, known, words, bounds, near)
    padded, hashes = np.empty(MAX_PADDED, np.uint32), np.empty((MAX_WORDS, N_HASHES), np.uint64)
    hash_words(words, bounds, n_words, kinds, skeleton, padded, hashes)
    seen = set_for(bounds[n_words], np.empty(0, np.uint64))
    for n in range(n_words + 1):  # with one word more: the buckets of the words before come first
        find(padded, bounds, hashes, n, np.uint64(n_buckets - 1), seen, n * N_BLOCKS, found, ends[n])
    return n_words


def find_words(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_buckets: int,
) -> tuple[list[str], npt.NDArray[np.int32], npt.NDArray[np.int32], list[int]]:
    """Return the first text's folded words, the word and the bucket of each feature, and the ends of the blocks."""
    words, bounds = np.empty(MAX_LETTERS, np.uint32), np.zeros(MAX_WORDS, np.int32)
    near = np.empty(MAX_WORDS, np.bool_)
    found, ends = np.empty(MAX_FEATURES, np.int32), np.zeros((MAX_WORDS, N_BLOCKS), np.int64)
    tables = (kinds, letters, leet, skeleton, known)
    n_words = _find_owned(points, offsets, *tables, n_buckets, words, bounds, near, found, ends)
    read = ["".join(map(chr, words[bounds[i] : bounds[i + 1]].tolist())) for i in range(n_words)]
    sizes = np.diff(ends[: n_words + 1], axis=1, prepend=0)  # (n_words + 1, N_BLOCKS) of the blocks of the first words
    added = np.diff(sizes, axis=0)
    owners = np.concatenate([np.repeat(np.arange(n_words, dtype=np.int32), block) for block in added.T])
    return read, owners, found[: len(owners)], ends[n_words].tolist()
