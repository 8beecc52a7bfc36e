"""Quality of decisions according to second looks and appeals, as `moderation.domain.cases` counts it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moderation.domain.rounding import THRESHOLD, round_count, round_group


@dataclass(frozen=True, slots=True)
class ReviewQuality:
    """Counts of one period. Shares are published only above the threshold."""

    looked_at: int
    """Number of automated suppressions that people reviewed a second time without the pipeline's numbers."""
    overturned: int
    """Number of second looks in which all reviewers found the suppression wrong."""
    pairs: int
    """Number of items with two verdicts."""
    kappa: float | None
    """Cohen's kappa of those pairs, in [-1, 1]; None where it is not defined."""
    appeals: int
    appeals_reversed: int

    def published(self) -> dict[str, Any]:
        """Convert to plain JSON with small counts hidden."""
        kept = self.looked_at - self.overturned
        looks = round_group({"upheld_or_disputed": kept, "found_wrong": self.overturned})
        ended = round_group({"not_reversed": self.appeals - self.appeals_reversed, "reversed": self.appeals_reversed})
        enough = self.looked_at >= THRESHOLD and all(isinstance(count, int) for count in looks.values())
        return {
            "second_looks": round_count(self.looked_at),
            "second_looks_by_result": looks,
            "false_positive_rate": round(self.overturned / self.looked_at, 3) if enough else None,
            "reviewers_kappa": self.kappa if self.pairs >= THRESHOLD else None,
            "appeals": round_count(self.appeals),
            "appeals_by_result": ended,
        }
