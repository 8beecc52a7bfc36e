"""Levels of keys under one rule: over, under, between, or too small to judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from streams.judging.evidence import EvidenceTable
from streams.log.decisions import DecisionReason, Evidence
from streams.policy import Rule
from streams.signals.base import YES_NO, Bools, Doubles, Numbers, Signal, rounded
from streams.signals.registry import BY_NAME

Levels = npt.NDArray[np.int8]

LOW = 0
"""Level of a key below the floors: too small to judge."""
UNDER = 1
BETWEEN = 2
OVER = 3


class AskedSignal(NamedTuple):
    """A signal that a rule asks for, its values (m,), and the rule's threshold."""

    signal: Signal
    values: Numbers
    threshold: float


class JudgedRows(Protocol):
    """Rows of a table that were judged, and can be rendered."""

    def evidence(self, row: int) -> Evidence:
        """Return the evidence of one row, for a decision record."""

    def reasons(self, row: int) -> tuple[DecisionReason, ...]:
        """Return the reasons for the level of one row."""


class RuleResult(NamedTuple):
    """Level of one key under one rule. Evidence and reasons are rendered on demand: most results change nothing."""

    level: int
    judged: JudgedRows | None = None
    """Rows that the key's is one of; None: the result has no evidence."""
    row: int = 0

    @property
    def evidence(self) -> Evidence | None:
        """Evidence of the key, as the decision record shows it."""
        return None if self.judged is None else self.judged.evidence(self.row)

    @property
    def reasons(self) -> tuple[DecisionReason, ...]:
        """Signals that reached their thresholds."""
        return () if self.judged is None else self.judged.reasons(self.row)


NOTHING = RuleResult(LOW)


@dataclass(frozen=True, slots=True, eq=False)
class RuleLevels:
    """Levels of all rows of a table under one rule. Shapes (m,)."""

    table: EvidenceTable
    rule: Rule
    level: Levels
    share: Doubles
    lower: Doubles
    upper: Doubles
    listed: Bools
    """Whether the tag is, or looks like, a curated term."""
    asked: list[AskedSignal]

    def result(self, row: int) -> RuleResult:
        """Return the result of one row."""
        return RuleResult(int(self.level[row]), self, row)

    def evidence(self, row: int) -> Evidence:
        """Render one row for a decision record."""
        share, lower, upper = float(self.share[row]), float(self.lower[row]), float(self.upper[row])
        return self.table.evidence(row, share, lower, upper, self.listed)

    def reasons(self, row: int) -> tuple[DecisionReason, ...]:
        """Return the lower bound, and the signals of one row that reached their thresholds."""
        values = [(one.signal.name, float(one.values[row]), one.threshold) for one in self.asked]
        return (
            DecisionReason("harmful_share_lower", rounded(float(self.lower[row])), self.rule.suppress_at),
            *(DecisionReason(name, rounded(value), least) for name, value, least in values if value >= least),
        )


def levels(
    table: EvidenceTable, rule: Rule, column: int, listed: Bools, confidence: float, margin: float = 1.0
) -> RuleLevels:
    """Judge every row of a table under one rule.

    Args:
        table: evidence of m keys over the rule's window.
        rule: rule with the thresholds and the least counts.
        column: score column of the rule's category.
        listed: (m,) whether the tag is, or looks like, a curated term.
        confidence: of the two-sided interval; early decisions ask for more than the rule does.
        margin: factor on the threshold of each measured signal; early decisions ask for more here too.
    """
    share, lower, upper = table.bounds(column, confidence)
    enough = (table.tweets >= rule.min_tweets) & (table.authors >= rule.min_authors) & (table.scored > 0)
    asked = [
        AskedSignal(BY_NAME[name], BY_NAME[name].values(table, listed), threshold)
        for name, threshold in rule.corroboration.thresholds
    ]
    reached = np.zeros(len(table.keys), np.int64)
    for signal, values, threshold in asked:
        reached += values >= (threshold if signal.kind is YES_NO else margin * threshold)  # NaN reaches nothing
    over = (lower >= rule.suppress_at) & (reached >= rule.corroboration.need)
    level = np.full(len(table.keys), BETWEEN, np.int8)
    level[over] = OVER
    level[upper < rule.clear_at] = UNDER
    level[~enough] = LOW
    return RuleLevels(table, rule, level, share, lower, upper, listed, asked)


def combine(results: Iterable[RuleResult]) -> RuleResult:
    """Combine the windows of a key: over in any is over; under needs every window that is not low to be under."""
    return max((one for one in results if one.level != LOW), key=lambda one: one.level, default=NOTHING)
