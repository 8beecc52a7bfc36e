"""Folds people's decisions into registers: a stack per (hashtag, surface, country, source), an undo takes one out.

What stands at a moment is the newest override of the stack that is neither undone nor run out. So an undo brings
back what stood before it, and so does the end of a short override laid over a long one.

A register's version is (offset of the last record accepted for its stack, 0). Where an override ran out since, the
second number is the moment at which it did: time then orders what no record announced, and two publishers that see
it at different moments write the same register. A stack's version never goes back, even when its overrides are
forgotten, so whether an edit is stale depends on the log alone.

What a legal order puts in force (`measures`) goes into the same stacks, an entry for each target: several orders may
hold one hashtag or account, and revoking one takes out its own entries alone.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from hushtag_client.registers import Action as RegisterAction
from hushtag_client.registers import Register

from streams.log.decisions import version_of
from streams.log.moderation import ModerationRecord, OtherRecord, Override, TagRecord, Undo
from streams.orders.measures import Change, Key, Measure, Measures
from streams.orders.records import CaseRecord, Speaker, decode_case

ACTION_OF: dict[str, RegisterAction] = {"block": "suppress", "hold": "hold", "allow": "allow"}
Scope = tuple[str, str, str, str]
"""(hashtag, surface, country, source): what one register speaks of."""


@dataclass(slots=True)
class Entry:
    """An accepted override as its stack knows it."""

    record: Override
    offset: int
    undone: Undo | None = None

    def stands(self, at_ms: int) -> bool:
        """Neither undone nor run out at this moment."""
        return self.undone is None and not self.ran_out(at_ms)

    def ran_out(self, at_ms: int) -> bool:
        """Past its expiry; one that holds until revoked never is."""
        return 0 < self.record.expires_at_ms <= at_ms


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a record was ignored: its scope had moved on to `version` by the records in `changed`."""

    record: TagRecord
    offset: int
    version: str
    changed: tuple[TagRecord, ...]


@dataclass(slots=True)
class Stack:
    """All that was accepted for one scope, oldest first."""

    offset: int = -1
    """Of the last accepted record; -1 before the first."""
    entries: list[Entry] = field(default_factory=list)
    last: TagRecord | None = None
    register: Register | None = None
    """As last given out."""

    def standing(self, at_ms: int) -> Entry | None:
        """The override in force at a moment."""
        return next((entry for entry in reversed(self.entries) if entry.stands(at_ms)), None)

    def version(self) -> str:
        """That of the last accepted record; "" before the first."""
        return version_of(self.offset, 0) if self.offset >= 0 else ""


