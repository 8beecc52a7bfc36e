"""The scale that labels give, as commands, the API and the console show it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from models import platform_scale
from models.column_fit import ENOUGH, FEWEST
from models.platform_scale import ColumnScale, PlatformScale, ScoredLabel
from models.scorer import LinearScorer
from models.share import Scale
from moderation.domain.calibration.agreed_labels import AgreedLabel

_ONE_SIDED = 1.28
"""Quantile of the normal distribution at 90%."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaleFit:
    """Fit of the live model's scale."""

    platform: PlatformScale

    @property
    def is_ready(self) -> bool:
        """Whether a language has enough labels to fit anything."""
        return self.platform.is_ready

    @property
    def fitted_languages(self) -> tuple[str, ...]:
        """Languages whose scale would change."""
        return self.platform.fitted_languages

    @property
    def columns(self) -> tuple[ColumnScale, ...]:
        """Languages and categories of which people labelled a text."""
        return tuple(column for column in self.platform.columns if column.clean + column.harmful)

    @property
    def revision(self) -> str:
        """Digest of the scale, so that no other scale goes live than the one that a person looked at."""
        return hashlib.sha256(self.platform.scale.to_bytes()).hexdigest()[:12]

    @property
    def problems(self) -> tuple[str, ...]:
        """Reasons why a language and category is not the platform's yet."""
        return self.platform.problems

    @property
    def inverted(self) -> tuple[str, ...]:
        """Fitted languages and categories in which harmful texts score no higher than clean ones.

        A distance that chance explains (one-sided, 90%) counts as none: every bound of such a scale is 0% to 100%.
        """
        return tuple(
            f"{column.language}, {column.category or 'any harm'}"
            for column in self.platform.columns
            if column.is_fitted
            and column.after[1] - column.after[0] <= column.is_calibrated * _ONE_SIDED * hypot(*column.errors)
        )

    def missing_words(self) -> str:
        """Say how many labels of each language are missing until its scale is the platform's."""
        parts = []
        for column in self.platform.columns:
            if not column.category and column.clean + column.harmful and not column.is_calibrated:
                n_labels = f"{column.clean + column.harmful} of {2 * ENOUGH} labels in {column.language}"
                if column.clean + column.harmful >= 2 * ENOUGH:
                    n_labels = f"{column.clean + column.harmful} labels in {column.language}"
                parts.append(f"{n_labels}, {column.missing_words()} are missing")
        return "; ".join(parts) or (
            f"no language has a label: {FEWEST} clean and {FEWEST} harmful texts begin to help, "
            f"{ENOUGH} of each are enough"
        )

    def scales(self, live: LinearScorer) -> Mapping[bytes, Scale]:
        """Return the fitted scale by the bytes of the live one, to try it on the past."""
        return {live.scale.to_bytes(): self.platform.scale}

    def artefact(self, live: LinearScorer, about: Mapping[str, object]) -> bytes:
        """Build the model file with this scale; `about` describes the labels."""
        return self.platform.artefact(live, about)


def fit_scale(live: LinearScorer, labels: Sequence[AgreedLabel]) -> ScaleFit:
    """Fit the scale of the live model to labelled texts; their order does not change a bit of it."""
    texts = [
        ScoredLabel(
            probabilities=label.probabilities, language=label.language, harmful=label.harmful,
            categories=label.categories, cluster=label.hashtag,
        )
        for label in sorted(labels, key=lambda label: label.subject)
    ]  # fmt: skip
    return ScaleFit(platform_scale.fit(live, texts))
