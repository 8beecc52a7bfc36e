"""All that is known of one hashtag, put together so that a person can see why it is hidden or shown. Pure.

Three tellers: the decisions (the pipeline's truth), the moderation topic (people's truth), and Redis (what the
surfaces see). They should agree; where Redis lags behind, that is said instead of smoothed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from hushtag_client.index import Index
from hushtag_client.registers import ANY_HASHTAG, HIDING, WORLD, Register, newer
from hushtag_client.resolution import candidates, winner

from streams.flags.decision_fold import DecisionFold
from streams.flags.overrides import PeopleView, record_as_dict
from streams.log.decisions import Decision
from streams.log.decisions import Reason as Signal

Outcome = Literal["wins", "overruled", "expired", "cleared", "lifted"]
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Place:
    """A surface and a viewer's country (`*`: not known), and what such a viewer gets."""

    surface: str
    country: str
    shown: bool
    decided_by: Register | None
    heard: tuple[tuple[Register, Outcome], ...]
    """Every register that speaks to this viewer, the strongest first, and what becomes of its word."""


@dataclass(slots=True)
class Event:
    """One change in the history of a hashtag; `repeats` counts the decisions after it that only renewed it."""

    at_ms: int
    source: str
    country: str
    version: str
    what: str
    actor: str
    reason: str = ""
    repeats: int = 0


class Account:
    """What the three tellers say of a hashtag. `in_redis` None: Redis did not answer, the logs speak for it."""

    def __init__(
        self,
        hashtag: str,
        decisions: Sequence[Decision],
        people: PeopleView,
        in_redis: Sequence[Register] | None,
        now_ms: int,
        country: str | None = None,
    ) -> None:
        self.hashtag = hashtag
        self.now_ms = now_ms
        self.country = country
        unique = {said.version + said.country: said for said in decisions if said.hashtag == hashtag}
        self.decisions = sorted((said for said in unique.values() if self._near(said.country)), key=lambda d: d.version)
        self.people = people
        self.standings = [one for one in people.standings(now_ms, hashtag=hashtag) if self._near(one.record.country)]
        self._in_logs = self._fold()
        self._in_redis = (
            None if in_redis is None else [register for register in in_redis if self._near(register.country)]
        )
        self.registers = self._in_logs if self._in_redis is None else self._in_redis

    @property
    def known(self) -> bool:
        """Whether anything was ever said of this hashtag itself."""
        own = any(register.hashtag == self.hashtag for register in [*self.registers, *self._in_logs])
        return bool(own or self.decisions or self.standings)

    @property
    def display(self) -> str:
        """The commonest spelling, as last decided; the hashtag itself where nobody said."""
        spelt = [said.display for said in self.decisions if said.display]
        return spelt[-1] if spelt else self.hashtag

    def latest(self) -> list[Decision]:
        """The decision in force of each country, by country."""
        newest = {said.country: said for said in self.decisions}
        return [newest[country] for country in sorted(newest)]

    def places(self) -> list[Place]:
        """Each surface and country where anything was ever said, and the verdict there."""
        own = [register for register in self.registers if register.hashtag == self.hashtag]
        surfaces = {register.surface for register in own} | {
            ruling.surface for said in self.decisions for ruling in said.rulings
        }
        countries = {register.country for register in own} | {WORLD}
        if self.country is not None:
            countries = {self.country}
        return [self._place(surface, country) for surface in sorted(surfaces) for country in sorted(countries)]

    def unpublished(self) -> list[Register]:
        """Registers that the logs ask for and Redis does not have yet, as far as they would change anything."""
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

    def timeline(self) -> list[Event]:
        """What happened, oldest first; decisions that only renew the one before are counted, not told."""
        events = [*self._automated(), *self._by_people()]
        return sorted(events, key=lambda event: (event.at_ms, event.version))

    def _near(self, country: str) -> bool:
        return self.country is None or country in (self.country, WORLD)

    def _fold(self) -> list[Register]:
        fold = DecisionFold(longest_expiry_ms=_DAY_MS, max_broker_skew_ms=0)
        for said in self.decisions:
            fold.apply(said)
        self.people.fold.lapse(self.now_ms)
        by_people = [r for r in self.people.fold.registers() if r.hashtag in (self.hashtag, ANY_HASHTAG)]
        return [*fold.registers(), *(register for register in by_people if self._near(register.country))]

    def _place(self, surface: str, country: str) -> Place:
        index = Index(self.registers)
        stops = index.stops(surface, country)
        decides = winner(index.candidates(surface, country, self.hashtag), stops, self.now_ms)
        own = [r for r in self.registers if (r.hashtag, r.surface) == (self.hashtag, surface)]
        ordered = [
            *candidates(own, country),
            *(r for r in own if r.action == "clear" and r.country in (country, WORLD)),
        ]
        heard = tuple((register, self._outcome(register, decides)) for register in ordered)
        if decides is not None and decides.hashtag == ANY_HASHTAG:
            heard = ((decides, "wins"), *heard)
        return Place(surface, country, decides is None or decides.action not in HIDING, decides, heard)

    def _outcome(self, register: Register, decides: Register | None) -> Outcome:
        if register is decides:
            return "wins"
        if register.action == "clear":
            return "cleared"
        if not register.in_force(self.now_ms):
            return "expired"
        return "lifted" if decides is not None and decides.hashtag == ANY_HASHTAG else "overruled"

    def _automated(self) -> Iterator[Event]:
        last: dict[str, Event] = {}
        for said in self.decisions:
            what = _summary(said)
            before = last.get(said.country)
            if before is not None and before.what == what:
                before.repeats += 1
                continue
            last[said.country] = Event(said.decided_at_ms, said.source, said.country, said.version, what, said.actor)
            yield last[said.country]

    def _by_people(self) -> Iterator[Event]:
        for offset, record in self.people.history:
            if record.hashtag != self.hashtag or not self._near(record.country):
                continue
            told = record_as_dict(record)
            what = f"{told['action']} on {', '.join(record.surfaces)}"
            if offset in self.people.fold.stale:
                what += " (refused: somebody else was quicker)"
            yield Event(record.at_ms, record.source, record.country, str(offset), what, record.actor, record.reason)


