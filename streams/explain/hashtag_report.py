"""Report on one hashtag: where it is shown or hidden, by which decisions, and its history. Pure.

The report compares three sources: the decisions of the pipeline, the overrides and orders of people (topic
`moderation`), and the flags in Redis that surfaces read. Flags that Redis does not have yet are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hushtag_client.index import Index
from hushtag_client.registers import ANY_HASHTAG, HIDING, WORLD, Register, newer
from hushtag_client.resolution import candidates, winner

from streams.actions import WEIGHING
from streams.constants import DAY_MS
from streams.flags.decision_fold import DecisionFold
from streams.flags.override_answers import action_of
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision

Outcome = Literal["wins", "overruled", "expired", "cleared", "lifted"]


@dataclass(frozen=True, slots=True)
class SurfaceState:
    """State of a hashtag on a surface for viewers in a country; `*`: the country is not known."""

    surface: str
    country: str
    shown: bool
    decided_by: Register | None
    registers: tuple[tuple[Register, Outcome], ...]
    """Every register that applies to these viewers, the strongest first, with its outcome."""

    @property
    def weight(self) -> float:
        """Factor on the hashtag's tweets in rankings, in [0, 1]; below 1 only where it is contested."""
        decides = self.decided_by
        return decides.weight if decides is not None and decides.action in WEIGHING else 1.0


@dataclass(slots=True)
class HistoryEvent:
    """Change in the history of a hashtag; `repeats` counts the later decisions that only renewed it."""

    at_ms: int
    source: str
    country: str
    version: str
    what: str
    actor: str
    reason: str = ""
    repeats: int = 0


