"""What turns texts into probabilities of harm: any object with these three members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Scorer(Protocol):
    """Text to calibrated probabilities of harm."""

    @property
    def revision(self) -> str:
        """12 hex digits that change whenever a score might."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The policy categories that are told apart."""

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n_texts, 1 + n_categories) in [0, 1]: column 0 any category, column 1 + i `categories[i]`.

        A pure function of each text alone, whatever is scored with it. Takes every str and never raises. The heavy
        part runs without the GIL.
        """


@runtime_checkable
class PointsScorer(Scorer, Protocol):
    """A scorer that also takes texts as `models.features.encode` reads them, so that they are read but once."""

    def score_points(self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """What `score` says of the same texts."""
