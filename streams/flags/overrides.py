"""What people decided, for people to look at: every override ever made and what has become of it, by surface.

The fold keeps what stands; this view keeps the whole log beside it, so that a moderator sees what was undone, by whom
and why, what lies under a newer decision, and what was refused because someone else had been quicker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from streams.errors import ContractError
from streams.flags.moderation_fold import ModerationFold, Scope, scopes_of
from streams.log.decisions import version_of
from streams.log.moderation import OtherRecord, Override, TagRecord, decode_moderation
from streams.orders.records import KINDS

State = Literal["in force", "superseded", "expired", "undone", "refused"]
STATES: tuple[State, ...] = get_args(State)
_BECAUSE = {"undone": "undone_by", "superseded": "superseded_by", "refused": "came_first"}


@dataclass(frozen=True, slots=True)
class Standing:
    """An override, or a refused record, and its state on some surfaces."""

    record: TagRecord
    offset: int
    state: State
    surfaces: tuple[str, ...]
    because: TagRecord | None = None
    """What undid it, lies over it, or came before it."""

    @property
    def version(self) -> str:
        """The version that the record gave its scope."""
        return version_of(self.offset, 0)

    def as_dict(self, now_ms: int) -> dict[str, Any]:
        """As plain JSON: the record, its state on these surfaces, how long it still stands, and what is behind that."""
        plain = record_as_dict(self.record) | {"surfaces": list(self.surfaces), "version": self.version}
        plain["state"] = self.state
        if isinstance(self.record, Override) and self.state in ("in force", "superseded"):
            plain["expires_in_ms"] = self.record.expires_at_ms - now_ms if self.record.expires_at_ms else None
        if self.because is not None:
            plain[_BECAUSE[self.state]] = record_as_dict(self.because)
        return plain


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that the contract does not allow; it has no effect."""

    offset: int
    problem: str


class PeopleView:
    """The moderation topic, folded for looking at. Hear records in the order of their offsets; repeats are ignored."""

    def __init__(self) -> None:
        self.fold = ModerationFold(max_broker_skew_ms=0)
        self.history: list[tuple[int, TagRecord]] = []
        """Every record about a hashtag, refused ones too, oldest first."""
        self.others: list[tuple[int, OtherRecord]] = []
        """Records of kinds that neither this view nor its fold reads, with their offsets: for other folds."""
        self.bad: list[BadRecord] = []
        self.next_offset = 0
        """The first offset not yet heard."""

    def hear(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take one record of the topic."""
        if offset < self.next_offset:
            return
        self.next_offset = offset + 1
        try:
            record = decode_moderation(value, key)
            self.fold.apply(record, offset)
        except ContractError as error:
            self.bad.append(BadRecord(offset, str(error)))
            return
        if not isinstance(record, OtherRecord):
            self.history.append((offset, record))
        elif record.kind not in KINDS:
            self.others.append((offset, record))

    def standings(self, now_ms: int, *, hashtag: str | None = None, country: str | None = None) -> list[Standing]:
        """All overrides and refused records with their state at a moment, newest first.

        An override whose state differs between its surfaces is there once for each state.
        """
        found: list[Standing] = []
        for offset, record in reversed(self.history):
            if hashtag not in (None, record.hashtag) or country not in (None, record.country):
                continue
            if (stale := self.fold.stale.get(offset)) is not None:
                before = stale.changed[-1] if stale.changed else None
                found.append(Standing(record, offset, "refused", record.surfaces, before))
            elif isinstance(record, Override):
                found += self._states(record, offset, now_ms)
        return found

    def in_force(self, now_ms: int, scopes: Iterable[Scope]) -> list[tuple[Scope, Override]]:
        """Which override stands in each scope, where one does."""
        entries = ((scope, self.fold.standing(scope, now_ms)) for scope in scopes)
        return [(scope, entry.record) for scope, entry in entries if entry is not None]

    def scopes(self, hashtag: str) -> list[Scope]:
        """Every scope of a hashtag that anyone ever decided on."""
        return [scope for scope in self.fold.stacks() if scope[0] == hashtag]

    def _states(self, record: Override, offset: int, now_ms: int) -> list[Standing]:
        by_state: dict[tuple[State, int], tuple[list[str], TagRecord | None]] = {}
        for scope in scopes_of(record):
            state, because = self._state(scope, offset, now_ms)
            surfaces, _ = by_state.setdefault((state, id(because)), ([], because))
            surfaces.append(scope[1])
        return [
            Standing(record, offset, state, tuple(surfaces), because)
            for (state, _), (surfaces, because) in by_state.items()
        ]

    def _state(self, scope: Scope, offset: int, now_ms: int) -> tuple[State, TagRecord | None]:
        stack = self.fold.stacks()[scope]
        entry = next(entry for entry in stack.entries if entry.offset == offset)
        if entry.undone is not None:
            return "undone", entry.undone
        if entry.ran_out(now_ms):
            return "expired", None
        top = stack.standing(now_ms)
        assert top is not None
        return ("in force", None) if top is entry else ("superseded", top.record)


def record_as_dict(record: TagRecord) -> dict[str, Any]:
    """A record's own words, as plain JSON."""
    plain: dict[str, Any] = {
        "id": record.id,
        "action": record.action if isinstance(record, Override) else "undo",
        "hashtag": record.hashtag,
        "display": record.display,
        "country": record.country,
        "surfaces": list(record.surfaces),
        "source": record.source,
        "actor": record.actor,
        "reason": record.reason,
        "at_ms": record.at_ms,
    }
    if isinstance(record, Override):
        return plain | {"expires_at_ms": record.expires_at_ms, "category": record.category, "family": record.family}
    return plain | {"undoes": list(record.undoes)}
