"""Population stability index: drift of live scores from the scores of labelled tweets.

The reference is in the artefact: deciles of the cross-validated probabilities of the labelled tweets. Nearly half of
these are harmful, but few of a live stream are. A live index is therefore never near 0; the alert fires when it moves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SLIGHT, LARGE = 0.1, 0.25
"""Thresholds of the index: no drift below the first, a large drift from the second on (Siddiqi, 2006)."""

_LEAST = 1e-3  # minimum share of a tenth, to keep its logarithm finite


def psi(probabilities: npt.NDArray[np.floating], deciles: npt.NDArray[np.float64]) -> float:
    """Compute the index: the sum over tenths of (seen - expected) ln(seen / expected), 0 without drift.

    Args:
        probabilities: (n_texts,) of one column, several hundred or more.
        deciles: (9,) inner deciles of the reference.

    >>> round(psi(np.linspace(0, 1, 1001)[:-1], np.arange(1, 10) / 10), 3)
    0.0
    """
    return _index(_tenths(probabilities, deciles))


class RecentDrift:
    """Stability index of recent texts, with exponential decay of older ones.

    Args:
        deciles: (9,) inner deciles of the reference.
        n_texts: number of later texts after which a text's weight is 1 / e.
    """

    def __init__(self, deciles: npt.NDArray[np.float64], n_texts: int = 20_000) -> None:
        self._deciles, self._n_texts = deciles, n_texts
        self._counts = np.zeros(len(deciles) + 1)

    def add(self, probabilities: npt.NDArray[np.floating]) -> float:
        """Add the probabilities (n,) of newly scored texts and return the index."""
        self._counts *= np.exp(-len(probabilities) / self._n_texts)
        self._counts += _tenths(probabilities, self._deciles)
        return _index(self._counts)


def _tenths(probabilities: npt.NDArray[np.floating], deciles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(deciles, probabilities, side="right"), minlength=len(deciles) + 1)
    return counts.astype(np.float64)


def _index(counts: npt.NDArray[np.float64]) -> float:
    seen = np.maximum(counts / max(1.0, counts.sum()), _LEAST)
    return float(((seen - 1 / len(seen)) * np.log(seen * len(seen))).sum())
