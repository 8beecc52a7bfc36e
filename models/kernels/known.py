"""Undo disguises such as "ver min" and "v3rm1n5" if the result is a known word.

`models.vocabulary` builds the table of known words and of known rows, neighbours in ordinary texts.
"""

# ruff: noqa: SIM110  # loops, not `all`

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.characters import LEET_SIZE, MARK, SYMBOL
from models.compiled import compiled, inlined
from models.kernels.hashes import PAIR, PRIME, SEED, hash_of, mixed
from models.kernels.points import Points

KNOWN_SALT, ROW_SALT = np.uint64(0x4B), np.uint64(0x52)
MOST_LETTERS = 24  # maximum length of a joined word
_FEWEST_LETTERS = 3
_ONE, _LETTER_L = 0x31, 0x6C


@inlined
def key_of(hashed: np.uint64, salt: np.uint64) -> np.uint32:
    """Compute the table key of a word or a row of words; never 0."""
    return np.uint32(mixed(hashed ^ salt) >> np.uint64(32)) | np.uint32(1)


@inlined
def knows(known: npt.NDArray[np.uint32], hashed: np.uint64, salt: np.uint64) -> bool:
    """Return whether a word or a row of words is in the table (open addressing, see `models.vocabulary`)."""
    key, mask = key_of(hashed, salt), np.uint32(len(known) - 1)
    at = (key >> np.uint32(1)) & mask
    while known[at] != 0:
        if known[at] == key:
            return True
        at = (at + np.uint32(1)) & mask
    return False


@compiled
def spelt_out(
    out: Points,
    begin: int,
    used: int,
    leet: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_letters: int,
) -> int:
    """Replace digits by letters in the word from `begin` on, if the result is a known word and the original is not.

    The digit 1 is tried as i and as l. Returns the number of letters.
    """
    if n_letters == 0 or used - begin < _FEWEST_LETTERS or knows(known, hash_of(out, begin, used), KNOWN_SALT):
        return n_letters
    for one in range(2):
        hashed = SEED
        for i in range(begin, used):
            letter = out[i]
            if letter < LEET_SIZE and leet[letter] != 0:
                letter = np.uint32(_LETTER_L if one == 1 and letter == _ONE else leet[letter])
            hashed = (hashed ^ np.uint64(letter)) * PRIME
        if knows(known, hashed, KNOWN_SALT):
            for i in range(begin, used):
                if out[i] < LEET_SIZE and leet[out[i]] != 0:
                    out[i] = np.uint32(_LETTER_L if one == 1 and out[i] == _ONE else leet[out[i]])
            return used - begin
    return n_letters


@inlined
def is_one_letter(out: Points, begin: int, end: int, kinds: npt.NDArray[np.uint8]) -> bool:
    """Return whether the word is one letter with its marks."""
    for i in range(begin + 1, end):
        if kinds[out[i]] != MARK:
            return False
    return True


@compiled
def rejoined(
    out: Points,
    bounds: npt.NDArray[np.int32],
    near: npt.NDArray[np.bool_],
    n_words: int,
    kinds: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
) -> int:
    """Join neighbours that form a known word and are not a known row; return the new number of words.

    Candidates are two neighbours, or a longer row of single letters. If both neighbours are known words, both readings
    are kept, the joined one at the end.
    """
    kept, at, used, n_more, top = 0, 0, bounds[n_words], 0, len(bounds) - 1
    while at < n_words:
        best, both = 1, False
        if kinds[out[bounds[at]]] != SYMBOL:
            own = hash_of(out, bounds[at], bounds[at + 1])
            joined, row, short = own, own, is_one_letter(out, bounds[at], bounds[at + 1], kinds)
            following = at + 1
            while following < n_words and near[following] and bounds[following + 1] - bounds[at] <= MOST_LETTERS:
                begin, end = bounds[following], bounds[following + 1]
                short = short and is_one_letter(out, begin, end, kinds)
                if following > at + 1 and not short:
                    break
                hashed = hash_of(out, begin, end)
                for i in range(begin, end):
                    joined = (joined ^ np.uint64(out[i])) * PRIME
                row = row * PAIR + hashed
                if (
                    end - bounds[at] >= _FEWEST_LETTERS
                    and knows(known, joined, KNOWN_SALT)
                    and not knows(known, row, ROW_SALT)
                ):
                    best = following - at + 1
                    both = best == 2 and knows(known, own, KNOWN_SALT) and knows(known, hashed, KNOWN_SALT)
                following += 1
        begin, end = bounds[at], bounds[at + best]
        if both:
            for i in range(begin, end):
                out[used] = out[i]
                used += 1
            bounds[top - n_more] = used
            n_more += 1
            kept += 1
            bounds[kept] = bounds[at + 1]
        kept += 1
        bounds[kept] = end
        at += best
    # Joined words are adjacent in `out`, so their letters need no move.
    for more in range(n_more):
        kept += 1
        bounds[kept] = bounds[top - more]
    return kept
