"""Safety valves: what automation may not do however sure it is. Past one a decision becomes `review`, hiding nothing.

    new_suppressions_per_hour   shared out: each judge may begin `cap // shards` in an hour, counted from what it said
    suppressed_share_of_top     of the biggest tags of a country in a shard no more than so many are hidden
    least_scored, most_harmful  the dead-man's rule: a scorer that is silent, or calls all harmful, begins nothing

All is a function of the shard's log: of settled ticks, and of the decisions that a successor reads back. Settled
decisions count settled ones only, so they equal the reference's; early ones count both. The most harmful tags come
first, then the alphabet: never the order in which tags were numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as altered
from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from streams.counting.keys import COUNTRY_MASK
from streams.counting.sketch import K
from streams.judging.evidence import EvidenceTable, Ints, rounded
from streams.judging.key_state import Scope
from streams.log.decisions import HIDING, Decision, Reason, Ruling
from streams.policy import Rule
from streams.policy.rules import HIDING_MODES
from streams.policy.shape import Valves

HOUR_MS = 3_600_000
DRIFT_TAGS = 20
"""With fewer tags their mean share says nothing of the scorer: one campaign is enough."""
NO_MODEL = Reason("model", 0.0, 1.0)
"""The fault of a scorer that is not there: the model in force could not be loaded."""
_Event = tuple[int, str, str]
"""(tick, hashtag, country)"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A key that a settled tick would begin to hide."""

    key: int
    hashtag: str
    country: str
    lower: float
    """The greatest lower bound of its new rulings."""


@dataclass(slots=True)
class Crowd:
    """The biggest tags of every country at a tick, and how many of them are hidden.

    Args:
        keys, tweets: (m,) of the shortest window.
        hides: whether a key is hidden already.
        size: how many of each country are looked at.
    """

    keys: Ints
    tweets: Ints
    hides: Callable[[int], bool]
    size: int
    _known: dict[int, tuple[dict[int, bool], int]] = field(default_factory=dict)

    def hidden(self, key: int) -> int | None:
        """How many of the big tags of a key's country are hidden; None: the key is not one of them."""
        members, hidden = self._of(key & COUNTRY_MASK)
        return hidden if key in members else None

    def hide(self, key: int) -> None:
        """One more is hidden."""
        members, hidden = self._of(key & COUNTRY_MASK)
        if key in members and not members[key]:
            members[key] = True
            self._known[key & COUNTRY_MASK] = members, hidden + 1

    def _of(self, code: int) -> tuple[dict[int, bool], int]:
        found = self._known.get(code)
        if found is None:
            of_country = np.flatnonzero(self.keys & COUNTRY_MASK == code)
            tweets = self.tweets[of_country]
            bar = np.sort(tweets)[-self.size] if len(tweets) >= self.size else 0  # equals of the last one are in too
            members = {key: self.hides(key) for key in self.keys[of_country[tweets >= bar]].tolist()}
            found = self._known[code] = members, sum(members.values())
        return found