def _summary(said: Decision) -> str:
    rulings = sorted({(ruling.action, ruling.surface, ruling.category) for ruling in said.rulings})
    words = [f"{action} on {surface} for {category}" for action, surface, category in rulings]
    return ("early: " if said.provisional else "") + ("; ".join(words) or "nothing in force")


def signal_as_dict(signal: str, value: float, threshold: float) -> dict[str, Any]:
    """A signal with its margin: how far it is past its threshold."""
    return {"signal": signal, "value": value, "threshold": threshold, "margin": value - threshold}


def register_as_dict(register: Register, outcome: Outcome | None = None) -> dict[str, Any]:
    """A register as plain JSON, its reasons with margins."""
    plain = register.as_dict()
    plain["reasons"] = [signal_as_dict(r.signal, r.value, r.threshold) for r in register.reasons]
    return plain | ({"outcome": outcome} if outcome else {})


def decision_as_dict(said: Decision) -> dict[str, Any]:
    """A decision as plain JSON, its reasons with margins."""
    plain: dict[str, Any] = msgspec.to_builtins(said)
    for ruling, told in zip(said.rulings, plain["rulings"], strict=True):
        told["reasons"] = [_signal(reason) for reason in ruling.reasons]
    return plain


def _signal(reason: Signal) -> dict[str, Any]:
    return signal_as_dict(reason.signal, reason.value, reason.threshold)


def account_as_dict(account: Account) -> dict[str, Any]:
    """The whole account as one JSON object."""
    return {
        "hashtag": account.hashtag,
        "display": account.display,
        "known": account.known,
        "at_ms": account.now_ms,
        "redis": account._in_redis is not None,
        "places": [
            {
                "surface": place.surface,
                "country": place.country,
                "shown": place.shown,
                "decided_by": place.decided_by.field if place.decided_by else None,
                "registers": [register_as_dict(register, outcome) for register, outcome in place.heard],
            }
            for place in account.places()
        ],
        "unpublished": [register_as_dict(register) for register in account.unpublished()],
        "decisions": [decision_as_dict(said) for said in account.latest()],
        "people": [standing.as_dict(account.now_ms) for standing in account.standings],
        "timeline": [
            {name: getattr(event, name) for name in Event.__dataclass_fields__} for event in account.timeline()
        ],
    }
