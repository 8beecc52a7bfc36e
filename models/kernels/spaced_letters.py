"""Rejoin words written letter by letter, "v e r m i n" or "w*o*r*d", without a vocabulary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled, inlined
from models.kernels.points import ASTERISK, Points

# Letters that people write as words ("u r a"): three of them in a row are three words, not one spaced word.
_ONE_LETTER_WORDS = np.array([chr(point) in "abcdikmnoruxy" for point in range(128)])


@inlined
def joined(out: Points, bounds: npt.NDArray[np.int32], n_words: int, spaced: int, by_blanks: bool) -> int:
    """Join the last `spaced` words, each of one letter, unless they look like words; return the number of words.

    Between blanks, at least three are required, two of them letters without marks: one Indic letter with its vowel sign
    is a common word. Two are enough if another sign separates them or a vowel sign was separated from its letter.
    """
    if spaced < 2 or (spaced == 2 and by_blanks):
        return n_words
    first = n_words - spaced
    if by_blanks:
        n_bare, n_common = 0, 0
        for word in range(first, n_words):
            letter = out[bounds[word]]
            if bounds[word + 1] - bounds[word] == 1:
                n_bare += 1
                n_common += letter < 128 and _ONE_LETTER_WORDS[letter]
        if n_bare < 2 or (spaced == 3 and n_common == 3):
            return n_words
    bounds[first + 1] = bounds[n_words]
    return first + 1


@compiled
def without_stars(out: Points, begin: int, used: int) -> int:
    """Remove the stars of the word from `begin` on; return its new end."""
    kept = begin
    for i in range(begin, used):
        if out[i] != ASTERISK:
            out[kept] = out[i]
            kept += 1
    return kept
