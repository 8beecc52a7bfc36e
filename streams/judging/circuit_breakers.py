"""Circuit breakers: limits on automated decisions. A decision beyond one becomes `review`, which hides nothing.

    new_suppressions_per_hour   Each judge may begin `cap // shards` in an hour, counted from its decisions.
    suppressed_share_of_top     Limit on the hidden share of the biggest tags of a country in a shard.
    uncorroborated_per_hour     Each judge may begin its share, rounded up, of the reviews of uncorroborated tags in an
                                hour. Beyond it none begins, and the tag is as if it were not over.
    least_scored, most_harmful  Dead-man's rule: a scorer that is silent, or calls all harmful, begins nothing.

All of it is a function of the shard's log: of settled ticks, and of the decisions that the next owner recovers. Settled
decisions count settled ones only, so they equal the reference's; early decisions count both. Keys are admitted in the
order of the most harmful, then the alphabet: the numbers of tags differ between workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as altered

import numpy as np
from msgspec.structs import replace

from streams.actions import HIDING, WEIGHING
from streams.constants import HOUR_MS
from streams.counting.keys import COUNTRY_MASK
from streams.counting.sketch import K
from streams.judging.evidence import EvidenceTable
from streams.judging.key_state import Scope
from streams.judging.levels import CONTESTED, OVER_WITHOUT
from streams.log.decisions import NOT_ASSESSED, UNCORROBORATED, Decision, DecisionReason, ScopeDecision
from streams.policy import Rule
from streams.policy.shape import Valves
from streams.signals.base import Ints, rounded

DRIFT_TAGS = 20
"""Least tags whose mean share is evidence of drift: below it one campaign can raise the mean."""
NO_MODEL = DecisionReason("model", 0.0, 1.0)
"""Fault of a scorer whose model could not be loaded."""
_Event = tuple[int, str, str]
"""Event as (tick, hashtag, country)."""


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """A key that a tick would begin to hide."""

    key: int
    hashtag: str
    country: str
    lower: float = 0.0
    """Greatest lower bound of its new decisions; of an early one it does not matter."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """A key about which a tick would ask people, since it is over and nothing corroborates it."""

    key: int
    hashtag: str
    country: str
    tweets: int
    """Its tweets in the window that decided."""
    lower: float


@dataclass(slots=True)
class TopTags:
    """The biggest tags of every country at a tick, and the number of them that is hidden.

    Args:
        keys, tweets: (m,) of the shortest window.
        hides: whether a key is hidden already.
        size: tags of each country that count as big.
    """

    keys: Ints
    tweets: Ints
    hides: Callable[[int], bool]
    size: int
    _known: dict[int, dict[int, bool]] = field(default_factory=dict)
    """Big tags of each country code, with whether each is hidden."""

    def hidden(self, key: int) -> int | None:
        """Count the hidden ones among the big tags of a key's country; None: the key is not one of the big tags."""
        members = self._of(key & COUNTRY_MASK)
        return sum(members.values()) if key in members else None

    def hide(self, key: int) -> None:
        """Count a key as hidden."""
        members = self._of(key & COUNTRY_MASK)
        if key in members:
            members[key] = True

    def _of(self, code: int) -> dict[int, bool]:
        scopes = self._known.get(code)
        if scopes is None:
            of_country = np.flatnonzero(self.keys & COUNTRY_MASK == code)
            tweets = self.tweets[of_country]
            least = np.sort(tweets)[-self.size] if len(tweets) >= self.size else 0  # ties with the last one count too
            big = self.keys[of_country[tweets >= least]].tolist()
            scopes = self._known[code] = {key: self.hides(key) for key in big}
        return scopes