class ModerationFold:
    """The registers that people's decisions ask for.

    Records must come in the order of their offsets; repeats are ignored.
    """

    def __init__(self, *, max_broker_skew_ms: int) -> None:
        self._skew_ms = max_broker_skew_ms
        self._stacks: dict[Scope, Stack] = {}
        self._ends: list[tuple[int, Scope]] = []
        self._measures = Measures()
        self.cases = self._measures.cases
        """Legal orders and the speaker registry."""
        self._by_order: dict[Key, Entry] = {}
        self.next_offset = 0
        """The first offset not yet applied."""
        self.stale: dict[int, Stale] = {}
        """Ignored records by offset, until pruned."""

    def apply(self, record: ModerationRecord, offset: int, now_ms: int | None = None) -> list[Register]:
        """Take the record at an offset; give the registers that it changes.

        `now_ms` is the moment at which expiries are judged; without it the moment at which the record's actor
        decided, and `lapse` brings the answer up to date. A stale record (its scope has moved on since the version
        that it edits, or it names one that cannot have been there) gives nothing and is entered in `stale`; one of
        an order is entered in `cases.refused`; a kind that this fold does not know gives nothing.

        Raises:
            ContractError: a record of an order breaks the contract; it counts for nothing.
        """
        if offset < self.next_offset:
            return []
        self.next_offset = offset + 1
        if isinstance(record, OtherRecord):
            said = decode_case(record)
            return self._take_case(said, offset, now_ms) if said is not None else []
        scopes = scopes_of(record)
        version = self.version(scopes)
        if version > record.edits or record.edits >= version_of(offset, 0):
            self.stale[offset] = Stale(record, offset, version, self.changed(scopes, record.edits))
            return []
        for scope in scopes:
            stack = self._stacks.setdefault(scope, Stack())
            stack.offset, stack.last = offset, record
            if isinstance(record, Override):
                stack.entries.append(Entry(record, offset))
                if record.expires_at_ms:
                    heapq.heappush(self._ends, (record.expires_at_ms, scope))
            else:
                for entry in stack.entries:
                    if entry.record.id in record.undoes and entry.undone is None:
                        entry.undone = record
        return self._renew(scopes, record.at_ms if now_ms is None else now_ms)

    def lapse(self, now_ms: int) -> list[Register]:
        """The registers of scopes where an override has run out: what stood below it stands again, or `clear`."""
        due: dict[Scope, None] = {}
        while self._ends and self._ends[0][0] <= now_ms:
            due[heapq.heappop(self._ends)[1]] = None
        return self._renew([scope for scope in due if self._stacks[scope].entries], now_ms)

    def registers(self) -> list[Register]:
        """Everything to put back at a reconcile, as last given out; call `lapse` before."""
        return [stack.register for stack in self._stacks.values() if stack.register is not None]

    def version(self, scopes: Iterable[Scope]) -> str:
        """The greatest version over some scopes: what an edit of them all must name. "" where nothing was accepted."""
        return max((self._stacks[scope].version() for scope in scopes if scope in self._stacks), default="")

    def changed(self, scopes: Iterable[Scope], since: str) -> tuple[TagRecord, ...]:
        """The last record of each scope whose version is above `since`, in the order of the log, each once."""
        stacks = [self._stacks[scope] for scope in scopes if scope in self._stacks]
        last = {stack.offset: stack.last for stack in stacks if stack.version() > since}
        return tuple(record for _, record in sorted(last.items()) if record is not None)

    def standing(self, scope: Scope, at_ms: int) -> Entry | None:
        """The override in force for a scope at a moment."""
        stack = self._stacks.get(scope)
        return stack.standing(at_ms) if stack else None

    def stacks(self) -> dict[Scope, Stack]:
        """All stacks, for views. Not to be changed."""
        return self._stacks

    def prune(self, now_ms: int) -> list[Register]:
        """Forget stacks in which nothing can stand again, and stale records; give the registers forgotten.

        A stack's version stays, or a very old edit would be taken.
        """
        self.stale.clear()
        gone = []
        for stack in self._stacks.values():
            register = stack.register
            if register is not None and 0 < register.keep_until_ms <= now_ms:
                gone.append(register)
                stack.register = None
                stack.entries.clear()
        return gone

    def _take_case(self, record: CaseRecord, offset: int, now_ms: int | None) -> list[Register]:
        changes = self._measures.apply(record, offset)
        if not changes or isinstance(record, Speaker):
            return []
        at_ms = getattr(record, "at_ms", 0)
        scopes: dict[Scope, None] = {}
        for change in changes:
            scopes |= dict.fromkeys(self._lay(change, offset, at_ms))
        return self._renew(scopes, at_ms if now_ms is None else now_ms)

    def _lay(self, change: Change, offset: int, at_ms: int) -> list[Scope]:
        """Take an order's former entry for a target out of its stacks and put the new one on."""
        scopes: list[Scope] = []
        name = f"{change.key[0]}-{change.key[1]}"
        if self.cases.cases[
            change.key[0]
        ].order.confidential:  # an id that does not say of which order, nor that it is one
            name = hashlib.sha256(name.encode()).hexdigest()[:16]
        if (before := self._by_order.pop(change.key, None)) is not None:
            record = before.record
            said = change.after or change.before
            assert said is not None
            before.undone = Undo(
                id=f"{name}-{offset}", hashtag=record.hashtag, display=record.display, country=record.country,
                surfaces=record.surfaces, source=record.source, actor=said.actor, reason=said.reason, at_ms=at_ms,
                undoes=(record.id,),
            )  # fmt: skip
            scopes += scopes_of(record)
        if change.after is not None:
            override = _as_override(change.after, f"{name}-{offset}", at_ms)
            entry = self._by_order[change.key] = Entry(override, offset)
            for scope in scopes_of(override):
                self._stacks.setdefault(scope, Stack()).entries.append(entry)
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

    def _register(self, scope: Scope, stack: Stack, at_ms: int) -> Register:
        hashtag, surface, country, source = scope
        assert stack.last is not None
        entry = stack.standing(at_ms)
        above = [e for e in stack.entries if e.undone is None and (entry is None or e.offset > entry.offset)]
        said = entry.record if entry else stack.last
        return Register(
            version=version_of(stack.offset, max((e.record.expires_at_ms for e in above), default=0)),
            action=ACTION_OF[entry.record.action] if entry else "clear",
            hashtag=hashtag,
            surface=surface,
            country=country,
            source="legal" if source == "legal" else "human",
            expires_at_ms=entry.record.expires_at_ms if entry else 0,
            keep_until_ms=self._keep_until_ms(stack),
            display=said.display,
            category=entry.record.category if entry else "",
            evidence={"reason": said.reason, "decision": said.id},
            actor=said.actor,
            decided_at_ms=said.at_ms,
        )

    def _keep_until_ms(self, stack: Stack) -> int:
        """Until no register ever given out for the stack could still be in force; 0, for ever, if one had no expiry."""
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
    """The scopes that a record speaks of, one per surface."""
    return [(record.hashtag, surface, record.country, record.source) for surface in dict.fromkeys(record.surfaces)]
