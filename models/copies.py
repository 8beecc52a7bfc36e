"""Fingerprints that identify copied texts, regardless of tags, links, names, numbers, emoji and punctuation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models import features
from models.kernels.fingerprints import fingerprint_batch
from models.kernels.points import Offsets, Points


def fingerprints(texts: Sequence[str]) -> npt.NDArray[np.uint32]:
    """Compute fingerprints (n_texts,): equal for texts of the same folded words, 0 for a text without words.

    >>> one, other, none = fingerprints(["Go now! #a http://t.co/x", "go NOW 7 #b", "12:45 #c"]).tolist()
    >>> one == other, none
    (True, 0)
    """
    return fingerprints_of_points(*features.encode(texts))


def fingerprints_of_points(points: Points, offsets: Offsets) -> npt.NDArray[np.uint32]:
    """Compute fingerprints of texts that `features.encode` has read."""
    out = np.empty(len(offsets) - 1, np.uint32)
    fingerprint_batch(points, offsets, *features.lookups(), out)
    return out
