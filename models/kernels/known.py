"""Undo disguises such as "ver min" and "v3rm1n5" if the result is a known word.

`models.vocabulary` builds the table of known words and of known rows, neighbours in ordinary texts.
"""

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


@compiled
def knows(known: npt.NDArray[np.uint32], hashed: np.uint64, salt: np.uint64) -> bool:
    """Return whether a word or a row of words is in the table (open addressing, see `models.vocabulary`).

    A key is nowhere but between its place and the next free slot. Four slots are compared at once, without jumps.
    """
    key, mask = key_of(hashed, salt), np.uint32(len(known) - 1)
    at = key >> np.uint32(1)
    while True:
        first, second = known[at & mask], known[(at + np.uint32(1)) & mask]
        third, fourth = known[(at + np.uint32(2)) & mask], known[(at + np.uint32(3)) & mask]
        if min(min(first ^ key, second ^ key), min(third ^ key, fourth ^ key)) == 0:
            return True
        if min(min(first, second), min(third, fourth)) == 0:
            return False
        at += np.uint32(4)


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


@compiled
def are_letters(
    out: Points, bounds: npt.NDArray[np.int32], first: int, last: int, kinds: npt.NDArray[np.uint8]
) -> bool:
    """Return whether each word from the first to the last is one letter with its marks."""
    for word in range(first, last + 1):
        for i in range(bounds[word] + 1, bounds[word + 1]):
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
    own = hash_of(out, bounds[0], bounds[1]) if n_words > 0 else SEED
    while at < n_words:
        best, both, neighbour, following = 1, False, own, at + 1
        if kinds[out[bounds[at]]] != SYMBOL:
            joined, row = own, own
            while following < n_words and near[following] and bounds[following + 1] - bounds[at] <= MOST_LETTERS:
                begin, end = bounds[following], bounds[following + 1]
                if following > at + 1 and not are_letters(out, bounds, at, following, kinds):
                    break
                hashed = SEED
                for i in range(np.uint64(begin), np.uint64(end)):
                    hashed = (hashed ^ np.uint64(out[i])) * PRIME
                    joined = (joined ^ np.uint64(out[i])) * PRIME
                row = row * PAIR + hashed
                if following == at + 1:
                    neighbour = hashed
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
        is_hashed = best == 1 and following > at + 1
        at += best
        if is_hashed:
            own = neighbour
        elif at < n_words:
            own = hash_of(out, bounds[at], bounds[at + 1])
    # Joined words are adjacent in `out`, so their letters need no move.
    for more in range(n_more):
        kept += 1
        bounds[kept] = bounds[top - more]
    return kept
