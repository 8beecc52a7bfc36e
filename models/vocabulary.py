"""Vocabulary of known words, as hashes, to undo disguises such as "ver min", "v3rm1n5" and "म ु स".

Such disguises can be undone only if the result is a known word. A word is known if it occurs several times in the
training texts. Rows of neighbours that would join to a known word ("in to") are known too if they occur there, since
they are not disguises. Keys are 32 bits of a hash, so that no word can be read from the file.

`python -m models.build_vocabulary --data DIR` rebuilds `words.npy`. The fingerprint of the features covers the file:
an artefact that was trained with another vocabulary is refused.
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
"""Minimum occurrences of a known word, or a known row of words, in the training texts."""

Keys = npt.NDArray[np.uint32]

_BATCH = 1_000
_override: Keys | None = None
"""Table set by `override`; None: the committed table."""


def table() -> Keys:
    """Return the read-only hash table of the kernels: the committed one, or that of `override`."""
    return _committed() if _override is None else _override


@contextmanager
def override(keys: Keys) -> Iterator[None]:
    """Replace the vocabulary of the whole process, for a model that must not know the words of some texts.

    A model that was trained within the context must also score within it.
    """
    global _override
    before, _override = _override, _table(keys)
    try:
        yield
    finally:
        _override = before


@lru_cache(maxsize=1)
def _committed() -> Keys:
    return _table(np.load(PATH, allow_pickle=False))


def _table(keys: Keys) -> Keys:
    """Build a hash table with open addressing.

    A key is at half its value modulo the length, or in the next free slot; 0 marks a free slot.
    """
    length = 1 << max(1, (2 * len(keys)).bit_length())
    slots = np.zeros(length, np.uint32)
    for key in keys.tolist():
        at = (key >> 1) & (length - 1)
        while slots[at] != 0:
            at = (at + 1) & (length - 1)
        slots[at] = key
    slots.setflags(write=False)
    return slots


def keys_of(points: Points, offsets: Offsets) -> Keys:
    """Compute the ascending keys of known words and rows in texts that `models.features.encode` has read."""
    surveyed = [_survey(points, offsets[at : at + _BATCH + 1]) for at in range(0, len(offsets) - 1, _BATCH)]
    words, rows = (np.concatenate(parts) for parts in zip(*surveyed, strict=True))
    known_words = _at_least(words, FEWEST_WORDS)
    could_be = rows[np.isin(rows[:, 0], known_words), 1]
    return np.union1d(known_words, _at_least(could_be, FEWEST_ROWS))


def _survey(points: Points, offsets: Offsets) -> tuple[Keys, Keys]:
    n_points = int(offsets[-1] - offsets[0])
    words = np.empty(n_points + 1, np.uint32)
    rows = np.empty((MOST_ROWS * n_points + 1, 2), np.uint32)
    kinds, letters = characters.tables()
    n_words, n_rows = survey_batch(points, offsets, kinds, letters, characters.leet_table(), words, rows)
    return words[:n_words].copy(), rows[:n_rows].copy()


def _at_least(keys: Keys, times: int) -> Keys:
    distinct, counts = np.unique(keys, return_counts=True)
    return distinct[counts >= times]
