"""Where a tag stands against one rule: over, under, between, or too little to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.judging.bounds import Doubles
from streams.judging.evidence import EvidenceTable, rounded
from streams.judging.two_stages import widen
from streams.log.decisions import Evidence, Reason
from streams.policy import Rule

Levels = npt.NDArray[np.int8]

LOW = 0
"""Below the floors: says nothing."""
UNDER = 1
BETWEEN = 2
OVER = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """The level of one key under one rule, with what it rests on."""

    level: int
    evidence: Evidence | None = None
    reasons: tuple[Reason, ...] = ()


NOTHING = Standing(LOW)


@dataclass(frozen=True, slots=True, eq=False)
class RuleLevels:
    """Levels of all rows of a table under one rule. Shapes (m,)."""

    table: EvidenceTable
    rule: Rule
    column: int
    level: Levels
    share: Doubles
    lower: Doubles
    upper: Doubles
    terms: npt.NDArray[np.bool_]

    def standing(self, row: int) -> Standing:
        """One row, explained."""
        lower, upper, term = float(self.lower[row]), float(self.upper[row]), bool(self.terms[row])
        evidence = self.table.evidence(row, float(self.share[row]), lower, upper, term=term)
        reasons = [Reason("harmful_share_lower", rounded(lower), self.rule.suppress_at)]
        reasons += [
            Reason(signal, rounded(float(values[row])), float(threshold))
            for signal, values, threshold in asked(self.table, self.rule, self.terms)
            if values[row] >= threshold
        ]
        return Standing(int(self.level[row]), evidence, tuple(reasons))


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
    for signal, values, threshold in asked(table, rule, terms):
        least = threshold if signal == "term" else margin * threshold
        passed += np.nan_to_num(values, nan=-1.0) >= least
    over = (lower >= rule.suppress_at) & (passed >= rule.corroboration.need)
    level = np.full(len(table.keys), BETWEEN, np.int8)
    level[over] = OVER
    level[upper < rule.clear_at] = UNDER
    level[~enough] = LOW
    return RuleLevels(table, rule, column, level, share, lower, upper, terms)


def asked(table: EvidenceTable, rule: Rule, terms: npt.NDArray[np.bool_]) -> list[tuple[str, Doubles, float]]:
    """What must corroborate: (signal, values (m,), threshold) of each that the rule names."""
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
