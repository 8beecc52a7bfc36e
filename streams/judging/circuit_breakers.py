"""Circuit breakers: limits on automated decisions. A decision beyond one becomes `review`, which hides nothing.

    new_suppressions_per_hour   Each judge may begin `cap // shards` in an hour, counted from its decisions.
    suppressed_share_of_top     Limit on the hidden share of the biggest tags of a country in a shard.
    uncorroborated_per_hour     Each judge may begin its share, rounded up, of the reviews of uncorroborated tags in an
                                hour. Beyond it none begins, and the tag is as if it were not over.
    unread_per_hour             The same for tags that are not assessed. Beyond it one review in an hour begins for each
                                country and language, for the largest tag; it names the number of the others.
    least_scored, most_harmful  Dead-man's rule: a scorer that is silent, or calls all harmful, begins nothing.

All of it is a function of the shard's log: of settled ticks, and of the decisions that the next owner recovers. Settled
decisions count settled ones only, so they equal the reference's; early decisions count both. Suppressions are admitted
in the order of the most harmful, reviews in that of `NewCase.rank`, and then of the alphabet: the numbers of tags
differ between workers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as altered
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from streams.actions import HIDING, WEIGHING
from streams.constants import HOUR_MS
from streams.counting.keys import COUNTRY_MASK
from streams.counting.sketch import K
from streams.judging.evidence import EvidenceTable
from streams.judging.key_state import Scope
from streams.judging.levels import CONTESTED, OVER_WITHOUT
from streams.languages import in_order
from streams.log.decisions import (
    NOT_ASSESSED,
    SPEAKING_SHARE,
    UNCORROBORATED,
    UNREAD_CAP,
    Decision,
    DecisionReason,
    ScopeDecision,
    unread_of,
)
from streams.policy import Rule
from streams.policy.shape import Valves
from streams.signals.base import Ints, rounded
from streams.signals.burst import SIGNAL as BURST

DRIFT_TAGS = 20
"""Least tags whose mean share is evidence of drift: below it one campaign can raise the mean."""
NO_MODEL = DecisionReason("model", 0.0, 1.0)
"""Fault of a scorer whose model could not be loaded."""
CAPPED_VALVES = (UNCORROBORATED, NOT_ASSESSED)
"""Valves of reviews whose number in an hour has a cap."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A key about which a tick would ask people: nothing corroborates it, or it is not assessed."""

    key: int
    hashtag: str
    country: str
    valve: str
    """One of `CAPPED_VALVES`."""
    tweets: int
    """Its tweets in the window that decided."""
    lower: float = 0.0
    """Lower bound of its harmful share; 0 where it is not assessed."""
    is_over: bool = False
    """Whether it is not assessed for the silence of its authors alone, and over without these."""
    burst: float = 0.0
    corroboration: int = 0
    """Number of corroborating signals that it reaches."""
    language: str = ""
    """Commonest language of its authors that the model does not read; "" where it reads all."""

    @classmethod
    def of(cls, key: int, hashtag: str, country: str, begun: Iterable[ScopeDecision]) -> NewCase:
        """Describe the case of a key by that of its new reviews with the most tweets; they have one valve."""
        first = max(begun, key=lambda review: 0 if review.evidence is None else review.evidence.tweets)
        case = cls(key=key, hashtag=hashtag, country=country, valve=first.valve, tweets=0)
        if first.evidence is None:
            return case
        growth, deciding = getattr(first.evidence, BURST.name), [reason.signal for reason in first.reasons[:1]]
        return altered(
            case,
            tweets=first.evidence.tweets,
            lower=0.0 if first.valve == NOT_ASSESSED else first.evidence.lower,
            is_over=deciding == [SPEAKING_SHARE],
            burst=growth or 0.0,
            corroboration=len(first.reasons) - len(deciding),
            language=_unread_language(first),
        )

    @property
    def rank(self) -> tuple[bool, int, float, float, int, str, str]:
        """Place in the order of admission, the first the smallest: by harm without silence, reach, bound and growth."""
        return (
            not self.is_over,
            -self.tweets,
            -self.lower,
            -self.burst,
            -self.corroboration,
            self.hashtag,
            self.country,
        )


