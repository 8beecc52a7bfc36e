"""Compute a text's features: n-grams of its words, hashed to buckets (the hashing trick), in three blocks.

- Words: 1- and 2-grams.
- Characters: 3- to 5-grams of each word with a blank on either side.
- Skeletons: 1- and 2-grams of words without vowels, equal for Devanagari and Roman spelling.

A bucket counts once per text and block.

Repeats are detected by a small hash set of (stamp, bucket), with a stamp for each text and block. An entry with another
stamp counts as empty, so that the set is never cleared. It is as large as the text needs, and stays in the first cache.
"""

# ruff: noqa: SIM109  # comparisons, not `in`: numba makes one jump of them

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.characters import SKELETON_BREATH, SKELETON_PASS, SKELETON_SIZE, SKELETON_VOWEL
from models.compiled import compiled, inlined
from models.kernels.hashes import PAIR, PRIME, SEED, mixed
from models.kernels.points import BLANK, MAX_LETTERS, MAX_POINTS, MAX_WORDS, Offsets, Points
from models.kernels.words import read_words

N_BLOCKS = 3
# A word of n letters takes n + 1 points and has at most 3 (n + 2) character n-grams, 2 words and 2 skeletons; twice
# as many if it is also joined to others.
FEATURES_PER_POINT = 20
MAX_FEATURES = FEATURES_PER_POINT * MAX_POINTS + 64
_FEW_SLOTS = 1_024
EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_SHORTEST_NGRAM, _LONGEST_NGRAM = np.uint64(3), np.uint64(5)
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
    while seen[slot] >> np.uint64(32) == stamp:
        if seen[slot] == entry:
            return n_found
        slot = (slot + np.uint64(1)) & last_slot
    seen[slot] = entry
    found[n_found] = bucket
    return n_found + np.uint64(1)


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
    words: Points,
    bounds: npt.NDArray[np.int32],
    n_words: int,
    skeleton: npt.NDArray[np.uint8],
    mask: np.uint64,
    seen: npt.NDArray[np.uint64],
    first_stamp: int,
    found: npt.NDArray[np.int32],
    owners: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
) -> int:
    """Fill `found` with the buckets of a text, block b ending at ends[b]; return their number.

    `owners` receives the word of each bucket (the second one of a pair). `seen` is a set by `set_for`. Texts that
    share it have different stamps, from `first_stamp` to `first_stamp` + N_BLOCKS - 1.
    """
    last_slot = np.uint64(slots_for(bounds[n_words]) - 1)
    stamp, one = np.uint64(first_stamp), np.uint64(1)
    n_found = np.uint64(0)  # unsigned numbers index arrays without a test for negative ones
    before = SEED
    for word in range(n_words):
        hashed = SEED
        for i in range(np.uint64(bounds[word]), np.uint64(bounds[word + 1])):
            hashed = (hashed ^ np.uint64(words[i])) * PRIME
        owners[n_found] = word
        n_found = _put(hashed ^ _WORD_SALT, mask, seen, last_slot, stamp, found, n_found)
        owners[n_found] = word
        n_found = _put((before * PAIR + hashed) ^ _WORD_SALT, mask, seen, last_slot, stamp, found, n_found)
        before = hashed
    ends[0] = n_found
    stamp += one
    for word in range(n_words):
        begin, end = np.uint64(bounds[word]), np.uint64(bounds[word + 1])
        if end == begin:
            continue
        # The blank before the word, then each of its letters, begins up to three n-grams of 3 to 5 points.
        prefix = (SEED ^ np.uint64(BLANK)) * PRIME
        for first in range(begin, end + one):
            hashed, size = prefix, one
            at = np.uint64(first)
            while size < _LONGEST_NGRAM and at <= end:
                letter = np.uint64(words[at]) if at < end else np.uint64(BLANK)
                hashed = (hashed ^ letter) * PRIME
                size += one
                at += one
                if size >= _SHORTEST_NGRAM:
                    owners[n_found] = word
                    n_found = _put(hashed ^ CHAR_SALT, mask, seen, last_slot, stamp, found, n_found)
            if first < end:
                prefix = (SEED ^ np.uint64(words[first])) * PRIME
    ends[1] = n_found
    stamp += one
    before = SEED
    for word in range(n_words):
        hashed, length, last, after_consonant = SEED, 0, np.uint8(0), False
        for i in range(np.uint64(bounds[word]), np.uint64(bounds[word + 1])):
            code = skeleton[words[i]] if words[i] < SKELETON_SIZE else np.uint8(SKELETON_PASS)
            if code == SKELETON_BREATH:
                if after_consonant:
                    continue
                code = np.uint8(0x48)  # H
            after_consonant = bool(code > SKELETON_BREATH)
            if code == SKELETON_PASS or (code == SKELETON_VOWEL and length > 0) or code == last:
                continue
            hashed = (hashed ^ np.uint64(code)) * PRIME
            last = code
            length += 1
        if length == 0:
            continue
        if length > 1:
            owners[n_found] = word
            n_found = _put(hashed ^ _SKELETON_SALT, mask, seen, last_slot, stamp, found, n_found)
        owners[n_found] = word
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
    found, owners = np.empty(MAX_FEATURES, np.int32), np.empty(MAX_FEATURES, np.int32)
    ends = np.empty(N_BLOCKS, np.int64)
    seen = np.empty(0, np.uint64)
    total = 0
    for text in range(len(offsets) - 1):
        n_words = read_words(points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near)
        seen = set_for(bounds[n_words], seen)
        n_found = find(
            words, bounds, n_words, skeleton, np.uint64(n_buckets - 1), seen, text * N_BLOCKS, found, owners, ends
        )
        if total + n_found > len(out):
            return -1
        out[total : total + n_found] = found[:n_found]
        out_ends[text] = ends + total
        total += n_found
    return total
