"""Score a batch of texts in one pass, to calibrated probabilities.

Weights are small integers, so a block's sum is exact in any order. It is divided by the square root of the block's size
and multiplied by the block's scale. Texts share nothing but the weights: other texts of a batch cannot change one bit
of a score.

Four weights of a row are packed into one number, so that one instruction adds two of them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.compiled import compiled, inlined
from models.kernels.languages import unread_tag
from models.kernels.ngrams import MAX_FEATURES, N_BLOCKS, find, set_for
from models.kernels.points import MAX_LETTERS, MAX_WORDS, Offsets, Points
from models.kernels.word_hashes import MAX_PADDED, N_HASHES, hash_words
from models.kernels.words import read_words

# Weights of the blocks (words, characters, skeletons), chosen on dev; characters matter most.
BLOCK_SCALES = (1.0, 1.5, 0.3)


_PER_NUMBER = 4
_BIAS = 1 << 15  # makes a weight of 16 bits positive: a sum of them never borrows from its neighbour
_BIASES = np.uint64(0x8000_8000_8000_8000)  # to change the sign bit is to add the bias
_EVEN = np.uint64(0x0000_FFFF_0000_FFFF)  # the first and the third of four; a sum has 32 bits, for 65,536 weights
_LOW, _HALF, _QUARTER = np.uint64(0xFFFF_FFFF), np.uint64(32), np.uint64(16)
assert MAX_FEATURES <= 1 << 16


def packed(weights: npt.NDArray[np.int16]) -> npt.NDArray[np.uint64]:
    """Pack weights (n_buckets, n) into (n_buckets, ceil(n / 4)): four of 16 bits in each number."""
    padded = np.zeros((len(weights), -(-weights.shape[1] // _PER_NUMBER) * _PER_NUMBER), "<i2")
    padded[:, : weights.shape[1]] = weights
    return padded.view("<u8")


@inlined
def _add_up(
    quads: npt.NDArray[np.uint64],
    found: npt.NDArray[np.int32],
    begin: int,
    end: int,
    share: float,
    margins: npt.NDArray[np.float64],
) -> None:
    """Add to margins (n,) the sums of the weights in the buckets found[begin:end], times `share`."""
    for at in range(quads.shape[1]):
        even, odd = np.uint64(0), np.uint64(0)
        for i in range(np.uint64(begin), np.uint64(end)):
            four = quads[np.uint64(found[i]), at] ^ _BIASES
            even += four & _EVEN
            odd += (four >> _QUARTER) & _EVEN
        for place in range(min(_PER_NUMBER, len(margins) - _PER_NUMBER * at)):
            two = even if place % 2 == 0 else odd
            total = np.int64(two & _LOW if place < 2 else two >> _HALF) - _BIAS * (end - begin)
            margins[_PER_NUMBER * at + place] += total * share


@compiled
def group_of(words: Points, n_points: int, roman_hindi: float) -> int:
    """Return 2 if at least half of the letters are Devanagari, else 1 for a positive margin of Roman Hindi, else 0."""
    n_devanagari = 0
    for i in range(n_points):
        if 0x0900 <= words[i] < 0x0980:
            n_devanagari += 1
    if n_points > 0 and 2 * n_devanagari >= n_points:
        return 2
    return 1 if roman_hindi > 0.0 else 0


@compiled
def score_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    quads: npt.NDArray[np.uint64],
    scales: npt.NDArray[np.float64],
    biases: npt.NDArray[np.float64],
    slopes: npt.NDArray[np.float64],
    intercepts: npt.NDArray[np.float64],
    no_words: npt.NDArray[np.float64],
    detector: npt.NDArray[np.int8],
    scripts: npt.NDArray[np.uint8],
    outcomes: npt.NDArray[np.uint8],
    leanings: npt.NDArray[np.uint8],
    latin: npt.NDArray[np.uint8],
    hints: npt.NDArray[np.uint8],
    undetermined: int,
    out: npt.NDArray[np.float32],
    tags: npt.NDArray[np.uint8],
    fingerprints: npt.NDArray[np.uint32],
) -> None:
    """Fill out (n_texts, n_columns) with probabilities, column 0 any category, and tags, fingerprints (n_texts,).

    quads: `packed` weights (n_buckets, n_columns + 1). The last column separates Roman Hindi from English. A column's
    margin is biases[c] + scales[c] * sum over blocks of (block scale * sum of weights / sqrt(size)). Its probability is
    logistic(slopes[g, c] * margin + intercepts[g, c]) with g the text's group (0 English, 1 Roman Hindi,
    2 Devanagari), which is also the number of its language's tag. No category exceeds column 0. A text without a word
    gets `no_words` and the tag `undetermined`. A text in a language that is not read gets NaN; see
    `models.kernels.languages.unread_tag` for the tables from `detector` to `latin`. hints (n_texts,) are the numbers of
    the payloads' languages.
    """
    n_columns = out.shape[1]
    words, bounds = np.empty(MAX_LETTERS, np.uint32), np.empty(MAX_WORDS, np.int32)
    near = np.empty(MAX_WORDS, np.bool_)
    padded, hashes = np.empty(MAX_PADDED, np.uint32), np.empty((MAX_WORDS, N_HASHES), np.uint64)
    found, ends = np.empty(MAX_FEATURES, np.int32), np.empty(N_BLOCKS, np.int64)
    seen = np.empty(0, np.uint64)
    margins = np.empty(n_columns + 1, np.float64)
    sums = np.empty(len(latin), np.int32)
    mask = np.uint64(len(quads) - 1)
    for text in range(len(offsets) - 1):
        n_words = read_words(points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near)
        fingerprints[text] = hash_words(words, bounds, n_words, kinds, skeleton, padded, hashes)
        if n_words == 0:
            for c in range(n_columns):
                out[text, c] = no_words[c]
            tags[text] = undetermined
            continue
        seen = set_for(bounds[n_words], seen)
        find(padded, bounds, hashes, n_words, mask, seen, text * N_BLOCKS, found, ends)
        unread = unread_tag(
            words, bounds, n_words, found, ends, hints[text], detector, scripts, outcomes, leanings, latin, sums
        )
        if unread >= 0:
            for c in range(n_columns):
                out[text, c] = math.nan
            tags[text] = unread
            continue
        margins[:] = 0.0
        begin = 0
        for block in range(N_BLOCKS):
            size = ends[block] - begin
            if size == 0:
                continue
            share = BLOCK_SCALES[block] / math.sqrt(size)
            _add_up(quads, found, begin, ends[block], share, margins)
            begin = ends[block]
        for c in range(n_columns + 1):
            margins[c] = biases[c] + scales[c] * margins[c]
        group = group_of(words, bounds[n_words], margins[n_columns])
        tags[text] = group
        for c in range(n_columns):
            p = 1.0 / (1.0 + math.exp(-(slopes[group, c] * margins[c] + intercepts[group, c])))
            out[text, c] = p if c == 0 else min(np.float32(p), out[text, 0])
