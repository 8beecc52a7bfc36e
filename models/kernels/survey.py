"""Collect the keys of all words and rows of words in the training texts, for the vocabulary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.hashes import PAIR, PRIME, hash_of
from models.kernels.known import KNOWN_SALT, MOST_LETTERS, ROW_SALT, are_letters, key_of
from models.kernels.points import MAX_LETTERS, MAX_WORDS, Offsets, Points
from models.kernels.words import read_words

MOST_ROWS = MOST_LETTERS // 2  # maximum rows per code point: a row starts at a word, and a word takes two points


@compiled
def survey_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    words_found: npt.NDArray[np.uint32],
    rows_found: npt.NDArray[np.uint32],
) -> tuple[int, int]:
    """Collect the keys of all words and of all rows of neighbours in texts.

    Fills `words_found` (n,) and `rows_found` (n, 2): the key of the joined word and the key of the row. Returns the
    number of each.
    """
    known = np.zeros(1, np.uint32)
    words, bounds = np.empty(MAX_LETTERS, np.uint32), np.empty(MAX_WORDS, np.int32)
    near = np.empty(MAX_WORDS, np.bool_)
    n_found, n_rows = 0, 0
    for text in range(len(offsets) - 1):
        n_words = read_words(points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near)
        for at in range(n_words):
            joined = hash_of(words, bounds[at], bounds[at + 1])
            words_found[n_found] = key_of(joined, KNOWN_SALT)
            n_found += 1
            row, following = joined, at + 1
            while following < n_words and near[following] and bounds[following + 1] - bounds[at] <= MOST_LETTERS:
                begin, end = bounds[following], bounds[following + 1]
                if following > at + 1 and not are_letters(words, bounds, at, following, kinds):
                    break
                for i in range(begin, end):
                    joined = (joined ^ np.uint64(words[i])) * PRIME
                row = row * PAIR + hash_of(words, begin, end)
                rows_found[n_rows, 0] = key_of(joined, KNOWN_SALT)
                rows_found[n_rows, 1] = key_of(row, ROW_SALT)
                n_rows += 1
                following += 1
    return n_found, n_rows
