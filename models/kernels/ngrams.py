"""Compute a text's features: n-grams of its words, hashed to buckets (the hashing trick), in three blocks.

- Words: 1- and 2-grams.
- Characters: 3- to 5-grams of each word with a blank on either side.
- Skeletons: 1- and 2-grams of words without vowels, equal for Devanagari and Roman spelling.

A bucket counts once per text and block.

Repeats are detected by a small hash set of (stamp, bucket), with a stamp for each text and block. An entry with another
stamp counts as empty, so that the set is never cleared. It is as large as the text needs, and stays in the first cache.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled, inlined
from models.kernels.hashes import PAIR, PRIME, SEED, mixed
from models.kernels.points import MAX_LETTERS, MAX_POINTS, MAX_WORDS, Offsets, Points
from models.kernels.word_hashes import LENGTH, MAX_PADDED, N_HASHES, SKELETON, WORD, hash_words
from models.kernels.words import read_words

N_BLOCKS = 3
# A word of n letters takes n + 1 points and has at most 3 (n + 2) character n-grams, 2 words and 2 skeletons; twice
# as many if it is also joined to others.
FEATURES_PER_POINT = 20
MAX_FEATURES = FEATURES_PER_POINT * MAX_POINTS + 64
_FEW_SLOTS = 1_024
EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_WORD_SALT, CHAR_SALT, _SKELETON_SALT = np.uint64(0x57), np.uint64(0x43), np.uint64(0x53)


@inlined
def _put(
    hashed: np.uint64,
    mask: np.uint64,
    seen: npt.NDArray[np.uint64],
    last_slot: np.uint64,
    stamp: np.uint64,
    found: npt.NDArray[np.int32],
    n_found: np.uint64,
) -> np.uint64:
    """Add the bucket of `hashed` to `found` unless this text and block have it; return the new length."""
    bucket = mixed(hashed) & mask
    entry = stamp << np.uint64(32) | bucket
    slot = bucket & last_slot
    held = seen[slot]
    while held >> np.uint64(32) == stamp and held != entry:
        slot = (slot + np.uint64(1)) & last_slot
        held = seen[slot]
    seen[slot] = entry
    found[n_found] = bucket  # without a jump: the next one overwrites a repeated one
    return n_found + np.uint64(held != entry)


@compiled
def slots_for(n_letters: int) -> int:
    """Return the size of the set for a text: a power of two, at most half full (9 n-grams a letter)."""
    n_slots = _FEW_SLOTS
    while n_slots < FEATURES_PER_POINT * n_letters:
        n_slots *= 2
    return n_slots


@compiled
def set_for(n_letters: int, seen: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return `seen` if it is large enough for a text, else a new set; it is a set of buckets, `EMPTY` at first."""
    n_slots = slots_for(n_letters)
    return seen if len(seen) >= n_slots else np.full(n_slots, EMPTY, np.uint64)


@compiled
def find(
    padded: Points,
    bounds: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
    n_words: int,
    mask: np.uint64,
    seen: npt.NDArray[np.uint64],
    first_stamp: int,
    found: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
) -> int:
    """Fill `found` with the buckets of a text, block b ending at ends[b]; return their number.

    The first three arguments are those of `models.kernels.word_hashes.hash_words`. `seen` is a set by `set_for`. Texts
    that share it have different stamps, from `first_stamp` to `first_stamp` + N_BLOCKS - 1. In each block, the buckets
    of the text's first words come first.
    """
    last_slot = np.uint64(slots_for(bounds[n_words]) - 1)
    stamp = np.uint64(first_stamp)
    # Unsigned numbers index arrays without a test for negative ones.
    n_found, one, two, three, four = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    before = SEED
    for word in range(n_words):
        hashed = hashes[word, WORD]
        n_found = _put(hashed ^ _WORD_SALT, mask, seen, last_slot, stamp, found, n_found)
        n_found = _put((before * PAIR + hashed) ^ _WORD_SALT, mask, seen, last_slot, stamp, found, n_found)
        before = hashed
    ends[0] = n_found
    stamp += one
    at = np.uint64(0)
    for word in range(n_words):
        end = at + np.uint64(bounds[word + 1] - bounds[word]) + one  # the blank after the word
        while at + two <= end:
            hashed = (((SEED ^ np.uint64(padded[at])) * PRIME) ^ np.uint64(padded[at + one])) * PRIME
            hashed = (hashed ^ np.uint64(padded[at + two])) * PRIME
            n_found = _put(hashed ^ CHAR_SALT, mask, seen, last_slot, stamp, found, n_found)
            if at + three <= end:
                hashed = (hashed ^ np.uint64(padded[at + three])) * PRIME
                n_found = _put(hashed ^ CHAR_SALT, mask, seen, last_slot, stamp, found, n_found)
                if at + four <= end:
                    hashed = (hashed ^ np.uint64(padded[at + four])) * PRIME
                    n_found = _put(hashed ^ CHAR_SALT, mask, seen, last_slot, stamp, found, n_found)
            at += one
        at = end
    ends[1] = n_found
    stamp += one
    before = SEED
    for word in range(n_words):
        hashed, length = hashes[word, SKELETON], hashes[word, LENGTH]
        if length == 0:
            continue
        if length > 1:
            n_found = _put(hashed ^ _SKELETON_SALT, mask, seen, last_slot, stamp, found, n_found)
        n_found = _put((before * PAIR + hashed) ^ _SKELETON_SALT, mask, seen, last_slot, stamp, found, n_found)
        before = hashed
    ends[2] = n_found
    return int(n_found)


@compiled
def find_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_buckets: int,
    out: npt.NDArray[np.int32],
    out_ends: npt.NDArray[np.int64],
) -> int:
    """Fill `out` with the buckets of all texts in order; block b of text t ends at out_ends[t, b].

    `n_buckets` is a power of two. Returns the number of buckets, or -1 if `out` is too small.
    """
    words, bounds = np.empty(MAX_LETTERS, np.uint32), np.empty(MAX_WORDS, np.int32)
    near = np.empty(MAX_WORDS, np.bool_)
    padded, hashes = np.empty(MAX_PADDED, np.uint32), np.empty((MAX_WORDS, N_HASHES), np.uint64)
    found, ends = np.empty(MAX_FEATURES, np.int32), np.empty(N_BLOCKS, np.int64)
    seen = np.empty(0, np.uint64)
    total = 0
    for text in range(len(offsets) - 1):
        n_words = read_words(points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near)
        seen = set_for(bounds[n_words], seen)
        hash_words(words, bounds, n_words, kinds, skeleton, padded, hashes)
        n_found = find(padded, bounds, hashes, n_words, np.uint64(n_buckets - 1), seen, text * N_BLOCKS, found, ends)
        if total + n_found > len(out):
            return -1
        out[total : total + n_found] = found[:n_found]
        out_ends[text] = ends + total
        total += n_found
    return total
