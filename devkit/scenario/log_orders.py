"""Independent count of legal orders: their results, and the present state of each distinct target. Pure.

It shares no code with the folds, the registers, the report or the letter. It expects the log of one writer: no stale
records, and of the refused ones only a `final` step before all targets are decided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
"""Record of the log, as its JSON has it."""
Counts = dict[str, Any]
"""Counts by name, in the shape of the published JSON."""

_VISIBLE = ("undecided", "ended", "released", "declined", "dropped")


@dataclass(slots=True)
class PlainTarget:
    """One target of one order."""

    kind: str
    name: str
    ruling: Record | None = None
    people: int = 0
    """Number of people behind the ruling."""
    proposal: Record | None = None
    restricted: bool = False
    """Whether the order ever restricted it."""


@dataclass(slots=True)
class PlainOrder:
    """One order with its targets, as the log leaves it."""

    head: Record
    targets: list[PlainTarget] = field(default_factory=list)
    state: str = "received"
    ends_ms: int = 0
    acted_ms: int | None = None

    def published_state(self, at_ms: int) -> str:
        """Return the state, that of an interim decision which has ended too."""
        return "interim_ended" if self.state == "interim" and self.ends_ms <= at_ms else self.state

    def in_force(self, at_ms: int) -> bool:
        """Return whether the order's own outcomes apply at a moment."""
        return self.state in ("interim", "final") and not 0 < self.ends_ms <= at_ms

    def restricts(self, target: PlainTarget, at_ms: int) -> bool:
        """Return whether a ruling of the order restricts the target at a moment."""
        outcome = target.ruling["outcome"] if target.ruling else "declined"
        return outcome == "suspended" or (outcome != "declined" and self.in_force(at_ms))

    def got(self, target: PlainTarget, at_ms: int) -> str:
        """Return what the order got for the target."""
        if target.ruling is not None and self.restricts(target, at_ms):
            return str(target.ruling["outcome"])
        if (target.ruling is not None and target.ruling["outcome"] == "declined") or self.state == "declined":
            return "released" if target.restricted else "declined"
        if target.restricted and self.state in ("interim", "revoked"):
            return "ended"
        return "dropped" if self.state == "revoked" else "undecided"


@dataclass(slots=True)
class PlainReduction:
    """Time in which an order reduced a hashtag; the story has no interim decision on one that ends."""

    target: PlainTarget
    surfaces: tuple[str, ...]
    country: str
    began_ms: int
    ended_ms: int | None = None

    def covers(self, at_ms: int) -> bool:
        """Return whether the moment is within it."""
        return self.began_ms <= at_ms and (self.ended_ms is None or at_ms < self.ended_ms)


