"""Folds of the topics `moderation` and `suppression-decisions`, from which notices are derived. Pure.

Every restriction is kept, also one that has ended, except for those of a legal order that was revoked or declined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from moderation.domain.appeals.fold import AppealFold
from moderation.domain.appeals.records import Appeal, AppealOutcome
from moderation.domain.restrictions.collection import (
    decision_restrictions,
    order_restrictions,
    override_restriction,
    with_present_states,
)
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.notify.changes import HashtagChange, changes_of
from streams.flags.moderation_fold import scopes_of
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.moderation import UNKNOWN_MS, Override
from streams.orders.order import Order

_ANY_TIME = 0
"""Time at which no measure of an order has expired."""


class NotifyState:
    """Everything that notices report; records of `moderation` must come in the order of their offsets."""

    def __init__(self) -> None:
        self.holds: dict[str, Override] = {}
        """People's holds by the id of their record."""
        self.changes: dict[str, HashtagChange] = {}
        """Changes by automated decisions by their id, those of a hashtag in the order of the log."""
        self._history = OverrideHistory()
        self._appeals = AppealFold()
        self._by_people: dict[str, tuple[Restriction, Override]] = {}
        self._automated: dict[str, tuple[str, Restriction]] = {}
        """Version of the last decision with a restriction, and the restriction, by its reference."""
        self._latest: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
        """Version and restrictions of the last decision, by (hashtag, country)."""
        self._by_orders: dict[str, tuple[str, list[Restriction]]] = {}
        """Version of an order, and its restrictions, by its id."""

    def apply_moderation(
        self, offset: int, key: bytes | None, value: bytes | None, log_time_ms: int = UNKNOWN_MS
    ) -> None:
        """Apply one record of the topic `moderation`."""
        history = self._history
        before, others = len(history.history), len(history.others)
        history.apply(offset, key, value, log_time_ms)
        for number, record in history.history[before:]:
            if isinstance(record, Override) and number not in history.fold.stale:
                self._add(record)
        for number, other in history.others[others:]:
            self._appeals.decode_and_apply(number, other)

    def apply_decision(self, decision: Decision) -> None:
        """Apply one automated decision; decisions may repeat and come in any order."""
        restrictions = decision_restrictions(decision)
        key = decision.hashtag, decision.country
        if decision.version >= self._latest.get(key, ("", None))[0]:
            self._latest[key] = decision.version, frozenset(restriction.reference for restriction in restrictions)
        for restriction in restrictions:
            if decision.version >= self._automated.get(restriction.reference, ("", None))[0]:
                self._automated[restriction.reference] = decision.version, restriction
        for change in changes_of(decision):
            self.changes.setdefault(change.id, change)

    def orders(self) -> Iterable[Order]:
        """Return all legal orders."""
        return self._history.fold.orders.by_id.values()

    def decided_appeals(self) -> Iterator[tuple[Appeal, AppealOutcome]]:
        """Yield the appeals that have an outcome."""
        for status in self._appeals.appeals.values():
            if status.outcome is not None:
                yield status.appeal, status.outcome

    def surfaces_of_hold(self, record: Override, at_ms: int) -> tuple[str, ...]:
        """List the surfaces on which a hold decides at a time, or decided when it lapsed."""
        at_ms = min(at_ms, record.expires_at_ms - 1)
        entries = ((scope[1], self._history.fold.in_force(scope, at_ms)) for scope in scopes_of(record))
        return tuple(surface for surface, entry in entries if entry is not None and entry.record.id == record.id)

    def restrictions(self, now_ms: int) -> Iterator[Restriction]:
        """Yield each restriction, also those that are not in force; `with_present_states` adds where else."""
        for _, restriction in self._automated.values():
            latest = self._latest.get((restriction.target, restriction.country), ("", frozenset()))[1]
            yield _with_force(restriction, restriction.reference in latest and now_ms < restriction.ends_ms)
        for restriction, record in self._by_people.values():
            entries = (self._history.fold.in_force(scope, now_ms) for scope in scopes_of(record))
            yield _with_force(restriction, any(entry is not None and entry.record.id == record.id for entry in entries))
        for order in self.orders():
            for restriction in self._of_order(order):
                yield _with_force(restriction, not restriction.ends_ms or now_ms < restriction.ends_ms)

    def with_present_states(self, restrictions: Sequence[Restriction], now_ms: int) -> list[Restriction]:
        """Add to restrictions of accounts and tweets where else their targets are hidden."""
        return with_present_states(restrictions, self._history.fold, now_ms)

    def prune(self, before_ms: int) -> None:
        """Drop what ended before a time, and is never due again."""
        self.holds = {name: hold for name, hold in self.holds.items() if hold.expires_at_ms >= before_ms}
        self._by_people = {name: pair for name, pair in self._by_people.items() if pair[0].began_ms >= before_ms}
        self._automated = {name: pair for name, pair in self._automated.items() if pair[1].ends_ms >= before_ms}
        self.changes = {name: change for name, change in self.changes.items() if change.decided_at_ms >= before_ms}
        kept = {(restriction.target, restriction.country) for _, restriction in self._automated.values()}
        self._latest = {key: pair for key, pair in self._latest.items() if key in kept}

    def _add(self, record: Override) -> None:
        if record.action == "hold":
            self.holds[record.id] = record
        if (restriction := override_restriction(record)) is not None:
            self._by_people[record.id] = restriction, record

    def _of_order(self, order: Order) -> list[Restriction]:
        pair = self._by_orders.get(order.id)
        if pair is None or pair[0] != order.version:
            pair = self._by_orders[order.id] = order.version, order_restrictions(order, _ANY_TIME)
        return pair[1]


def _with_force(restriction: Restriction, in_force: bool) -> Restriction:
    return restriction if in_force else replace(restriction, in_force=False)
