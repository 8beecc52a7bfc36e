"""Levels of keys under one rule: over, contested, under, between, or too small to judge.

An attacker brings young accounts and copied texts, so the established authors have a verdict of their own. The group
whose lower bound reaches `suppress_at` decides:

    the established authors, if these are enough    OVER            The tag is hidden.
    the other authors, if both are enough           CONTESTED       The tag is discounted.
    all authors, if the established are too few     OVER_WITHOUT    The tag is hidden.

A group has no verdict if the model has read less than `min_scored` of its texts. Where that holds for all authors
nothing hides the tag; if it is corroborated it is UNREAD, and people are asked. Authors without words are not read;
they alone open no case. A tag that is over only without them is UNREAD too. People are also asked where a verdict would
hide a tag and nothing corroborates it: it is OVER_ALONE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.judging.author_group import GroupBounds, ShareBounds
from streams.judging.evidence import EvidenceTable
from streams.log.decisions import SPEAKING_SHARE, DecisionReason, Evidence
from streams.policy import Rule
from streams.signals.base import YES_NO, Bools, Doubles, Numbers, Signal, rounded
from streams.signals.registry import BY_NAME

Levels = npt.NDArray[np.int8]

LOW = 0
"""Level of a key below the floors: too small to judge."""
UNDER = 1
BETWEEN = 2
OVER_ALONE = 3
"""Level of a key whose harmful share would hide it, but that nothing corroborates. For what is in force: BETWEEN."""
UNREAD = 4
"""Level of a corroborated key that is mostly in languages that the model does not read, or over but for silence."""
OVER_WITHOUT = 5
"""Level of a key that is over without a verdict of established authors, who are too few."""
CONTESTED = 6
"""Level of a key under which coordinated authors write harm and the established ones do not."""
OVER = 7
"""Level of a key under which the established authors write harm."""

TWEETS_EACH = 3
"""Tweets of one established author that a weight allows for: above it, others have written most of the tweets."""
LEAST_PART = 0.1
"""Least part of the authors that is not established, for a key to be contested: a smaller one moves no ranking."""


class AskedSignal(NamedTuple):
    """A signal that a rule asks for, its values (m,), and the rule's threshold."""

    signal: Signal
    values: Numbers
    threshold: float


class EstablishedVoice(NamedTuple):
    """The established authors of one key."""

    enough: bool
    """Whether there are enough for a verdict."""
    weight: float
    """Their part of the authors, or of the tweets where others write many each, in [0, 1]."""
    disputed: bool
    """Whether the other authors may still write harm: the upper bound of their share is not below `clear_at`."""
    innocent_past: int
    """Their number in a large and harmless past; 0 without one."""


class RuleResult(NamedTuple):
    """Level of one key under one rule. Evidence and reasons are rendered on demand: most results change nothing."""

    level: int
    judged: RuleLevels | None = None
    """Rows that the key's is one of; None: the result has no evidence."""
    row: int = 0

    @property
    def evidence(self) -> Evidence | None:
        """Evidence of the key, as the decision record shows it."""
        return None if self.judged is None else self.judged.evidence(self.row)

    @property
    def reasons(self) -> tuple[DecisionReason, ...]:
        """Signals that reached their thresholds."""
        if self.judged is None:
            return ()
        return self.judged.reasons(self.row, by_established=self.level == OVER_ALONE and self.voice.enough)

    @property
    def voice(self) -> EstablishedVoice:
        """The part of the established authors."""
        return _NO_VOICE if self.judged is None else self.judged.voice(self.row)

    @property
    def is_shortest(self) -> bool:
        """Whether the window is the shortest of the rule."""
        return self.judged is not None and self.judged.is_shortest


