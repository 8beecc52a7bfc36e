"""Hash a text's words and their skeletons in one pass over its letters, and the whole text to its fingerprint."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.characters import SKELETON_BREATH, SKELETON_PASS, SKELETON_SIZE, SKELETON_VOWEL, SYMBOL
from models.compiled import compiled
from models.kernels.hashes import PRIME, SEED, mixed
from models.kernels.points import BLANK, MAX_LETTERS, MAX_WORDS, Points

WORD, SKELETON, LENGTH = 0, 1, 2
"""Columns of the hashes: of the word, of its skeleton, and the number of the skeleton's letters."""
N_HASHES = 3
MAX_PADDED = MAX_LETTERS + MAX_WORDS + 1
_BREATH_TO_H = np.uint64(0x48 - SKELETON_BREATH)


@compiled
def hash_words(
    words: Points,
    bounds: npt.NDArray[np.int32],
    n_words: int,
    kinds: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    padded: Points,
    hashes: npt.NDArray[np.uint64],
) -> int:
    """Hash the words of a text; return the fingerprint, 32 bits of all words but emoji, 0 for a text without words.

    Args:
        words: folded letters of the text, word i being words[bounds[i]:bounds[i + 1]].
        bounds: ends of its words.
        n_words: number of its words, emoji included.
        kinds: see `models.characters.tables`.
        skeleton: see `models.characters.skeleton_table`.
        padded: receives the words with a blank before, between and after them, at most `MAX_PADDED` points.
        hashes: (n_words, N_HASHES) receives the hashes of each word.
    """
    at, one = np.uint64(0), np.uint64(1)
    of_text, n_hashed = SEED, 0
    padded[at] = BLANK
    for word in range(n_words):
        begin, before = np.uint64(bounds[word]), of_text
        of_word, of_skeleton = SEED, SEED
        length, last, after_consonant = np.uint64(0), np.uint64(0), False
        for i in range(begin, np.uint64(bounds[word + 1])):
            letter = words[i]
            at += one
            padded[at] = letter
            of_text = (of_text ^ np.uint64(letter)) * PRIME
            of_word = (of_word ^ np.uint64(letter)) * PRIME
            # Without jumps, as vowels come at random: a code that is not kept changes nothing.
            code = np.uint64(skeleton[letter] if letter < SKELETON_SIZE else SKELETON_PASS)
            is_breath = code == SKELETON_BREATH
            code += np.uint64(is_breath) * _BREATH_TO_H
            is_first_or_consonant = (length == 0) | (code != SKELETON_VOWEL)
            is_kept = (code != SKELETON_PASS) & (code != last) & is_first_or_consonant & ~(is_breath & after_consonant)
            after_consonant = bool(code > SKELETON_BREATH)
            kept = np.uint64(is_kept)
            of_skeleton = (of_skeleton ^ kept * code) * (one + kept * (PRIME - one))
            last += kept * (code - last)
            length += kept
        at += one
        padded[at] = BLANK
        hashes[word, WORD], hashes[word, SKELETON], hashes[word, LENGTH] = of_word, of_skeleton, length
        if kinds[words[begin]] == SYMBOL:
            of_text = before
        else:
            of_text = (of_text ^ np.uint64(BLANK)) * PRIME
            n_hashed += 1
    bits = mixed(of_text)
    return 0 if n_hashed == 0 else int(max(np.uint32(1), np.uint32(bits ^ (bits >> np.uint64(32)))))
