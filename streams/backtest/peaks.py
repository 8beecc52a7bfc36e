"""The highest threshold that each tag would have reached: the base of a choice of `suppress_at`."""

from __future__ import annotations

import numpy as np

from streams.backtest.history import EvidenceChunk, EvidenceHistory, same_categories
from streams.backtest.policy_evaluator import PolicyEvaluator
from streams.counting.keys import COUNTRY_BITS, Tags
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
        self.conditions: set[EvidenceConditions] = set()
        self._policy = _without_thresholds(policy)
        self._tags = Tags()
        self._pasts: dict[int, EvidenceHistory] = {}
        self._evaluator: PolicyEvaluator | None = None
        self._model: tuple[str, ...] | None = None
        self._peaks: dict[str, dict[int, float]] = {name: {} for name in self.categories}

    def add(self, record: EvidenceRecord) -> None:
        """Add one record, each shard's in order.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        self._model = same_categories(self._model, record)
        if self._evaluator is None:
            self._evaluator = PolicyEvaluator(self._policy, self._model, self._tags)
        past = self._pasts.setdefault(record.shard, EvidenceHistory(self._tags))
        chunk = past.add(record)
        if chunk is not None:
            self._take(chunk)

    def finish(self) -> dict[str, dict[str, float]]:
        """Return the peaks by category and hashtag; 0 where a hashtag never passed floors and corroboration."""
        for past in self._pasts.values():
            chunk = past.finish()
            if chunk is not None:
                self._take(chunk)
            self.conditions |= past.conditions.keys()
        return {
            category: {self._tags.name(number << COUNTRY_BITS): peak for number, peak in peaks.items()}
            for category, peaks in self._peaks.items()
        }

    def _take(self, chunk: EvidenceChunk) -> None:
        assert self._evaluator is not None
        for block in chunk.blocks:
            judged = self._evaluator.judge(block)
            numbers, inverse = np.unique(block.table.keys >> COUNTRY_BITS, return_inverse=True)
            for (category, _), one in judged.items():
                best = np.zeros(len(numbers))
                np.maximum.at(best, inverse, np.where(np.isin(one.level, (OVER, OVER_WITHOUT)), one.lower, 0.0))
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
                    one.model_copy(update={"suppress_at": None, "clear_at": None}) for one in category.overrides
                ),
            }
        )
        for name, category in policy.categories.items()
    }
    return policy.model_copy(update={"categories": categories})