class ShardValves:
    """One judge's valves, and what they count."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._begun: set[_Event] = set()
        self._early: set[_Event] = set()
        self._past: dict[tuple[str, str], list[tuple[int, bool]]] = {}

    def admit(self, limits: Valves, tick_ms: int, begun: Sequence[Begun], crowd: Crowd) -> dict[int, Reason]:
        """Which keys may not be hidden at a settled tick: by key the valve, what it counted, and its limit."""
        self._begun = {one for one in self._begun if one[0] > tick_ms - HOUR_MS}
        used = sum(at <= tick_ms for at, _, _ in self._begun)
        refused: dict[int, Reason] = {}
        for one in sorted(begun, key=lambda one: (-one.lower, one.hashtag, one.country)):
            hit = _cap(limits, self._shards, used) or _crowded(limits, crowd, one.key)
            if hit is not None:
                refused[one.key] = hit
                continue
            used += 1
            crowd.hide(one.key)
            self._begun.add((tick_ms, one.hashtag, one.country))
        return refused

    def admit_early(self, limits: Valves, tick_ms: int, hashtag: str, country: str, key: int, crowd: Crowd) -> bool:
        """Whether a key may be hidden before its tick has settled; it counts if so.

        Args:
            crowd: hidden in it is also what is hidden early.
        """
        since_ms = tick_ms - HOUR_MS
        self._early = {one for one in self._early if one[0] > since_ms}
        settled = {(tag, where): at for at, tag, where in sorted(self._begun) if at > since_ms}
        waiting = {(tag, where) for at, tag, where in self._early if settled.get((tag, where), -1) < at}
        used = sum(at > since_ms for at, _, _ in self._begun) + len(waiting - {(hashtag, country)})
        if _cap(limits, self._shards, used) is not None:
            return False
        if not crowd.hides(key) and _crowded(limits, crowd, key) is not None:
            return False
        crowd.hide(key)
        self._early.add((tick_ms, hashtag, country))
        return True

    def recover(self, decisions: Iterable[Decision], settled_ms: int) -> None:
        """Count what a predecessor began, by all decisions of the shard; its last progress was at `settled_ms`."""
        said = sorted(decisions, key=lambda one: one.version)
        ahead = {(one.hashtag, one.country) for one in said if one.settled_ms > settled_ms}
        before: dict[tuple[str, str], dict[Scope, Ruling]] = {}
        for one in said:
            key = (one.hashtag, one.country)
            early = [ruling for ruling in one.rulings if ruling.provisional and ruling.action in HIDING]
            self._early.update((ruling.since_ms, *key) for ruling in early)
            settled = {(each.category, each.surface): each for each in one.rulings if not each.provisional}
            if newly_hiding(before.get(key, {}), settled):
                self._begun.add((one.settled_ms, *key))
            before[key] = settled
            if key in ahead:
                self._past.setdefault(key, []).append((one.settled_ms, hides_anywhere(settled.values())))

    def hid(self, hashtag: str, country: str, tick_ms: int) -> bool:
        """Whether a key was hidden before a tick that a predecessor has said already, or began to be at it."""
        past = self._past.get((hashtag, country), [])
        before = next((hides for at, hides in reversed(past) if at < tick_ms), False)
        return before or any(hides for at, hides in past if at == tick_ms)


def _cap(limits: Valves, shards: int, used: int) -> Reason | None:
    if limits.new_suppressions_per_hour is None:
        return None
    share = limits.new_suppressions_per_hour // shards
    return Reason("new_suppressions_per_hour", used, share) if used >= share else None


def _crowded(limits: Valves, crowd: Crowd, key: int) -> Reason | None:
    if limits.suppressed_share_of_top is None:
        return None
    hidden, most = crowd.hidden(key), limits.top_hidden_max
    return Reason("suppressed_share_of_top", hidden, most) if hidden is not None and hidden >= most else None


def newly_hiding(before: Mapping[Scope, Ruling], after: Mapping[Scope, Ruling]) -> dict[Scope, Ruling]:
    """The rulings of a key that hide and did not before."""
    return {
        scope: ruling
        for scope, ruling in after.items()
        if ruling.action in HIDING and (scope not in before or before[scope].action not in HIDING)
    }


def hides_anywhere(rulings: Iterable[Ruling]) -> bool:
    """Whether any of them hides."""
    return any(ruling.action in HIDING for ruling in rulings)


def greatest_lower(rulings: Iterable[Ruling]) -> float:
    """Over their evidence."""
    return max((one.evidence.lower for one in rulings if one.evidence is not None), default=0.0)


def refused(before: Mapping[Scope, Ruling], after: Mapping[Scope, Ruling], valve: Reason) -> dict[Scope, Ruling]:
    """The rulings of a key that a valve does not let through, as reviews."""
    return {
        scope: replace(after[scope], action="review", valve=valve.signal, reasons=(*after[scope].reasons, valve))
        for scope in newly_hiding(before, after)
    }


@lru_cache(1024)
def _reviewing(rule: Rule) -> Rule:
    return altered(rule, mode="review")


def rule_under_valve(rule: Rule, state: Ruling | None) -> Rule:
    """The rule that holds for a state: what a valve made a review of stays one until it ends, room or no room."""
    return _reviewing(rule) if state is not None and state.valve and rule.mode in HIDING_MODES else rule


def scorer_fault(limits: Valves, table: EvidenceTable | None) -> Reason | None:
    """The dead-man's rule on the shortest window: why the scorer is not to be believed at this tick; None: it is.

    While it holds every tag stands as if it were below its floors: nothing begins, nothing is renewed or cleared, and
    what stands runs out.
    """
    if table is None or not len(table.keys):
        return None
    if limits.least_scored is not None:
        share = float(table.scored.sum() / np.minimum(table.authors, K).sum().clip(1))
        if share < limits.least_scored:
            return Reason("least_scored", rounded(share), limits.least_scored)
    some = table.scored > 0
    if limits.most_harmful is not None and some.sum() >= DRIFT_TAGS:
        mean = float(table.estimates()[some, 0].mean())
        if mean > limits.most_harmful:
            return Reason("most_harmful", rounded(mean), limits.most_harmful)
    return None
