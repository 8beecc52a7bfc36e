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
    in_groups: npt.NDArray[np.uint8] | None = None
    """(n,) see `groups`; None: the scorer knows but one."""
    silent: bool = False
    """The model in force is not to be had: no text of some has a probability."""

    @property
    def groups(self) -> npt.NDArray[np.uint8]:
        """(n,) which of the scorer's groups of languages each text is in."""
        return np.zeros(len(self.copies), np.uint8) if self.in_groups is None else self.in_groups

    def part(self, first: int, end: int) -> Scores:
        """Those of texts [first, end)."""
        groups = None if self.in_groups is None else self.in_groups[first:end]
        return Scores(self.probabilities[first:end], self.copies[first:end], groups, self.silent)
