"""Which words are known, as numbers: what undoes disguises that only a reader who knows words can undo.

"ver min", "v3rm1n5" and "म ु स" are words only to somebody who knows the word. So words that occur a few times in the
texts that are trained on are known, by 32 bits of their hash; and so are the rows of neighbours seen in them that
would make a known word if they were joined ("in to"), since those are no disguise. No word can be read out of the file.

`python -m models.known_words --data DIR` makes `words.npy` anew; the features' fingerprint covers it, so an artefact
that was trained with another one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import characters
from models.kernels.points import Offsets, Points
from models.kernels.survey import MOST_ROWS, survey_batch

PATH = Path(__file__).with_name("words.npy")
FEWEST_WORDS, FEWEST_ROWS = 3, 2
"""Occurrences in the training texts that make a word, or a row of words, known."""

Keys = npt.NDArray[np.uint32]

_BATCH = 1_000
_instead: Keys | None = None
"""What is known at present; None: what is committed."""


def table() -> Keys:
    """The keys as the kernels look them up (read-only): the committed ones, but within `instead`."""
    return _committed() if _instead is None else _instead


@contextmanager
def instead(keys: Keys) -> Iterator[None]:
    """Within, these are known in the whole process: for a model that must not know even the words of some texts.

    Whatever is trained within, must be asked within.
    """
    global _instead
    before, _instead = _instead, _table(keys)
    try:
        yield
    finally:
        _instead = before


@lru_cache(maxsize=1)
def _committed() -> Keys:
    return _table(np.load(PATH, allow_pickle=False))


def _table(keys: Keys) -> Keys:
    """Open addressing: a key is at half its value modulo the length, or as soon after it as was free; 0 is free."""
    length = 1 << max(1, (2 * len(keys)).bit_length())
    found = np.zeros(length, np.uint32)
    for key in keys.tolist():
        at = (key >> 1) & (length - 1)
        while found[at] != 0:
            at = (at + 1) & (length - 1)
        found[at] = key
    found.setflags(write=False)
    return found


def keys_of(points: Points, offsets: Offsets) -> Keys:
    """The keys of what is known from these texts (as `models.features.encode` reads them), ascending."""
    surveyed = [_survey(points, offsets[at : at + _BATCH + 1]) for at in range(0, len(offsets) - 1, _BATCH)]
    words, rows = (np.concatenate(found) for found in zip(*surveyed, strict=True))
    known = _at_least(words, FEWEST_WORDS)
    could_be = rows[np.isin(rows[:, 0], known), 1]
    return np.union1d(known, _at_least(could_be, FEWEST_ROWS))


def _survey(points: Points, offsets: Offsets) -> tuple[Keys, Keys]:
    n_points = int(offsets[-1] - offsets[0])
    words = np.empty(n_points + 1, np.uint32)
    rows = np.empty((MOST_ROWS * n_points + 1, 2), np.uint32)
    kinds, letters = characters.tables()
    n_words, n_rows = survey_batch(points, offsets, kinds, letters, characters.leet_table(), words, rows)
    return words[:n_words].copy(), rows[:n_rows].copy()


def _at_least(keys: Keys, times: int) -> Keys:
    found, counts = np.unique(keys, return_counts=True)
    return found[counts >= times]
