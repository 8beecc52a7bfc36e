"""Have the scores moved away from those of the labelled tweets? The population stability index.

Reference are the deciles of the probabilities that cross-validation gave to the labelled tweets, kept in the artefact.
Of those nearly half are harmful and of a live stream few are, so a live index is never near 0: what tells is that it
moves, and the alert asks for that.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SLIGHT, LARGE = 0.1, 0.25
"""Below the first nothing has moved; from the second on ask why (the usual rule of thumb: Siddiqi, 2006)."""

_LEAST = 1e-3  # of a tenth that nothing fell into: its logarithm must be finite


def psi(probabilities: npt.NDArray[np.floating], deciles: npt.NDArray[np.float64]) -> float:
    """Sum over tenths of (seen - expected) ln(seen / expected), 0 if alike.

    Args:
        probabilities: (n_texts,) of one column, at least some hundred.
        deciles: (9,) inner deciles of the reference.

    >>> round(psi(np.linspace(0, 1, 1001)[:-1], np.arange(1, 10) / 10), 3)
    0.0
    """
    return _index(_tenths(probabilities, deciles))


class Recent:
    """The index over the last texts scored; older ones are forgotten little by little.

    Args:
        deciles: (9,) of the reference.
        n_texts: a text counts a third (1 / e) as much once so many have come after it.
    """

    def __init__(self, deciles: npt.NDArray[np.float64], n_texts: int = 20_000) -> None:
        self._deciles, self._n_texts = deciles, n_texts
        self._counts = np.zeros(len(deciles) + 1)

    def add(self, probabilities: npt.NDArray[np.floating]) -> float:
        """Takes the (n,) probabilities of texts just scored; returns the index."""
        self._counts *= np.exp(-len(probabilities) / self._n_texts)
        self._counts += _tenths(probabilities, self._deciles)
        return _index(self._counts)


def _tenths(probabilities: npt.NDArray[np.floating], deciles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found = np.bincount(np.searchsorted(deciles, probabilities, side="right"), minlength=len(deciles) + 1)
    return found.astype(np.float64)


def _index(counts: npt.NDArray[np.float64]) -> float:
    seen = np.maximum(counts / max(1.0, counts.sum()), _LEAST)
    return float(((seen - 1 / len(seen)) * np.log(seen * len(seen))).sum())
