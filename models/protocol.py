"""What turns texts into probabilities of harm: any object with the three members of `Scorer`; more is optional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.share import Scale


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


@runtime_checkable
class GroupingScorer(PointsScorer, Protocol):
    """A scorer that also knows what its probabilities mean as the share of a hashtag, by groups of languages.

    Of one that does not, the mean probability is taken for the share.
    """

    @property
    def scale(self) -> Scale:
        """Of at most `streams.counting.block_counts.MAX_GROUPS` groups; what a group's number means never changes."""

    def score_groups(
        self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """What `score_points` says, and (n_texts,) the group of each text: a row of the scale."""
