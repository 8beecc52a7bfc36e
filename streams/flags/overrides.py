"""History of overrides for moderators: every override and its present status, by surface.

The fold keeps what is in force; this view also keeps the whole log. So a moderator sees which overrides were undone (by
whom and why), superseded by a newer decision, or refused because another edit came first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal, get_args

from streams.errors import ContractError
from streams.flags.moderation_fold import ModerationFold, Scope, scopes_of
from streams.log.decisions import version_of
from streams.log.moderation import UNKNOWN_MS, OtherRecord, Override, TagRecord, decode_moderation
from streams.orders.records import KINDS

OverrideState = Literal["in force", "superseded", "expired", "undone", "refused"]
STATES: tuple[OverrideState, ...] = get_args(OverrideState)


@dataclass(frozen=True, slots=True)
class OverrideStatus:
    """Override, or refused record, and its state on some surfaces."""

    record: TagRecord
    offset: int
    state: OverrideState
    surfaces: tuple[str, ...]
    because: TagRecord | None = None
    """Record that undid it, supersedes it, or came first."""

    @property
    def version(self) -> str:
        """Version that the record gave its scope."""
        return version_of(self.offset, 0)


@dataclass(frozen=True, slots=True)
class MalformedRecord:
    """Record that breaks the contract; it has no effect."""

    offset: int
    problem: str


class OverrideHistory:
    """View of the moderation topic. Records must be applied in the order of offsets; repeats are ignored."""

    def __init__(self) -> None:
        self.fold = ModerationFold(max_broker_skew_ms=0)
        self.history: list[tuple[int, TagRecord]] = []
        """All records about hashtags with their offsets, refused ones too, oldest first."""
        self.others: list[tuple[int, OtherRecord]] = []
        """Records for other folds, with their offsets: kinds that neither this view nor its fold reads."""
        self.bad: list[MalformedRecord] = []
        self.next_offset = 0
        """First offset not yet applied."""

    def apply(self, offset: int, key: bytes | None, value: bytes | None, log_time_ms: int = UNKNOWN_MS) -> None:
        """Apply one record of the topic."""
        if offset < self.next_offset:
            return
        self.next_offset = offset + 1
        try:
            record = decode_moderation(value, key, log_time_ms)
            self.fold.apply(record, offset)
        except ContractError as error:
            self.bad.append(MalformedRecord(offset, str(error)))
            return
        if not isinstance(record, OtherRecord):
            self.history.append((offset, record))
        elif record.kind not in KINDS:
            self.others.append((offset, record))

    def record_at(self, offset: int) -> TagRecord:
        """Return the record about a hashtag at an offset."""
        return self.history[bisect_left(self.history, offset, key=itemgetter(0))][1]

    def statuses(self, now_ms: int, *, hashtag: str | None = None, country: str | None = None) -> list[OverrideStatus]:
        """List overrides and refused records with their state at a moment, newest first.

        An override whose state differs between its surfaces is listed once for each state.
        """
        statuses: list[OverrideStatus] = []
        for offset, record in reversed(self.history):
            if hashtag not in (None, record.hashtag) or country not in (None, record.country):
                continue
            if (stale := self.fold.stale.get(offset)) is not None:
                before = stale.changed[-1] if stale.changed else None
                statuses.append(OverrideStatus(record, offset, "refused", record.surfaces, before))
            elif isinstance(record, Override):
                statuses += self._states(record, offset, now_ms)
        return statuses

    def in_force(self, now_ms: int, scopes: Iterable[Scope]) -> list[tuple[Scope, Override]]:
        """List the override in force in each scope that has one."""
        entries = ((scope, self.fold.in_force(scope, now_ms)) for scope in scopes)
        return [(scope, entry.record) for scope, entry in entries if entry is not None]

    def scopes(self, hashtag: str) -> list[Scope]:
        """List every scope of a hashtag that has had a decision."""
        return [scope for scope in self.fold.stacks() if scope[0] == hashtag]

    def _states(self, record: Override, offset: int, now_ms: int) -> list[OverrideStatus]:
        by_state: dict[tuple[OverrideState, int], tuple[list[str], TagRecord | None]] = {}
        for scope in scopes_of(record):
            state, because = self._state(scope, offset, now_ms)
            surfaces, _ = by_state.setdefault((state, id(because)), ([], because))
            surfaces.append(scope[1])
        return [
            OverrideStatus(record, offset, state, tuple(surfaces), because)
            for (state, _), (surfaces, because) in by_state.items()
        ]

    def _state(self, scope: Scope, offset: int, now_ms: int) -> tuple[OverrideState, TagRecord | None]:
        stack = self.fold.stacks()[scope]
        entry = next(entry for entry in stack.entries if entry.offset == offset)
        if entry.undone is not None:
            return "undone", entry.undone
        if entry.expired(now_ms):
            return "expired", None
        top = stack.in_force(now_ms)
        assert top is not None
        return ("in force", None) if top is entry else ("superseded", top.record)
