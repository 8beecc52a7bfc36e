"""The highest threshold that each tag would have reached: the base of a choice of `suppress_at`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from streams.backtest.history import EvidenceBlock
from streams.backtest.judged_past import JudgedPast
from streams.backtest.policy_evaluator import BlockLevels
from streams.counting.keys import COUNTRY_BITS
from streams.judging.key_state import Scope
from streams.judging.levels import OVER, OVER_WITHOUT
from streams.log.evidence import EvidenceConditions, EvidenceRecord
from streams.policy import Policy

_LEAST = 1e-9


class Peaks:
    """The greatest lower bound of every hashtag and category, in any country.

    Only ticks count at which the hashtag was over the floors and had its corroboration. A `suppress_at` up to the peak
    would have hidden the hashtag, except one that had a harmless past or was contested in another window.

    Args:
        policy: applied without its thresholds.
    """

    def __init__(self, policy: Policy) -> None:
        self.categories = policy.category_names
        self._past = JudgedPast(_without_thresholds(policy), self._take)
        self._peaks: dict[str, dict[int, float]] = {name: {} for name in self.categories}

    @property
    def conditions(self) -> set[EvidenceConditions]:
        """Conditions under which the evidence was measured."""
        return self._past.conditions

    def add(self, record: EvidenceRecord) -> None:
        """Add one record, each shard's in order.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        self._past.add(record)

    def finish(self) -> dict[str, dict[str, float]]:
        """Return the peaks by category and hashtag; 0 where a hashtag never passed floors and corroboration."""
        self._past.finish()
        return {
            category: {self._past.tags.name(number << COUNTRY_BITS): peak for number, peak in peaks.items()}
            for category, peaks in self._peaks.items()
        }

    def _take(self, block: EvidenceBlock, judged: Mapping[Scope, BlockLevels]) -> None:
        numbers, inverse = np.unique(block.table.keys >> COUNTRY_BITS, return_inverse=True)
        for (category, _), block_levels in judged.items():
            best = np.zeros(len(numbers))
            over = np.isin(block_levels.level, (OVER, OVER_WITHOUT))
            np.maximum.at(best, inverse, np.where(over, block_levels.lower, 0.0))
            peaks = self._peaks[category]
            for number, peak in zip(numbers.tolist(), best.tolist(), strict=True):
                peaks[number] = max(peak, peaks.get(number, 0.0))


def _without_thresholds(policy: Policy) -> Policy:
    """Lower the thresholds so far that floors and corroboration alone decide."""
    low = {"suppress_at": _LEAST, "clear_at": _LEAST / 2}
    categories = {
        name: category.model_copy(
            update={
                **low,
                "overrides": tuple(
                    rule.model_copy(update={"suppress_at": None, "clear_at": None}) for rule in category.overrides
                ),
            }
        )
        for name, category in policy.categories.items()
    }
    return policy.model_copy(update={"categories": categories})
