"""What an entry says, in the columns that people filter and read: who did what to what, where and why.

Rendered from the record each time, so that there is no second truth beside it. Kinds that are not known here are told
by the fields that records of people's decisions share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import msgspec

from moderation.audit.chain import Entry, record_bytes
from streams.log.topic_specs import DECISIONS, POLICY

_ACTIONS = ("action", "verdict", "outcome", "to")
_TARGETS = ("hashtag", "target", "account", "order", "case", "decision")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in words."""

    seq: int
    at: str
    """ISO 8601, UTC: when the source record was logged; "" where that is not known."""
    kind: str
    action: str
    target: str
    country: str
    actor: str
    reason: str
    source: str
    """Topic, partition and offset of the record."""
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to export; None: all."""

    kind: str | None = None
    target: str | None = None
    actor: str | None = None
    country: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    """Log times in [from_ms, to_ms)."""

    def takes(self, entry: Entry, row: Row) -> bool:
        """Whether an entry is wanted."""
        at_ms = entry.source.log_time_ms
        asked = ((self.kind, row.kind), (self.target, row.target), (self.actor, row.actor), (self.country, row.country))
        return (
            all(want in (None, has) for want, has in asked)
            and (self.from_ms is None or at_ms >= self.from_ms)
            and (self.to_ms is None or at_ms < self.to_ms)
        )


def row_of(entry: Entry) -> Row:
    """An entry in words; never fails, whatever the record is."""
    source = entry.source
    kind, action, target, country, actor, reason = _told(entry)
    return Row(
        seq=entry.seq,
        at=_iso(source.log_time_ms),
        kind=kind,
        action=action,
        target=target,
        country=country,
        actor=actor,
        reason=reason,
        source=f"{source.topic}[{source.partition}]@{source.offset}",
        hash=entry.hash,
    )


def _told(entry: Entry) -> tuple[str, str, str, str, str, str]:
    if entry.note:
        return "note", "", "", "", "hushtag", entry.note
    try:
        said = msgspec.json.decode(record_bytes(entry) or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return "unreadable", "", entry.key or "", "", "", ""
    if entry.source.topic == POLICY:
        target = f"serial {_text(said, 'serial')}, revision {_text(said, 'revision')}"
        if isinstance(change := said.get("model_change"), dict):  # the rest is what was said of the policy, before
            models = f"model {_text(change, 'before')} → {_text(said, 'model_revision')}"
            told = ": ".join(filter(None, (_text(change, "reason"), models)))
            return "policy", "model", target, "", _text(change, "actor"), told
        actor = _text(said, "actor") or _text(said, "proposed_by")
        changes = "; ".join(str(change) for change in _list(said.get("changes")))
        return "policy", "activate", target, "", actor, ": ".join(filter(None, (_text(said, "reason"), changes)))
    kind = _text(said, "kind")
    if entry.source.topic == DECISIONS:
        action, reason = _rulings(said)
        return kind, action, _text(said, "hashtag"), _text(said, "country"), _text(said, "actor"), reason
    target = next((found for name in _TARGETS if (found := _text(said, name))), "")
    action = next((found for name in _ACTIONS if (found := _text(said, name))), kind)
    return kind, action, target, _text(said, "country"), _text(said, "actor"), _text(said, "reason")


def _rulings(said: Mapping[str, Any]) -> tuple[str, str]:
    rulings = [one for one in _list(said.get("rulings")) if isinstance(one, dict)]
    actions = dict.fromkeys(_text(one, "action") for one in rulings)
    told = [
        f"{_text(one, 'category')} on {_text(one, 'surface')}: {_text(one, 'action')}{_signals(one)}" for one in rulings
    ]
    return ", ".join(actions), "; ".join(told)


def _signals(ruling: Mapping[str, Any]) -> str:
    reasons = [one for one in _list(ruling.get("reasons")) if isinstance(one, dict)]
    told = [f"{_text(one, 'signal')} {_text(one, 'value')} past {_text(one, 'threshold')}" for one in reasons]
    return f" ({', '.join(told)})" if told else ""


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds") if at_ms >= 0 else ""
