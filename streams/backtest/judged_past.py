"""The kept evidence of all shards, judged block by block under one policy, without following actions over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.backtest.history import EvidenceBlock, EvidenceChunk, EvidenceHistory, same_categories
from streams.backtest.policy_evaluator import BlockLevels, PolicyEvaluator
from streams.counting.keys import Tags
from streams.judging.key_state import Scope
from streams.log.evidence import EvidenceConditions, EvidenceRecord
from streams.policy import Policy


class JudgedPast:
    """Reader of evidence records that passes each block with its levels on.

    Args:
        policy: policy to judge by.
        take: called with each block and its levels by scope.
    """

    def __init__(self, policy: Policy, take: Callable[[EvidenceBlock, Mapping[Scope, BlockLevels]], None]) -> None:
        self.tags = Tags()
        self.conditions: set[EvidenceConditions] = set()
        """Conditions under which the evidence was measured, complete after `finish`."""
        self.from_ms, self.to_ms = 0, 0
        """First and last tick that was judged; 0 before the first."""
        self._policy, self._pass_on = policy, take
        self._pasts: dict[int, EvidenceHistory] = {}
        self._evaluator: PolicyEvaluator | None = None
        self._model: tuple[str, ...] | None = None

    def add(self, record: EvidenceRecord) -> None:
        """Add one record, each shard's in order.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        self._model = same_categories(self._model, record)
        if self._evaluator is None:
            self._evaluator = PolicyEvaluator(self._policy, self._model, self.tags)
        past = self._pasts.setdefault(record.shard, EvidenceHistory(self.tags))
        self._take(past.add(record))

    def finish(self) -> None:
        """Judge the remaining ticks."""
        for past in self._pasts.values():
            self._take(past.finish())
            self.conditions |= past.conditions.keys()

    def _take(self, chunk: EvidenceChunk | None) -> None:
        if chunk is None:
            return
        assert self._evaluator is not None
        first_ms = chunk.ticks[0].tick_ms
        self.from_ms = min(self.from_ms, first_ms) if self.to_ms else first_ms
        self.to_ms = max(self.to_ms, chunk.ticks[-1].tick_ms)
        for block in chunk.blocks:
            self._pass_on(block, self._evaluator.judge(block))
