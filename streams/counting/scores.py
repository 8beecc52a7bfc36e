"""What a scorer says of texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What stage 1 says of n texts."""

    probabilities: npt.NDArray[np.float32]
    """(n, 1 + categories): any category first, then each."""
    copies: npt.NDArray[np.uint32]
    """(n,) fingerprints by which copies are known; 0 for a text without words."""
    silent: bool = False
    """The model in force is not to be had: no text of some has a probability."""
