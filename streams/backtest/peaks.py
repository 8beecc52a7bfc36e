"""How high a threshold each tag would have passed: the one number that a choice of `suppress_at` rests on."""

from __future__ import annotations

import numpy as np

from streams.backtest.history import Chunk, Past
from streams.backtest.policy_evaluator import Bench
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.errors import CallerMistake
from streams.judging.levels import OVER
from streams.log.evidence import Conditions, EvidenceRecord
from streams.policy import Policy

_LEAST = 1e-9


class Peaks:
    """For every hashtag of the evidence and category the greatest lower bound that it had, in any country, at a tick at
    which it passed the floors and what corroborates: with a `suppress_at` up to that it would have been hit.

    Args:
        policy: everything but its thresholds counts.
    """

    def __init__(self, policy: Policy) -> None:
        self.categories = policy.category_names
        self.conditions: set[Conditions] = set()
        self._policy = _without_thresholds(policy)
        self._tags = Tags()
        self._pasts: dict[int, Past] = {}
        self._bench: Bench | None = None
        self._model: tuple[str, ...] = ()
        self._peaks: dict[str, dict[int, float]] = {name: {} for name in self.categories}

    def add(self, record: EvidenceRecord) -> None:
        """Take one record, each shard's in order.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        if self._bench is None:
            self._model = record.conditions.categories
            self._bench = Bench(self._policy, self._model, self._tags)
        elif record.conditions.categories != self._model:
            raise CallerMistake(
                "the evidence was scored by models with different categories",
                fix="ask for the time since the last one went live, with --since",
            )
        past = self._pasts.setdefault(record.shard, Past(self._tags))
        chunk = past.add(record)
        if chunk is not None:
            self._take(chunk)

    def finish(self) -> dict[str, dict[str, float]]:
        """By category and hashtag; a tag that never passed the floors and what corroborates has 0."""
        for past in self._pasts.values():
            chunk = past.finish()
            if chunk is not None:
                self._take(chunk)
            self.conditions |= past.conditions.keys()
        return {
            category: {self._tags.name(number << COUNTRY_BITS): peak for number, peak in peaks.items()}
            for category, peaks in self._peaks.items()
        }

    def _take(self, chunk: Chunk) -> None:
        assert self._bench is not None
        for block in chunk.blocks:
            judged = self._bench.judge(block)
            numbers, inverse = np.unique(block.table.keys >> COUNTRY_BITS, return_inverse=True)
            for (category, _), one in judged.items():
                best = np.zeros(len(numbers))
                np.maximum.at(best, inverse, np.where(one.level == OVER, one.lower, 0.0))
                peaks = self._peaks[category]
                for number, peak in zip(numbers.tolist(), best.tolist(), strict=True):
                    peaks[number] = max(peak, peaks.get(number, 0.0))


def _without_thresholds(policy: Policy) -> Policy:
    """The policy, over wherever the floors and what corroborates allow it."""
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