class CaseAdmission(NamedTuple):
    """New cases of a settled tick beyond their cap."""

    refused: set[int]
    """Keys whose reviews do not begin."""
    summaries: dict[int, DecisionReason]
    """Keys whose reviews begin for a country and language, with the reason: the number of those refused, the cap."""


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
        self._asked: dict[str, set[_Event]] = {valve: set() for valve in CAPPED_VALVES}
        self._summaries: dict[tuple[str, str], int] = {}
        """Tick of the last summary of each country and language."""
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

    def admit_cases(self, limits: Valves, tick_ms: int, valve: str, begun: Iterable[NewCase]) -> CaseAdmission:
        """Admit new reviews of one valve at a settled tick, in the order of `NewCase.rank`."""
        cap = limits.unread_per_hour if valve == NOT_ASSESSED else limits.uncorroborated_per_hour
        share = -(-cap // self._shards)
        asked = self._asked[valve] = {entry for entry in self._asked[valve] if entry[0] > tick_ms - HOUR_MS}
        in_order = sorted(begun, key=lambda case: case.rank)
        admitted = in_order[: max(share - sum(at <= tick_ms for at, _, _ in asked), 0)]
        asked.update((tick_ms, case.hashtag, case.country) for case in admitted)
        refused = in_order[len(admitted) :]
        summaries = self._summarise(tick_ms, refused, share) if valve == NOT_ASSESSED and share else {}
        return CaseAdmission({case.key for case in refused} - summaries.keys(), summaries)

    def _summarise(self, tick_ms: int, refused: Iterable[NewCase], share: int) -> dict[int, DecisionReason]:
        """Choose the first case of each country and language, where none was chosen in the last hour."""
        groups: dict[tuple[str, str], list[NewCase]] = defaultdict(list)
        for case in refused:
            groups[case.country, case.language].append(case)
        summaries = {}
        for group, cases in groups.items():
            last_ms = self._summaries.get(group)
            if last_ms is None or not tick_ms - HOUR_MS < last_ms <= tick_ms:
                self._summaries[group] = tick_ms
                summaries[cases[0].key] = DecisionReason(UNREAD_CAP, len(cases) - 1, share)
        return summaries

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
            for valve in CAPPED_VALVES:
                if new := newly_asking(before.get(key, {}), settled, valve):
                    self._recover_case(decision, next(iter(new.values())))
            before[key] = settled
            if key in ahead:
                self._past.setdefault(key, []).append((decision.settled_ms, hides_anywhere(settled.values())))

    def _recover_case(self, decision: Decision, review: ScopeDecision) -> None:
        if any(reason.signal == UNREAD_CAP for reason in review.reasons):
            self._summaries[decision.country, _unread_language(review)] = decision.settled_ms
        else:
            self._asked[review.valve].add((decision.settled_ms, decision.hashtag, decision.country))

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
    return {
        scope: decision
        for scope, decision in after.items()
        if decision.action in HIDING and (scope not in before or before[scope].action not in HIDING)
    }


def newly_asking(
    before: Mapping[Scope, ScopeDecision], after: Mapping[Scope, ScopeDecision], valve: str
) -> dict[Scope, ScopeDecision]:
    """Return the reviews of a key for one of `CAPPED_VALVES` that have begun in scopes where nothing was in force."""
    return {
        scope: decision
        for scope, decision in after.items()
        if decision.action == "review"
        and decision.valve == valve
        and (scope not in before or before[scope].action == "clear")
    }


def hides_anywhere(decisions: Iterable[ScopeDecision]) -> bool:
    """Check whether any decision hides."""
    return any(decision.action in HIDING for decision in decisions)


def greatest_lower(decisions: Iterable[ScopeDecision]) -> float:
    """Return the greatest lower bound in the evidence of decisions; 0 without evidence."""
    return max((decision.evidence.lower for decision in decisions if decision.evidence is not None), default=0.0)


def _unread_language(review: ScopeDecision) -> str:
    unread = {} if review.evidence is None else in_order(unread_of(review.evidence))
    return next(iter(unread), "")


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
