"""Histograms of the bounds of a category: the number of tag-panes that a threshold would touch."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from streams.backtest.history import EvidenceBlock
from streams.backtest.policy_evaluator import BlockLevels
from streams.judging.key_state import Scope
from streams.judging.levels import LOW
from streams.policy import Policy

BINS = 40


class Thresholds(msgspec.Struct, frozen=True):
    """Thresholds of a category, without its overrides."""

    suppress_at: float
    clear_at: float


class Histogram(msgspec.Struct, kw_only=True):
    """Tag-panes over the new policy's floors by their bounds, in `BINS` equal bins of [0, 1]."""

    category: str
    lower: list[int]
    upper: list[int]
    live: Thresholds | None
    """None: the live policy does not have the category."""
    new: Thresholds

    @property
    def tag_panes(self) -> int:
        """Number of tag-panes in all bins."""
        return sum(self.lower)


class Histograms:
    """Histograms of every category of the new policy, over the shortest window of its rules."""

    def __init__(self, live: Policy, new: Policy) -> None:
        self._scopes: dict[str, tuple[Scope, int]] = {}
        self._histograms: dict[str, Histogram] = {}
        for name in new.category_names:
            self._scopes[name] = ((name, new.surfaces[0]), min(new.rule(name, new.surfaces[0], "").windows_ms))
            self._histograms[name] = Histogram(
                category=name, lower=[0] * BINS, upper=[0] * BINS, live=_thresholds(live, name),
                new=_thresholds(new, name) or Thresholds(0, 0),
            )  # fmt: skip

    def add(self, judged: Mapping[EvidenceBlock, Mapping[Scope, BlockLevels]]) -> None:
        """Count the blocks of a chunk, as the new policy judges them."""
        for name, (scope, window_ms) in self._scopes.items():
            for block, by_scope in judged.items():
                if block.table.window_ms != window_ms or scope not in by_scope:
                    continue
                block_levels, histogram = by_scope[scope], self._histograms[name]
                enough = block_levels.level != LOW
                for counts, bound in ((histogram.lower, block_levels.lower), (histogram.upper, block_levels.upper)):
                    bins = np.minimum((bound[enough] * BINS).astype(np.int64), BINS - 1)
                    for at, count in enumerate(np.bincount(bins, minlength=BINS).tolist()):
                        counts[at] += count

    def filled(self) -> list[Histogram]:
        """Return the histograms that are not empty."""
        return [histogram for histogram in self._histograms.values() if histogram.tag_panes]


def _thresholds(policy: Policy, category: str) -> Thresholds | None:
    own = policy.categories.get(category)
    return None if own is None else Thresholds(own.suppress_at, own.clear_at)