_NO_VOICE = EstablishedVoice(enough=False, weight=1.0, disputed=False, innocent_past=0)
NOTHING = RuleResult(LOW)
_UNKNOWN = ShareBounds(0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class RuleLevels:
    """Levels of all rows of a table under one rule. Shapes (m,)."""

    table: EvidenceTable
    rule: Rule
    column: int
    """Score column of the rule's category."""
    level: Levels
    everyone: GroupBounds
    own: GroupBounds
    """Bounds of the established authors, of rows over the floors."""
    others: GroupBounds
    """Bounds of the authors that are not established, where both groups are enough."""
    enough: Bools
    """Whether there are enough established authors for a verdict."""
    disputed: Bools
    """Whether the other authors are enough for a verdict, too, were read, and may write harm."""
    innocent: Bools
    """Whether many established authors used the tag before, and wrote no harm."""
    read_part: Doubles
    """Part of the sampled authors' texts that the model has read."""
    over_but_for_silence: Bools
    """Whether the tag would be over without the authors whose texts have no words, and is not."""
    speaking_lower: Doubles
    """Lower bound of the harmful share, without the same, of the group that decides."""
    listed: Bools
    """Whether the tag is, or looks like, a curated term."""
    asked: list[AskedSignal]

    def result(self, row: int) -> RuleResult:
        """Return the result of one row."""
        return RuleResult(int(self.level[row]), self, row)

    def evidence(self, row: int) -> Evidence:
        """Render one row for a decision record; the few read texts of an unread tag bound nothing."""
        if self.level[row] == UNREAD:
            return self.table.evidence(row, _UNKNOWN, _UNKNOWN, self.listed, self.column)
        return self.table.evidence(row, self.everyone.at(row), self.own.at(row), self.listed, self.column)

    def reasons(self, row: int, *, by_established: bool = False) -> tuple[DecisionReason, ...]:
        """Return the bound that decided, and the signals of one row that reached their thresholds.

        `by_established` names the established authors' bound at any level.
        """
        deciding = {
            OVER: ("established_share_lower", self.own),
            CONTESTED: ("coordinated_share_lower", self.others),
        }
        level = OVER if by_established else int(self.level[row])
        name, bounds = deciding.get(level, ("harmful_share_lower", self.everyone))
        decided = DecisionReason(name, rounded(float(bounds.lower[row])), self.rule.suppress_at)
        if self.level[row] == UNREAD and self.over_but_for_silence[row]:
            decided = DecisionReason(SPEAKING_SHARE, rounded(float(self.speaking_lower[row])), self.rule.suppress_at)
        elif self.level[row] == UNREAD:
            decided = DecisionReason("scored_share", rounded(float(self.read_part[row])), self.rule.min_scored)
        values = [(signal.signal.name, float(signal.values[row]), signal.threshold) for signal in self.asked]
        return (
            decided,
            *(DecisionReason(name, rounded(value), least) for name, value, least in values if value >= least),
        )

    def voice(self, row: int) -> EstablishedVoice:
        """Return the part of the established authors of one row."""
        table, weight = self.table, 1.0
        if table.authors[row]:
            authors = int(table.established.authors[row])
            weight = min(1.0, authors / int(table.authors[row]), TWEETS_EACH * authors / max(int(table.tweets[row]), 1))
        past = int(self.table.past.authors[row]) if self.table.past is not None and self.innocent[row] else 0
        disputed = bool(self.disputed[row]) and self.is_shortest  # a longer window has attackers that are gone
        return EstablishedVoice(bool(self.enough[row]), round(weight, 3), disputed, past)

    @property
    def is_shortest(self) -> bool:
        """Whether the window is the shortest of the rule, which is nearest to what surfaces count."""
        return self.table.window_ms == self.rule.windows_ms[0]


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
    m, everyone, established = len(table.keys), table.everyone.bounds(column, confidence), table.established
    big = (table.tweets >= rule.min_tweets) & (table.authors >= rule.min_authors)
    floors, read_part = big & (table.everyone.scored > 0), table.everyone.read_part()
    asked = [
        AskedSignal(BY_NAME[name], BY_NAME[name].values(table, listed), threshold)
        for name, threshold in rule.corroboration.thresholds
    ]
    reached = np.zeros(m, np.int64)
    for signal, values, threshold in asked:
        reached += values >= (threshold if signal.kind is YES_NO else margin * threshold)  # NaN reaches nothing
    corroborated = reached >= rule.corroboration.need

    read = read_part >= rule.min_scored
    enough = established.authors >= rule.min_established
    rows = np.flatnonzero(floors)
    own = established.take(rows).bounds(column, confidence).spread(rows, m)
    own_read = read & (established.read_part() >= rule.min_scored)
    least = np.maximum(rule.min_established, LEAST_PART * table.authors)
    rows = np.flatnonzero(floors & enough & (table.authors - established.authors >= least))
    rest = table.everyone.take(rows).without(established.take(rows))
    others = rest.bounds(column, confidence).spread(rows, m)
    disputed = np.zeros(m, bool)
    # A dispute keeps a tag from being hidden: silence ends none.
    disputed[rows] = (rest.read_part_of_words() >= rule.min_scored) & (others.upper[rows] >= rule.clear_at)
    innocent = np.zeros(m, bool)
    if table.past is not None:
        rows = np.flatnonzero(floors & (table.past.authors >= rule.innocent_past))
        past = table.past.take(rows).with_silence_as_clean()  # a past keeps a tag from being hidden
        innocent[rows] = past.bounds(column, rule.confidence).upper < rule.clear_at
    speaks = np.where(enough, established.read_part_of_words(), 1.0) >= rule.min_scored
    speaks &= table.everyone.read_part_of_words() >= rule.min_scored
    speaking_lower = _speaking_lower(table, enough, column, confidence)

    level = np.full(m, BETWEEN, np.int8)
    level[everyone.upper < rule.clear_at] = UNDER
    level[~floors] = LOW
    level[big & (table.everyone.read_part_of_words() < rule.min_scored) & corroborated] = UNREAD
    but_for_silence = floors & corroborated & speaks & (speaking_lower >= rule.suppress_at)
    level[but_for_silence] = UNREAD
    over_without = floors & read & ~enough & (everyone.lower >= rule.suppress_at)
    over = floors & own_read & enough & (own.lower >= rule.suppress_at)
    level[(over_without | over) & ~corroborated] = OVER_ALONE
    level[over_without & corroborated] = OVER_WITHOUT
    level[floors & disputed & (others.lower >= rule.suppress_at)] = CONTESTED
    level[over & corroborated] = OVER
    return RuleLevels(
        table,
        rule,
        column,
        level,
        everyone,
        own,
        others,
        enough,
        disputed,
        innocent,
        read_part,
        but_for_silence & (level == UNREAD),
        speaking_lower,
        listed,
        asked,
    )


def _speaking_lower(table: EvidenceTable, enough: Bools, column: int, confidence: float) -> Doubles:
    """Return (m,) the lower bound of the group that decides, without its silent authors; 0 where none is silent."""
    lower, silent = np.zeros(len(table.keys)), table.everyone.silent
    if silent is not None:
        for group, decides in ((table.everyone, ~enough), (table.established, enough)):
            rows = np.flatnonzero(decides & (silent > 0))
            lower[rows] = group.take(rows).speaking().bounds(column, confidence).lower
    return lower


def combine(results: Iterable[RuleResult]) -> RuleResult:
    """Combine the windows of a key: the highest level of any window; under needs every window to be under or low.

    Surfaces count recent tweets, so only the shortest window of the rule can contest a tag. Established authors of a
    longer window keep a tag from being hidden in their absence; it is contested then. An unread tag stays unread, and
    one that nothing corroborates stays so.
    """
    reached = [result for result in results if result.level != LOW]
    best = max(reached, key=lambda result: result.level, default=NOTHING)
    if best.level != CONTESTED or best.is_shortest:
        return best
    shortest = next((result for result in reached if result.is_shortest), best)
    unread = next((result for result in reached if result.level == UNREAD), None)
    if unread is not None and shortest.level != OVER_WITHOUT:
        return unread
    return shortest._replace(level={OVER_WITHOUT: CONTESTED, OVER_ALONE: OVER_ALONE}.get(shortest.level, BETWEEN))
