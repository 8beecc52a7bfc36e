"""Where a tag stands against one rule: over, under, between, or too little to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.judging.bounds import Doubles
from streams.judging.evidence import EvidenceTable, rounded
from streams.judging.two_stage_share import widen
from streams.log.decisions import Evidence, Reason
from streams.policy import Rule

Levels = npt.NDArray[np.int8]
Signal = tuple[str, Doubles, float]
"""What may corroborate: its name, values (m,), and the threshold of a rule."""

LOW = 0
"""Below the floors: says nothing."""
UNDER = 1
BETWEEN = 2
OVER = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """The level of one key under one rule. What it rests on is told when it is asked for: most standings change
    nothing."""

    level: int
    judged: RuleLevels | None = None
    """With `row` there; None: it rests on nothing."""
    row: int = 0

    @property
    def evidence(self) -> Evidence | None:
        """The signals."""
        return None if self.judged is None else self.judged.evidence(self.row)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Those that speak for harm."""
        return () if self.judged is None else self.judged.reasons(self.row)


NOTHING = Standing(LOW)


@dataclass(frozen=True, slots=True, eq=False)
class RuleLevels:
    """Levels of all rows of a table under one rule. Shapes (m,)."""

    table: EvidenceTable
    rule: Rule
    level: Levels
    share: Doubles
    lower: Doubles
    upper: Doubles
    terms: npt.NDArray[np.bool_]
    signals: list[Signal]

    def standing(self, row: int) -> Standing:
        """Of one row."""
        return Standing(int(self.level[row]), self, row)

    def evidence(self, row: int) -> Evidence:
        """One row as the decision record shows it."""
        share, lower, upper = float(self.share[row]), float(self.lower[row]), float(self.upper[row])
        return self.table.evidence(row, share, lower, upper, term=bool(self.terms[row]))

    def reasons(self, row: int) -> tuple[Reason, ...]:
        """The lower bound, and what corroborates."""
        passed = [(name, float(values[row]), threshold) for name, values, threshold in self.signals]
        return (
            Reason("harmful_share_lower", rounded(float(self.lower[row])), self.rule.suppress_at),
            *(Reason(name, rounded(value), threshold) for name, value, threshold in passed if value >= threshold),
        )


def levels(
    table: EvidenceTable,
    rule: Rule,
    column: int,
    terms: npt.NDArray[np.bool_],
    confidence: float,
    margin: float = 1.0,
) -> RuleLevels:
    """Judge every row of a table under one rule.

    Args:
        column: score column of the rule's category.
        terms: (m,) whether the tag is, or looks like, a curated term.
        confidence: of the two-sided interval; early looks ask for more than the rule does.
        margin: by this factor a corroborating signal must pass its threshold; early looks ask for more here too.
    """
    share, lower, upper = table.bounds(column, confidence)
    if table.correction is not None:
        lower, upper = widen(share, lower, upper, table.correction, column, confidence, table.gaps(column))
    enough = (table.tweets >= rule.min_tweets) & (table.authors >= rule.min_authors) & (table.scored > 0)
    passed = np.zeros(len(table.keys), np.int64)
    signals = _asked(table, rule, terms)
    for signal, values, threshold in signals:
        least = threshold if signal == "term" else margin * threshold
        passed += np.nan_to_num(values, nan=-1.0) >= least
    over = (lower >= rule.suppress_at) & (passed >= rule.corroboration.need)
    level = np.full(len(table.keys), BETWEEN, np.int8)
    level[over] = OVER
    level[upper < rule.clear_at] = UNDER
    level[~enough] = LOW
    return RuleLevels(table, rule, level, share, lower, upper, terms, signals)


def _asked(table: EvidenceTable, rule: Rule, terms: npt.NDArray[np.bool_]) -> list[Signal]:
    """What must corroborate: each that the rule names."""
    wanted = rule.corroboration
    signals: list[tuple[str, Doubles, float | None]] = [
        ("burst", table.burst, wanted.burst),
        ("copies", table.copies, wanted.copies),
        ("young", table.young, wanted.young),
        ("authors", table.authors.astype(np.float64), wanted.authors),
        ("links", table.links, wanted.links),
        ("successor", table.successor, wanted.successor),
        ("term", terms.astype(np.float64), 1.0 if wanted.term else None),
    ]
    return [(name, values, float(threshold)) for name, values, threshold in signals if threshold is not None]


def combine(standings: list[Standing]) -> Standing:
    """Several windows: over in any is over; under needs every window that can say anything to be under."""
    telling = [one for one in standings if one.level != LOW]
    if not telling:
        return NOTHING
    most = max(telling, key=lambda one: one.level)
    return most
