"""Protocols of scorers: `Scorer` is required, the others are optional extensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.share import Scale


class Scorer(Protocol):
    """Scorer of texts: calibrated probabilities of harm."""

    @property
    def revision(self) -> str:
        """Identifier of 12 hex digits that changes whenever a score might change."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Policy categories of columns 1 and on."""

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return probabilities in [0, 1], shape (n_texts, 1 + n_categories).

        Column 0 is any category, column 1 + i is `categories[i]`. A row is NaN for a text in a language that the
        scorer does not read. The result for a text is a pure function of that text, regardless of its batch. Every str
        is accepted, and nothing is raised. The heavy part runs without the GIL.
        """


@runtime_checkable
class LanguageScorer(Scorer, Protocol):
    """Scorer that also names the language of each text."""

    def score_languages(
        self, texts: Sequence[str], hints: npt.NDArray[np.uint8] | None = None
    ) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Return the result of `score`, and the language of each text, one of `models.languages.TAGS`.

        Args:
            texts: n texts.
            hints: (n,) numbers of the payloads' languages (`models.languages.hint_of`); None: none is known.
        """


@runtime_checkable
class PointsScorer(Scorer, Protocol):
    """Scorer that also accepts texts encoded by `models.features.encode`, which saves a second encoding."""

    def score_points(self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the result of `score` for encoded texts."""


@runtime_checkable
class GroupingScorer(PointsScorer, Protocol):
    """Scorer that also maps mean probabilities to harmful shares, by group of languages.

    For other scorers the mean probability is used as the share.
    """

    @property
    def scale(self) -> Scale:
        """Scale of at most `streams.counting.block_counts.MAX_GROUPS` groups; the meaning of a group never changes.

        A text that is not read may have a greater group, `models.languages.GROUPS`, below that limit.
        """

    def score_groups(
        self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Return the result of `score_points`, and the group (n_texts,) of each text, a row of the scale if read."""
