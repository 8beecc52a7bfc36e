"""Words written letter by letter, "v e r m i n" or "w*o*r*d", made words again: no one need know them for that."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.points import ASTERISK, Points

# What people write as a word of one letter ("u r a"): three of them in a row are three words, not one spaced out.
_ONE_LETTER_WORDS = np.array([chr(point) in "abcdikmnoruxy" for point in range(128)])


@compiled
def joined(out: Points, bounds: npt.NDArray[np.int32], n_words: int, spaced: int, by_blanks: bool) -> int:
    """Makes one word of the last `spaced` words, each of one letter, unless they look like words. Returns how many are.

    With only blanks between them three are asked for, and two of them bare letters: one Indic letter with its vowel
    sign is a common word. Parted by another sign, or torn from a vowel sign, two will do.
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
    """Takes the stars out of the word from `begin` on. Returns where it ends."""
    kept = begin
    for i in range(begin, used):
        if out[i] != ASTERISK:
            out[kept] = out[i]
            kept += 1
    return kept