class HashtagReport:
    """Decisions, overrides and flags of one hashtag.

    Args:
        in_redis: the hashtag's flags in Redis; None where Redis did not answer: then the logs replace it.
        country: only for viewers in this country; None: all.
    """

    def __init__(
        self,
        hashtag: str,
        decisions: Sequence[Decision],
        people: OverrideHistory,
        in_redis: Sequence[Register] | None,
        now_ms: int,
        country: str | None = None,
    ) -> None:
        self.hashtag = hashtag
        self.now_ms = now_ms
        self.country = country
        own = (decision for decision in decisions if decision.hashtag == hashtag and self._applies(decision.country))
        unique = {decision.version + decision.country: decision for decision in own}
        self.decisions = sorted(unique.values(), key=lambda decision: decision.version)
        self.people = people
        statuses = people.statuses(now_ms, hashtag=hashtag)
        self.overrides = [status for status in statuses if self._applies(status.record.country)]
        self._in_logs = self._fold()
        self.has_redis = in_redis is not None
        self._in_redis = None if in_redis is None else [held for held in in_redis if self._applies(held.country)]
        self.registers = self._in_logs if self._in_redis is None else self._in_redis

    @property
    def known(self) -> bool:
        """Whether any source has a record of this hashtag itself."""
        own = any(register.hashtag == self.hashtag for register in [*self.registers, *self._in_logs])
        return bool(own or self.decisions or self.overrides)

    @property
    def display(self) -> str:
        """Commonest spelling by the last decision, else the one that a person typed, else the hashtag itself."""
        spelt = [status.record.display for status in self.overrides if status.record.display]
        spelt += [decision.display for decision in self.decisions if decision.display]
        return spelt[-1] if spelt else self.hashtag

    def latest(self) -> list[Decision]:
        """Return the last decision of each country, by country."""
        newest = {decision.country: decision for decision in self.decisions}
        return [newest[country] for country in sorted(newest)]

    def states(self) -> list[SurfaceState]:
        """Return the state on each surface and in each country that any source has a record of."""
        own = [register for register in self.registers if register.hashtag == self.hashtag]
        surfaces = {register.surface for register in own} | {
            scope.surface for decision in self.decisions for scope in decision.rulings
        }
        countries = {register.country for register in own} | {WORLD}
        if self.country is not None:
            countries = {self.country}
        return [self._state(surface, country) for surface in sorted(surfaces) for country in sorted(countries)]

    def unpublished(self) -> list[Register]:
        """Return the registers of the logs that Redis does not have yet and that would change an answer."""
        if self._in_redis is None:
            return []
        held = {register.field: register for register in self._in_redis}
        late = []
        for register in self._in_logs:
            there = held.get(register.field)
            matters = register.in_force(self.now_ms) or (there is not None and there.in_force(self.now_ms))
            if matters and newer(register, there):
                late.append(register)
        return late

    def timeline(self) -> list[HistoryEvent]:
        """Return the changes, oldest first; decisions that only renew the one before are counted in it."""
        events = [*self._automated(), *self._by_people()]
        return sorted(events, key=lambda event: (event.at_ms, event.version))

    def _applies(self, country: str) -> bool:
        return self.country is None or country in (self.country, WORLD)

    def _fold(self) -> list[Register]:
        fold = DecisionFold(longest_expiry_ms=DAY_MS, max_broker_skew_ms=0)
        for decision in self.decisions:
            fold.apply(decision)
        self.people.fold.expire(self.now_ms)
        by_people = [r for r in self.people.fold.registers() if r.hashtag in (self.hashtag, ANY_HASHTAG)]
        return [*fold.registers(), *(register for register in by_people if self._applies(register.country))]

    def _state(self, surface: str, country: str) -> SurfaceState:
        index = Index(self.registers)
        stops = index.stops(surface, country)
        decides = winner(index.candidates(surface, country, self.hashtag), stops, self.now_ms)
        own = [r for r in self.registers if (r.hashtag, r.surface) == (self.hashtag, surface)]
        ordered = [
            *candidates(own, country),
            *(r for r in own if r.action == "clear" and r.country in (country, WORLD)),
        ]
        registers = tuple((register, self._outcome(register, decides)) for register in ordered)
        if decides is not None and decides.hashtag == ANY_HASHTAG:
            registers = ((decides, "wins"), *registers)
        return SurfaceState(surface, country, decides is None or decides.action not in HIDING, decides, registers)

    def _outcome(self, register: Register, decides: Register | None) -> Outcome:
        if register is decides:
            return "wins"
        if register.action == "clear":
            return "cleared"
        if not register.in_force(self.now_ms):
            return "expired"
        return "lifted" if decides is not None and decides.hashtag == ANY_HASHTAG else "overruled"

    def _automated(self) -> Iterator[HistoryEvent]:
        last: dict[str, HistoryEvent] = {}
        for decision in self.decisions:
            what = _summary(decision)
            before = last.get(decision.country)
            if before is not None and before.what == what:
                before.repeats += 1
                continue
            last[decision.country] = HistoryEvent(
                decision.decided_at_ms, decision.source, decision.country, decision.version, what, decision.actor
            )
            yield last[decision.country]

    def _by_people(self) -> Iterator[HistoryEvent]:
        for offset, record in self.people.history:
            if record.hashtag != self.hashtag or not self._applies(record.country):
                continue
            what = f"{action_of(record)} on {', '.join(record.surfaces)}"
            if offset in self.people.fold.stale:
                what += " (refused: another change came first)"
            yield HistoryEvent(
                record.at_ms, record.source, record.country, str(offset), what, record.actor, record.reason
            )


def _summary(decision: Decision) -> str:
    surfaces: dict[tuple[str, str], set[str]] = {}
    for scope in decision.rulings:
        surfaces.setdefault((scope.action, scope.category), set()).add(scope.surface)
    categories: dict[tuple[str, str], list[str]] = {}
    for action, category in sorted(surfaces):
        on = " and ".join(sorted(surfaces[action, category], reverse=True))
        categories.setdefault((action, on), []).append(category)
    words = [f"{action} on {on} for {', '.join(listed)}" for (action, on), listed in categories.items()]
    return ("early: " if decision.provisional else "") + ("; ".join(words) or "nothing in force")