class OrderCount:
    """All orders and the registry of speakers. Records must be applied in the order of the log."""

    def __init__(self) -> None:
        self.orders: dict[str, PlainOrder] = {}
        self.registry: dict[str, str] = {}
        self.reductions: list[PlainReduction] = []
        self._parts: dict[str, list[list[Any]]] = defaultdict(list)
        self._named: dict[tuple[str, str], list[tuple[PlainOrder, PlainTarget]]] = defaultdict(list)

    def apply(self, record: Record) -> None:
        """Apply a record; those of other kinds are ignored."""
        match record["kind"]:
            case "speaker" if record.get("removed"):
                self.registry.pop(record["account"], None)
            case "speaker":
                self.registry[record["account"]] = record["category"]
            case "order_targets":
                self._parts[record["intake"]] += record["targets"]
            case "order_received":
                order = self.orders.setdefault(record["order"], PlainOrder(record))
                for kind, name, *_ in self._parts.pop(record["intake"]):
                    target = PlainTarget(kind, name)
                    order.targets.append(target)
                    self._named[kind, name].append((order, target))
            case "order_ruling":
                self._rule(self.orders[record["order"]], record)
            case "order_step":
                self._step(self.orders[record["order"]], record)

    def _rule(self, order: PlainOrder, record: Record) -> None:
        for target in (order.targets[n] for first, last in record["targets"] for n in range(first, last + 1)):
            first = target.proposal
            people = 1
            if record["outcome"] != "declined" and target.kind == "account" and target.name in self.registry:
                if first is None or first["outcome"] != record["outcome"] or first["actor"] == record["actor"]:
                    target.proposal = first if first and first["outcome"] == record["outcome"] else record
                    continue
                people = 2
            target.ruling, target.people, target.proposal = record, people, None
        self._note_restrictions(order, record["at_ms"])

    def _step(self, order: PlainOrder, record: Record) -> None:
        if record["to"] == "final" and any(
            target.ruling is None or target.proposal is not None for target in order.targets
        ):
            return
        order.state, order.ends_ms = record["to"], record.get("expires_at_ms", 0)
        if record["to"] in ("interim", "final", "declined") and order.acted_ms is None:
            order.acted_ms = record["at_ms"]
        self._note_restrictions(order, record["at_ms"])

    def _note_restrictions(self, order: PlainOrder, at_ms: int) -> None:
        for target in order.targets:
            holds = order.restricts(target, at_ms)
            target.restricted = target.restricted or holds
            if target.kind != "hashtag":
                continue
            running = next(
                (
                    reduction
                    for reduction in self.reductions
                    if reduction.target is target and reduction.ended_ms is None
                ),
                None,
            )
            if holds and running is None and target.ruling is not None:
                surfaces = tuple(target.ruling["surfaces"])
                self.reductions.append(PlainReduction(target, surfaces, order.head["country"], at_ms))
            elif not holds and running is not None:
                running.ended_ms = at_ms

    def state(self, kind: str, name: str, at_ms: int) -> tuple[bool, set[str]]:
        """Return whether a target is suspended, and the countries where an order holds it back, over all orders."""
        restricting = [(order, target) for order, target in self._named[kind, name] if order.restricts(target, at_ms)]
        if any(target.ruling is not None and target.ruling["outcome"] == "suspended" for _, target in restricting):
            return True, set()
        return False, {order.head["country"] for order, _ in restricting}

    def targets(self, orders: list[PlainOrder], country: str | None, at_ms: int) -> Counts:
        """Count the distinct targets of some orders by their states, and the protected speakers among them."""
        rows: dict[tuple[str, str], list[tuple[PlainOrder, PlainTarget]]] = defaultdict(list)
        for order in orders:
            for target in order.targets:
                rows[target.kind, target.name].append((order, target))
        states: list[tuple[str, str]] = []
        declined: list[tuple[str, str]] = []
        speakers: Counter[str] = Counter()
        acted = later = released = 0
        for (kind, name), named in rows.items():
            got = [order.got(target, at_ms) for order, target in named]
            outcome = self._outcome(kind, name, got, country, at_ms)
            states.append((kind, outcome))
            if outcome == "declined":
                rulings = [t.ruling for _, t in named if t.ruling is not None and t.ruling["outcome"] == "declined"]
                ground = max(rulings, key=lambda ruling: ruling["at_ms"])["ground"]
                declined.append((kind, ground))
                if kind == "account" and ground == "protected_speech" and name in self.registry:
                    speakers[self.registry[name]] += 1
            if kind == "account":
                people = {
                    t.people
                    for (_, t), state in zip(named, got, strict=True)
                    if state not in _VISIBLE or state == "ended"
                }
                acted += 2 in people
                later += 1 in people and name in self.registry
                released += "released" in got and name in self.registry
        return {
            "targets": dict(Counter(kind for kind, _ in rows)),
            "states": nested(states),
            "declined_by_ground": nested(declined),
            "protected_speakers_declined": dict(speakers),
            "protected_speakers_acted_against": acted,
            "protected_speakers_registered_afterwards": later,
            "protected_speakers_released": released,
        }

    def _outcome(self, kind: str, name: str, got: list[str], country: str | None, at_ms: int) -> str:
        suspended, countries = self.state(kind, name, at_ms)
        if suspended:
            return "suspended"
        word = "reduced" if kind == "hashtag" else "withheld"
        if countries and country is not None and country not in countries:
            return f"{word}_elsewhere"
        if countries:
            return f"{word}_in_several_countries" if len(countries) > 1 and word == "withheld" else word
        return next(state for state in _VISIBLE if state in got)

    def letter(self, order_id: str, at_ms: int) -> Counts:
        """Count the numbers of a letter: results of the order, present states of its targets, grounds and reasons."""
        order = self.orders[order_id]
        here = order.head["country"]
        states = []
        for target in order.targets:
            suspended, countries = self.state(target.kind, target.name, at_ms)
            word = "suspended" if suspended else "visible" if here not in countries else "here"
            states.append((target.kind, word if len(countries) < 2 else "here_too"))
        declined = Counter(
            (target.kind, target.ruling["ground"], target.ruling["reason"])
            for target in order.targets
            if target.ruling is not None and target.ruling["outcome"] == "declined"
        )
        acted = [target for target in order.targets if order.restricts(target, at_ms)]
        return {
            "named": dict(Counter(target.kind for target in order.targets)),
            "acted": nested((target.kind, target.ruling["outcome"]) for target in acted if target.ruling),
            "ended": dict(Counter(target.kind for target in order.targets if order.got(target, at_ms) == "ended")),
            "declined": declined,
            "states": nested(states),
            "annex": len(acted),
        }


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Count the inner names of each outer name."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for outer, inner in pairs:
        counts[outer][inner] += 1
    return {outer: dict(inner) for outer, inner in counts.items()}
