"""Folds people's decisions into registers: one stack of overrides per (hashtag, surface, country, source).

The override in force is the newest of the stack that is neither undone nor expired. So an undo restores the override
below it, and so does the expiry of a short override on top of a long one.

A register's version is (offset of the last record accepted for its stack, 0). After an override expired, the second
number is its expiry: no record announces an expiry, and this way two publishers that notice it at different moments
write the same register. A stack's version never goes back, even when its overrides are pruned, so whether an edit is
stale depends on the log alone.

Measures of legal orders (`measures`) are entries in the same stacks, one for each target. Several orders may restrict
one hashtag or account, and revoking one removes its own entries alone.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from hushtag_client.registers import Register

from streams.actions import ACTION_OF_VERB
from streams.log.decisions import version_of
from streams.log.moderation import ModerationRecord, OtherRecord, Override, TagRecord, Undo
from streams.orders.measures import Measure, MeasureChange, Measures, TargetKey
from streams.orders.records import LegalRecord, OrderTargets, Speaker, SpeakerDetails, decode_legal

Scope = tuple[str, str, str, str]
"""(hashtag, surface, country, source): the key of one register."""


@dataclass(slots=True)
class StackedOverride:
    """Accepted override in a stack."""

    record: Override
    offset: int
    undone: Undo | None = None

    def in_force(self, at_ms: int) -> bool:
        """Return whether it is neither undone nor expired."""
        return self.undone is None and not self.expired(at_ms)

    def was_in_force(self, at_ms: int) -> bool:
        """Return whether it was in force at a past moment, by the clocks of the people who decided."""
        undone = self.undone is not None and self.undone.at_ms <= at_ms
        return self.record.at_ms <= at_ms and not undone and not self.expired(at_ms)

    def expired(self, at_ms: int) -> bool:
        """Return whether it is past its expiry; without one it never expires."""
        return 0 < self.record.expires_at_ms <= at_ms


@dataclass(frozen=True, slots=True)
class StaleRecord:
    """Ignored edit: the records in `changed` had moved its scope to `version`."""

    record: TagRecord
    offset: int
    version: str
    changed: tuple[TagRecord, ...]


@dataclass(slots=True)
class ScopeStack:
    """Accepted overrides of one scope, oldest first."""

    offset: int = -1
    """Offset of the last accepted record; -1 before the first."""
    entries: list[StackedOverride] = field(default_factory=list)
    last: TagRecord | None = None
    register: Register | None = None
    """Register as last emitted."""

    def in_force(self, at_ms: int) -> StackedOverride | None:
        """Return the override in force at a moment, or None."""
        return next((entry for entry in reversed(self.entries) if entry.in_force(at_ms)), None)

    def was_in_force(self, at_ms: int) -> StackedOverride | None:
        """Return the override that was in force at a past moment, or None."""
        return next((entry for entry in reversed(self.entries) if entry.was_in_force(at_ms)), None)

    def version(self) -> str:
        """Return the version of the last accepted record; "" before the first."""
        return version_of(self.offset, 0) if self.offset >= 0 else ""


class ModerationFold:
    """Registers of all decisions by people. Records must be applied in the order of offsets; repeats are ignored."""

    def __init__(self, *, max_broker_skew_ms: int) -> None:
        self._skew_ms = max_broker_skew_ms
        self._stacks: dict[Scope, ScopeStack] = {}
        self._ends: list[tuple[int, Scope]] = []
        self._measures = Measures()
        self.orders = self._measures.orders
        """Legal orders and the speaker registry."""
        self._by_order: dict[TargetKey, StackedOverride] = {}
        self.next_offset = 0
        """First offset not yet applied."""
        self.stale: dict[int, StaleRecord] = {}
        """Stale records by offset, until pruned."""

    def apply(self, record: ModerationRecord, offset: int, now_ms: int | None = None) -> list[Register]:
        """Apply the record at an offset; return the registers that it changes.

        A stale record changes nothing and is entered in `stale`: its scope has moved on since the version that it
        edits, or it names a version that cannot have existed. A refused record of an order is entered in
        `orders.refused`. A record of an unknown kind changes nothing.

        Args:
            record: record of the moderation topic.
            offset: its offset; records are applied in this order.
            now_ms: time for expiries. None: the time of the decision itself; call `expire` later.

        Raises:
            ContractError: a record of an order breaks the contract; it has no effect.
        """
        if offset < self.next_offset:
            return []
        self.next_offset = offset + 1
        if isinstance(record, OtherRecord):
            decoded = decode_legal(record)
            return self._apply_order(decoded, offset, now_ms) if decoded is not None else []
        scopes = scopes_of(record)
        version = self.version(scopes)
        if version > record.edits or record.edits >= version_of(offset, 0):
            self.stale[offset] = StaleRecord(record, offset, version, self.changed(scopes, record.edits))
            return []
        for scope in scopes:
            stack = self._stacks.setdefault(scope, ScopeStack())
            stack.offset, stack.last = offset, record
            if isinstance(record, Override):
                stack.entries.append(StackedOverride(record, offset))
                if record.expires_at_ms:
                    heapq.heappush(self._ends, (record.expires_at_ms, scope))
            else:
                for entry in stack.entries:
                    if entry.record.id in record.undoes and entry.undone is None:
                        entry.undone = record
        return self._renew(scopes, record.at_ms if now_ms is None else now_ms)

    def expire(self, now_ms: int) -> list[Register]:
        """Return the registers of scopes where an override expired: the override below it, or `clear`."""
        due: dict[Scope, None] = {}
        while self._ends and self._ends[0][0] <= now_ms:
            due[heapq.heappop(self._ends)[1]] = None
        return self._renew([scope for scope in due if self._stacks[scope].entries], now_ms)

    def registers(self) -> list[Register]:
        """List all registers for a reconcile, as last emitted. Call `expire` first."""
        return [stack.register for stack in self._stacks.values() if stack.register is not None]

    def registers_at(self, at_ms: int, names: Container[str] | None = None) -> list[Register]:
        """List registers as they are at a moment, no earlier than the last record; `expire` is not needed.

        Args:
            at_ms: the moment.
            names: hashtags, accounts and tweets whose registers are listed; None: all.
        """
        return [
            self._register(scope, stack, at_ms)
            for scope, stack in self._stacks.items()
            if stack.last is not None and (names is None or scope[0] in names)
        ]

    def version(self, scopes: Iterable[Scope]) -> str:
        """Return the greatest version of some scopes, which an edit of them all must name; "" before any record."""
        return max((self._stacks[scope].version() for scope in scopes if scope in self._stacks), default="")

    def changed(self, scopes: Iterable[Scope], since: str) -> tuple[TagRecord, ...]:
        """List the last record of each scope whose version is above `since`, in the order of the log, each once."""
        stacks = [self._stacks[scope] for scope in scopes if scope in self._stacks]
        last = {stack.offset: stack.last for stack in stacks if stack.version() > since}
        return tuple(record for _, record in sorted(last.items()) if record is not None)

    def in_force(self, scope: Scope, at_ms: int) -> StackedOverride | None:
        """Return the override in force for a scope at a moment, or None."""
        stack = self._stacks.get(scope)
        return stack.in_force(at_ms) if stack else None

    def stacks(self) -> dict[Scope, ScopeStack]:
        """Return all stacks, for views; callers must not change them."""
        return self._stacks

    def prune(self, now_ms: int) -> list[Register]:
        """Drop stale records and the overrides of stacks where none can be in force again; return dropped registers.

        A stack keeps its version, else a very old edit would be accepted.
        """
        self.stale.clear()
        dropped = []
        for stack in self._stacks.values():
            register = stack.register
            if register is not None and 0 < register.keep_until_ms <= now_ms:
                dropped.append(register)
                stack.register = None
                stack.entries.clear()
        return dropped

    def _apply_order(self, record: LegalRecord, offset: int, now_ms: int | None) -> list[Register]:
        changes = self._measures.apply(record, offset)
        if not changes or isinstance(record, Speaker | SpeakerDetails | OrderTargets):
            return []
        at_ms = record.at_ms
        scopes: dict[Scope, None] = {}
        for change in changes:
            scopes |= dict.fromkeys(self._replace(change, offset, at_ms))
        return self._renew(scopes, at_ms if now_ms is None else now_ms)

    def _replace(self, change: MeasureChange, offset: int, at_ms: int) -> list[Scope]:
        """Replace an order's entry for a target in its stacks; return the scopes of both."""
        scopes: list[Scope] = []
        order, number = change.key
        name = f"{order}-{number}"
        if self.orders.by_id[order].received.confidential:
            # Surfaces can read the id, so it must reveal neither the order nor that there is one.
            name = hashlib.sha256(name.encode()).hexdigest()[:16]
        if (before := self._by_order.pop(change.key, None)) is not None:
            record = before.record
            measure = change.after or change.before
            assert measure is not None
            before.undone = Undo(
                id=f"{name}-{offset}", hashtag=record.hashtag, display=record.display, country=record.country,
                surfaces=record.surfaces, source=record.source, actor=measure.actor, reason=measure.reason, at_ms=at_ms,
                undoes=(record.id,),
            )  # fmt: skip
            scopes += scopes_of(record)
        if change.after is not None:
            override = _as_override(change.after, f"{name}-{offset}", at_ms)
            entry = self._by_order[change.key] = StackedOverride(override, offset)
            for scope in scopes_of(override):
                self._stacks.setdefault(scope, ScopeStack()).entries.append(entry)
                if override.expires_at_ms:
                    heapq.heappush(self._ends, (override.expires_at_ms, scope))
            scopes += scopes_of(override)
            last: TagRecord = override
        else:
            assert before is not None and before.undone is not None
            last = before.undone
        for scope in scopes:
            self._stacks[scope].offset, self._stacks[scope].last = offset, last
        return scopes

    def _renew(self, scopes: Iterable[Scope], at_ms: int) -> list[Register]:
        changed = []
        for scope in scopes:
            stack = self._stacks[scope]
            register = self._register(scope, stack, at_ms)
            if stack.register is None or register.version > stack.register.version:
                stack.register = register
                changed.append(register)
        return changed

    def _register(self, scope: Scope, stack: ScopeStack, at_ms: int) -> Register:
        hashtag, surface, country, source = scope
        assert stack.last is not None
        entry = stack.in_force(at_ms)
        above = [e for e in stack.entries if e.undone is None and (entry is None or e.offset > entry.offset)]
        shown = entry.record if entry else stack.last
        return Register(
            version=version_of(stack.offset, max((e.record.expires_at_ms for e in above), default=0)),
            action=ACTION_OF_VERB[entry.record.action] if entry else "clear",
            hashtag=hashtag,
            surface=surface,
            country=country,
            source="legal" if source == "legal" else "human",
            expires_at_ms=entry.record.expires_at_ms if entry else 0,
            keep_until_ms=self._keep_until_ms(stack),
            display=shown.display,
            category=entry.record.category if entry else "",
            evidence={"reason": shown.reason, "decision": shown.id},
            actor=shown.actor,
            decided_at_ms=shown.at_ms,
        )

    def _keep_until_ms(self, stack: ScopeStack) -> int:
        """Compute when no emitted register of the stack can be in force any more; 0 (never) if one had no expiry."""
        ends = [entry.record.expires_at_ms for entry in stack.entries]
        return 0 if 0 in ends else max([*ends, stack.last.at_ms if stack.last else 0]) + self._skew_ms


def _as_override(measure: Measure, name: str, at_ms: int) -> Override:
    return Override(
        id=name,
        hashtag=measure.target,
        display=measure.display,
        country=measure.country,
        surfaces=measure.surfaces,
        source=measure.source,
        actor=measure.actor,
        reason=measure.reason,
        at_ms=at_ms,
        action="block",
        expires_at_ms=measure.expires_at_ms,
    )


def scopes_of(record: TagRecord) -> list[Scope]:
    """List the scopes of a record, one per surface."""
    return [(record.hashtag, surface, record.country, record.source) for surface in dict.fromkeys(record.surfaces)]
