"""Name the language of a text from its folded words: script, the payload's hint, and n-grams for Latin script.

`models.languages` has the rules and their tables. The detector adds up rows of a table for the buckets that the score
uses anyway: those of character n-grams (`models.kernels.ngrams`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.points import Points
from models.languages import ASK, CLEAR, CYRILLIC_WEIGHT, FEW, FEWEST_WORDS, N_PARTS, POINTS_PER_SCRIPT, READS

N_READ = 2  # columns of the detector that are read: English and Roman Hindi
_MAX_SCRIPTS = 64
_ASCII = 128
_SYMBOLS = 0x2000  # signs and emoji from here on, but for the scripts in the table
_CYRILLIC_FIRST, _CYRILLIC_END = 0x0400, 0x0530


@compiled
def main_script(words: Points, n_points: int, scripts: npt.NDArray[np.uint8]) -> int:
    """Return the unread script with most letters if all unread scripts have most letters, else 1 or 0.

    1 stands for at least half Devanagari, 0 for Latin script.
    """
    n_ascii = 0
    while n_ascii < n_points and words[n_ascii] < _ASCII:
        n_ascii += 1
    if n_ascii == n_points:
        return 0
    counts = np.zeros(_MAX_SCRIPTS, np.int64)
    counts[0] = n_ascii
    for i in range(n_ascii, n_points):
        point = words[i]
        if point < _ASCII:
            counts[0] += 1
            continue
        block = point // np.uint32(POINTS_PER_SCRIPT)
        script = scripts[block] if block < len(scripts) else np.uint8(0)
        if script == 0 and point >= _SYMBOLS:
            continue
        counts[script] += CYRILLIC_WEIGHT if _CYRILLIC_FIRST <= point < _CYRILLIC_END else 1
    n_unread, best, total = 0, 2, counts[0] + counts[1]
    for script in range(2, _MAX_SCRIPTS):
        n_unread += counts[script]
        if counts[script] > counts[best]:
            best = script
    total += n_unread
    if 2 * n_unread > total:
        return best
    return 1 if total > 0 and 2 * counts[1] >= total else 0


@compiled
def unread_tag(
    words: Points,
    bounds: npt.NDArray[np.int32],
    n_words: int,
    found: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
    hint: int,
    detector: npt.NDArray[np.int8],
    scripts: npt.NDArray[np.uint8],
    outcomes: npt.NDArray[np.uint8],
    leanings: npt.NDArray[np.uint8],
    latin: npt.NDArray[np.uint8],
    sums: npt.NDArray[np.int32],
) -> int:
    """Return the tag's number of a text that is not read, or -1 for one that is.

    Args:
        words: folded letters of the text, word i being words[bounds[i]:bounds[i + 1]].
        bounds: ends of its words.
        n_words: number of its words, emoji included.
        found: buckets of its features; only character n-grams are used.
        ends: ends of their blocks, see `models.kernels.ngrams.find`.
        hint: number of the payload's language, see `models.languages.hint_of`.
        detector: (n_buckets, n_latin), a power of two of rows.
        scripts: table of scripts.
        outcomes: table of outcomes by hint and script.
        leanings: the detector's column that a hint leans to.
        latin: tags' numbers of the columns.
        sums: scratch (n_latin,).
    """
    outcome = outcomes[hint, main_script(words, bounds[n_words], scripts)]
    if outcome == READS:
        return -1
    if outcome != ASK:
        return int(outcome) - 1
    leaning = leanings[hint]
    n_written = 0
    for word in range(n_words):
        n_written += words[bounds[word]] < _SYMBOLS
    if n_written < FEWEST_WORDS:
        return int(latin[leaning]) if leaning != 0 else -1
    mask, n_latin = len(detector) - 1, len(latin)
    read, best = 0, N_READ
    sums[:] = 0
    for part in range(N_PARTS):
        for i in range(ends[0] + part, ends[1], N_PARTS):
            row = found[i] & mask
            for column in range(n_latin):
                sums[column] += detector[row, column]
        if 0 < part < N_PARTS - 1:
            continue
        read, best = max(sums[0], sums[1]), N_READ
        for column in range(N_READ, n_latin):
            if sums[column] > sums[best]:
                best = column
        if part == 0 and read - sums[best] > CLEAR * math.sqrt((ends[1] - ends[0]) // N_PARTS + FEW):
            return -1  # clearly read, as most texts are
    clear = CLEAR * math.sqrt(ends[1] - ends[0] + FEW)
    if sums[best] - read > clear:
        return int(latin[best])
    if leaning != 0 and read - sums[leaning] <= clear:
        return int(latin[leaning])
    return -1
