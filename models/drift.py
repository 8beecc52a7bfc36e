"""Have the scores moved away from those of the labelled tweets? The population stability index.

Reference are the deciles of the probabilities that cross-validation gave to the labelled tweets, kept in the artefact.
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
    tenths = len(deciles) + 1
    counts = np.bincount(np.searchsorted(deciles, probabilities, side="right"), minlength=tenths)
    seen = np.maximum(counts / max(1, len(probabilities)), _LEAST)
    return float(((seen - 1 / tenths) * np.log(seen * tenths)).sum())