class CircuitBreakers:
    """The circuit breakers of one judge, and the suppressions that they count."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._begun: set[_Event] = set()
        self._asked: set[_Event] = set()
        self._early: set[_Event] = set()
        self._past: dict[tuple[str, str], list[tuple[int, bool]]] = {}

    def admit(
        self, limits: Valves, tick_ms: int, begun: Sequence[NewSuppression], top: TopTags
    ) -> dict[int, DecisionReason]:
        """Admit new suppressions of a settled tick; return by refused key the breaker, with its count and its limit."""
        self._begun = {entry for entry in self._begun if entry[0] > tick_ms - HOUR_MS}
        used = sum(at <= tick_ms for at, _, _ in self._begun)
        refusals: dict[int, DecisionReason] = {}
        for beginning in sorted(begun, key=lambda beginning: (-beginning.lower, beginning.hashtag, beginning.country)):
            hit = _cap(limits, self._shards, used) or _hidden_top(limits, top, beginning.key)
            if hit is not None:
                refusals[beginning.key] = hit
                continue
            used += 1
            top.hide(beginning.key)
            self._begun.add((tick_ms, beginning.hashtag, beginning.country))
        return refusals

    def admit_cases(self, limits: Valves, tick_ms: int, begun: Iterable[NewCase]) -> set[int]:
        """Admit new reviews of uncorroborated keys at a settled tick, the largest first; return the refused keys."""
        self._asked = {entry for entry in self._asked if entry[0] > tick_ms - HOUR_MS}
        free = -(-limits.uncorroborated_per_hour // self._shards) - sum(at <= tick_ms for at, _, _ in self._asked)
        by_reach = sorted(begun, key=lambda case: (-case.tweets, -case.lower, case.hashtag, case.country))
        admitted = by_reach[: max(free, 0)]
        self._asked.update((tick_ms, case.hashtag, case.country) for case in admitted)
        return {case.key for case in by_reach[len(admitted) :]}

    def admit_early(self, limits: Valves, tick_ms: int, new: NewSuppression, top: TopTags) -> bool:
        """Check whether a key may be hidden before its tick has settled, and count it if so.

        In `top` the keys that are hidden early count as hidden too.
        """
        since_ms, event = tick_ms - HOUR_MS, (tick_ms, new.hashtag, new.country)
        self._early = {entry for entry in self._early if entry[0] > since_ms}
        settled = {(tag, where): at for at, tag, where in sorted(self._begun) if at > since_ms}
        waiting = {(tag, where) for at, tag, where in self._early if settled.get((tag, where), -1) < at}
        used = sum(at > since_ms for at, _, _ in self._begun) + len(waiting - {event[1:]})
        if _cap(limits, self._shards, used) is not None:
            return False
        if not top.hides(new.key) and _hidden_top(limits, top, new.key) is not None:
            return False
        top.hide(new.key)
        self._early.add(event)
        return True

    def recover(self, decisions: Iterable[Decision], settled_ms: int) -> None:
        """Count the suppressions of the previous owner, whose last progress record is of the tick `settled_ms`."""
        ascending = sorted(decisions, key=lambda decision: decision.version)
        ahead = {(decision.hashtag, decision.country) for decision in ascending if decision.settled_ms > settled_ms}
        before: dict[tuple[str, str], dict[Scope, ScopeDecision]] = {}
        for decision in ascending:
            key = (decision.hashtag, decision.country)
            early = [each for each in decision.rulings if each.provisional and each.action in HIDING]
            self._early.update((each.since_ms, *key) for each in early)
            settled = {(each.category, each.surface): each for each in decision.rulings if not each.provisional}
            if newly_hiding(before.get(key, {}), settled):
                self._begun.add((decision.settled_ms, *key))
            if newly_asking(before.get(key, {}), settled):
                self._asked.add((decision.settled_ms, *key))
            before[key] = settled
            if key in ahead:
                self._past.setdefault(key, []).append((decision.settled_ms, hides_anywhere(settled.values())))

    def was_hidden(self, hashtag: str, country: str, tick_ms: int) -> bool:
        """Check whether a key was hidden before, or became so at, a tick that the previous owner has decided."""
        past = self._past.get((hashtag, country), [])
        before = next((hides for at, hides in reversed(past) if at < tick_ms), False)
        return before or any(hides for at, hides in past if at == tick_ms)


def _cap(limits: Valves, shards: int, used: int) -> DecisionReason | None:
    if limits.new_suppressions_per_hour is None:
        return None
    share = limits.new_suppressions_per_hour // shards
    return DecisionReason("new_suppressions_per_hour", used, share) if used >= share else None


def _hidden_top(limits: Valves, top: TopTags, key: int) -> DecisionReason | None:
    if limits.suppressed_share_of_top is None:
        return None
    hidden, most = top.hidden(key), limits.top_hidden_max
    return DecisionReason("suppressed_share_of_top", hidden, most) if hidden is not None and hidden >= most else None


def newly_hiding(
    before: Mapping[Scope, ScopeDecision], after: Mapping[Scope, ScopeDecision]
) -> dict[Scope, ScopeDecision]:
    """Return the decisions of a key that hide and did not before."""
    return _newly(before, after, lambda decision: decision.action in HIDING)


def newly_asking(
    before: Mapping[Scope, ScopeDecision], after: Mapping[Scope, ScopeDecision]
) -> dict[Scope, ScopeDecision]:
    """Return the reviews of an uncorroborated key that have begun."""
    return _newly(before, after, lambda decision: decision.action == "review" and decision.valve == UNCORROBORATED)


def _newly(
    before: Mapping[Scope, ScopeDecision],
    after: Mapping[Scope, ScopeDecision],
    is_one: Callable[[ScopeDecision], bool],
) -> dict[Scope, ScopeDecision]:
    """Return the decisions after that are of a kind, in scopes whose decision before was not."""
    return {
        scope: decision
        for scope, decision in after.items()
        if is_one(decision) and (scope not in before or not is_one(before[scope]))
    }


def hides_anywhere(decisions: Iterable[ScopeDecision]) -> bool:
    """Check whether any decision hides."""
    return any(decision.action in HIDING for decision in decisions)


def greatest_lower(decisions: Iterable[ScopeDecision]) -> float:
    """Return the greatest lower bound in the evidence of decisions; 0 without evidence."""
    return max((decision.evidence.lower for decision in decisions if decision.evidence is not None), default=0.0)


def greatest_tweets(decisions: Iterable[ScopeDecision]) -> int:
    """Return the greatest number of tweets in the evidence of decisions; 0 without evidence."""
    return max((decision.evidence.tweets for decision in decisions if decision.evidence is not None), default=0)


def as_reviews(
    before: Mapping[Scope, ScopeDecision], after: Mapping[Scope, ScopeDecision], breaker: DecisionReason
) -> dict[Scope, ScopeDecision]:
    """Turn the decisions of a key that a breaker refuses into reviews; a contested tag stays so."""
    return {
        scope: before[scope]
        if scope in before and before[scope].action in WEIGHING
        else replace(decision, action="review", valve=breaker.signal, reasons=(*decision.reasons, breaker))
        for scope, decision in newly_hiding(before, after).items()
    }


def rule_under_breaker(rule: Rule, state: ScopeDecision | None, level: int) -> Rule:
    """Return the rule for a state: a review that a breaker has made stays one until it ends, or is contested."""
    if state is None or not state.valve or not rule.hides or level == CONTESTED:
        return rule
    if state.valve == NOT_ASSESSED and level >= OVER_WITHOUT:
        return rule
    if state.valve == UNCORROBORATED and (level >= OVER_WITHOUT or state.action == "clear"):
        return rule
    return altered(rule, mode="review")


def scorer_fault(limits: Valves, table: EvidenceTable | None) -> DecisionReason | None:
    """Apply the dead-man's rule to the shortest window; None: the scorer is trusted at this tick.

    While there is a fault every key counts as below its floors: nothing begins, nothing is renewed or cleared, and
    decisions in force expire.
    """
    if table is None or not len(table.keys):
        return None
    everyone = table.everyone.with_silence_as_clean()
    if limits.least_scored is not None:
        unread = everyone.unread
        looked = everyone.scored.sum() + (0 if unread is None else unread.sum())
        share = float(looked / np.minimum(table.authors, K).sum().clip(1))
        if share < limits.least_scored:
            return DecisionReason("least_scored", rounded(share), limits.least_scored)
    some = everyone.scored > 0
    if limits.most_harmful is not None and some.sum() >= DRIFT_TAGS:
        mean = float(everyone.estimates()[some, 0].mean())
        if mean > limits.most_harmful:
            return DecisionReason("most_harmful", rounded(mean), limits.most_harmful)
    return None
