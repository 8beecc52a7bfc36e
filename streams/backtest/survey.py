"""The thresholds of a policy on the kept evidence: the hashtags that each rule judged, by their harmful share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from streams.backtest.coverage import needs_replay
from streams.backtest.histogram import BINS
from streams.backtest.history import EvidenceBlock
from streams.backtest.judged_past import JudgedPast
from streams.backtest.policy_evaluator import BlockLevels
from streams.counting.keys import COUNTRY_BITS
from streams.judging.key_state import Scope
from streams.judging.levels import LOW, OVER, OVER_WITHOUT
from streams.log.evidence import EvidenceRecord
from streams.policy import Policy, Rule


class RuleSurvey(msgspec.Struct, kw_only=True):
    """Hashtags that one rule judged, each counted once, by the greatest lower bound of its harmful share."""

    category: str
    places: list[tuple[str, str]]
    """(surface, country) that the rule is for; country "": every one without an own rule."""
    rule: Rule
    bins: list[int]
    """Hashtags in `BINS` equal bins of [0, 1]."""
    above: int
    """Hashtags that reached `suppress_at`."""
    over: int
    """Hashtags that reached it with the corroboration that the rule asks for."""

    @property
    def judged(self) -> int:
        """Number of hashtags over the floors."""
        return sum(self.bins)


class SurveyReport(msgspec.Struct, kw_only=True):
    """Survey of all rules of a policy."""

    revision: str
    from_ms: int
    """First tick of the evidence; 0 without evidence."""
    to_ms: int
    rules: list[RuleSurvey]
    uncovered: list[str]
    """Reasons why a part of the evidence does not answer for this policy."""


class ThresholdSurvey:
    """Survey of a policy's rules over evidence records, each shard's in order."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._past = JudgedPast(policy, self._take)
        self._peaks: dict[tuple[str, Rule], dict[int, float]] = {key: {} for key in places_of_rules(policy)}
        self._over: dict[tuple[str, Rule], set[int]] = {key: set() for key in self._peaks}

    def add(self, record: EvidenceRecord) -> None:
        """Add one record.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        self._past.add(record)

    def finish(self) -> SurveyReport:
        """Judge the remaining ticks and return the report."""
        self._past.finish()
        uncovered = needs_replay(self._policy, self._past.conditions)
        reasons = [f"{category}: {reason}" for (category, _), of_scope in uncovered.items() for reason in of_scope]
        return SurveyReport(
            revision=self._policy.revision,
            from_ms=self._past.from_ms,
            to_ms=self._past.to_ms,
            rules=[
                RuleSurvey(
                    category=category,
                    places=places,
                    rule=rule,
                    bins=_bins(self._peaks[category, rule].values()),
                    above=sum(peak >= rule.suppress_at for peak in self._peaks[category, rule].values()),
                    over=len(self._over[category, rule]),
                )
                for (category, rule), places in places_of_rules(self._policy).items()
            ],
            uncovered=list(dict.fromkeys(reasons)),
        )

    def _take(self, block: EvidenceBlock, judged: Mapping[Scope, BlockLevels]) -> None:
        numbers = block.table.keys >> COUNTRY_BITS
        seen: set[tuple[str, int]] = set()
        for (category, _), block_levels in judged.items():
            if (category, id(block_levels)) in seen:  # surfaces with equal rules share their levels
                continue
            seen.add((category, id(block_levels)))
            for number, levels in enumerate(block_levels.by_rule):
                rows = np.flatnonzero((block_levels.part == number) & (block_levels.level != LOW))
                key = category, levels.rule
                peaks = self._peaks[key]
                for tag, bound in zip(numbers[rows].tolist(), block_levels.lower[rows].tolist(), strict=True):
                    peaks[tag] = max(bound, peaks.get(tag, 0.0))
                over = rows[np.isin(block_levels.level[rows], (OVER, OVER_WITHOUT))]
                self._over[key].update(numbers[over].tolist())


def places_of_rules(policy: Policy) -> dict[tuple[str, Rule], list[tuple[str, str]]]:
    """Return the distinct rules by category, each with the (surface, country) that it is for.

    A country without an own rule is in the row of country "".
    """
    places: dict[tuple[str, Rule], list[tuple[str, str]]] = {}
    for (category, surface, country), rule in sorted(policy.rule_table.items(), key=lambda row: row[0]):
        if not country or rule != policy.rule_table[category, surface, ""]:
            places.setdefault((category, rule), []).append((surface, country))
    return places


def _bins(bounds: Iterable[float]) -> list[int]:
    at = np.minimum((np.fromiter(bounds, float) * BINS).astype(np.int64), BINS - 1)
    counted: list[int] = np.bincount(at, minlength=BINS).tolist()
    return counted
