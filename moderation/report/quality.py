"""How good decisions were, as second looks and appeals found: given to the report by whoever keeps those. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moderation.report.rounding import THRESHOLD, one, rounded


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of one time. Shares are given only where they rest on enough."""

    looked_at: int
    """Automated suppressions that people looked at again, blind, as many as were to."""
    overturned: int
    """Those of them that all found wrong."""
    pairs: int
    """Items with two verdicts."""
    kappa: float | None
    """Cohen's kappa of those pairs, in [-1, 1]; None where it is not defined."""
    appeals: int
    appeals_reversed: int

    def published(self) -> dict[str, Any]:
        """As it may be given to anyone."""
        kept = self.looked_at - self.overturned
        looks = rounded({"upheld_or_disputed": kept, "found_wrong": self.overturned})
        ended = rounded({"not_reversed": self.appeals - self.appeals_reversed, "reversed": self.appeals_reversed})
        enough = self.looked_at >= THRESHOLD and all(isinstance(count, int) for count in looks.values())
        return {
            "second_looks": one(self.looked_at),
            "second_looks_by_result": looks,
            "false_positive_rate": round(self.overturned / self.looked_at, 3) if enough else None,
            "reviewers_kappa": self.kappa if self.pairs >= THRESHOLD else None,
            "appeals": one(self.appeals),
            "appeals_by_result": ended,
        }
