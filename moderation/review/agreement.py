"""Agreement between reviewers and the false-positive rate of automated suppressions. Pure, for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sklearn.metrics import cohen_kappa_score

from moderation.review.records import VERDICTS, Verdict


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the first two verdicts on the same item."""

    pairs: int
    observed: float | None
    """Share of pairs that agree, in [0, 1]; None without pairs."""
    kappa: float | None
    """Cohen's kappa (Cohen 1960), in [-1, 1]; 0 is the agreement expected by chance.

    None where kappa is undefined: without pairs, and where all verdicts are the same.
    """


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """Result of the blind sample of automated suppressions."""

    looked_at: int
    """Items with all their verdicts."""
    overturned: int
    """Reviewed items that every reviewer overturned."""
    disputed: int
    """Reviewed items on which the reviewers disagreed."""

    @property
    def rate(self) -> float | None:
        """Share of overturned items, in [0, 1]; None without reviewed items."""
        return self.overturned / self.looked_at if self.looked_at else None


def agreement(verdicts: Iterable[Sequence[Verdict]]) -> Agreement:
    """Compute Cohen's kappa over items with at least two verdicts.

    >>> agreement([("uphold", "uphold"), ("overturn", "overturn"), ("uphold", "overturn"), ("uphold",)])
    Agreement(pairs=3, observed=0.6666666666666666, kappa=0.4)
    """
    pairs = [(given[0], given[1]) for given in verdicts if len(given) >= 2]
    if not pairs:
        return Agreement(0, None, None)
    first, second = zip(*pairs, strict=True)
    observed = sum(a == b for a, b in pairs) / len(pairs)
    if len({*first, *second}) == 1:
        return Agreement(len(pairs), observed, None)
    return Agreement(len(pairs), observed, round(float(cohen_kappa_score(first, second, labels=list(VERDICTS))), 6))


def false_positives(verdicts: Iterable[Sequence[Verdict]], *, looks: int) -> FalsePositives:
    """Count the outcomes of items with at least `looks` verdicts."""
    done = [set(given) for given in verdicts if len(given) >= looks]
    overturned = sum(given == {"overturn"} for given in done)
    return FalsePositives(len(done), overturned, sum(len(given) > 1 for given in done))
