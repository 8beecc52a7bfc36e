"""Audit entries as rows for people: who did what to which target, where and why.

A row is rendered from the record on each read, so that it cannot contradict the record. Unknown kinds are rendered
from the fields that all records of human decisions share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import msgspec

from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.inputs import AuditInput, text_of
from moderation.wording import iso_words
from streams.errors import ContractError
from streams.log.skips import KIND as SKIP
from streams.log.topic_specs import DECISIONS, POLICY

COVERAGE = "coverage"
"""Kind of the records of `streams.log.decisions.LanguageCoverage`."""
ERASED = "erased"
"""Kind of an entry whose record was erased."""
_ACTIONS = ("action", "verdict", "outcome", "to", "answer", "team", "why", "mark")
_LAST_MS = 10**14
"""Greatest time that is rendered."""
_TARGETS = ("hashtag", "target", "account", "order", "case", "decision", "subject")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Readable columns of one entry."""

    seq: int
    at: str
    """Log time of the source record in ISO 8601, UTC; "" if unknown."""
    kind: str
    action: str
    target: str
    country: str
    actor: str
    reason: str
    source: str
    """Topic, partition and offset of the record."""
    hash: str
    """Hash of the leaf in the tree, in hexadecimal."""

    def as_dict(self) -> dict[str, int | str]:
        """Convert the row to plain JSON."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(AuditRow))


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filter on audit entries; a field that is None matches all."""

    kind: str | None = None
    target: str | None = None
    actor: str | None = None
    country: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    """Log times in [from_ms, to_ms)."""

    def selects(self, entry: AuditEntry, row: AuditRow) -> bool:
        """Return whether an entry passes the filter; an erased one has no time, and passes without limits of time."""
        logged = input_in(entry)
        if logged is None:
            return all(limit is None for limit in (self.from_ms, self.to_ms)) and self._fits(row)
        at_ms = logged.source.log_time_ms
        return self._fits(row) and (
            (self.from_ms is None or at_ms >= self.from_ms) and (self.to_ms is None or at_ms < self.to_ms)
        )

    def _fits(self, row: AuditRow) -> bool:
        pairs = ((self.kind, row.kind), (self.target, row.target), (self.actor, row.actor), (self.country, row.country))
        return all(expected in (None, value) for expected, value in pairs)


def row_of(entry: AuditEntry) -> AuditRow:
    """Render an entry; never fails, even for malformed records and after an erasure."""
    logged = input_in(entry)
    if logged is None:
        return AuditRow(entry.number, "", ERASED, "", "", "", "", "", "", entry.hash)
    source = logged.source
    kind, action, target, country, actor, reason = _columns(logged)
    return AuditRow(
        seq=entry.number,
        at=iso_words(source.log_time_ms) if source.log_time_ms >= 0 else "",
        kind=kind,
        action=action,
        target=target,
        country=country,
        actor=actor,
        reason=reason,
        source=f"{source.topic}[{source.partition}]@{source.offset}",
        hash=entry.hash,
    )


def input_in(entry: AuditEntry) -> AuditInput | None:
    """Return the source record of an entry; None after an erasure, or if no writer of ours made it."""
    try:
        return entry.input
    except ContractError:
        return None


def _columns(logged: AuditInput) -> tuple[str, str, str, str, str, str]:
    if logged.note:
        return "note", "", "", "", "hushtag", logged.note
    try:
        record = msgspec.json.decode(logged.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return "unreadable", "", text_of(logged.key) or "", "", "", ""
    if logged.source.topic == POLICY:
        return _policy_columns(record)
    kind = _text(record, "kind")
    if logged.source.topic == DECISIONS:
        if kind == COVERAGE:
            return kind, "count", f"shard {_text(record, 'shard')}", "", "hushtag", _languages(record)
        action, reason = _rulings(record)
        return kind, action, _text(record, "hashtag"), _text(record, "country"), _text(record, "actor"), reason
    target = next((text for name in _TARGETS if (text := _text(record, name))), "")
    if kind == SKIP:
        target = f"{_text(record, 'topic')}[{_text(record, 'partition')}]@{_text(record, 'offset')}"
    action = next((text for name in _ACTIONS if (text := _text(record, name))), kind)
    action = "take over" if record.get("take_over") is True else action
    return kind, action, target, _text(record, "country"), _text(record, "actor"), _text(record, "reason")


def _policy_columns(record: Mapping[str, Any]) -> tuple[str, str, str, str, str, str]:
    if "incarnation" in record:
        target = f"incarnation {_text(record, 'incarnation')}, {_text(record, 'shards')} shards"
        return "incarnation", _text(record, "why"), target, "", _text(record, "actor"), _text(record, "reason")
    target = f"serial {_text(record, 'serial')}, revision {_text(record, 'revision')}"
    if isinstance(change := record.get("model_change"), dict):  # the policy fields repeat the previous activation
        models = f"model {_text(change, 'before')} → {_text(record, 'model_revision')}"
        reason = ": ".join(filter(None, (_text(change, "reason"), models)))
        return "policy", "model", target, "", _text(change, "actor"), reason
    actor = _text(record, "actor") or _text(record, "proposed_by")
    changes = "; ".join(str(change) for change in _list(record.get("changes")))
    return "policy", "activate", target, "", actor, ": ".join(filter(None, (_text(record, "reason"), changes)))


def _rulings(record: Mapping[str, Any]) -> tuple[str, str]:
    rulings = [ruling for ruling in _list(record.get("rulings")) if isinstance(ruling, dict)]
    actions = dict.fromkeys(_text(ruling, "action") for ruling in rulings)
    reasons = [
        f"{_text(ruling, 'category')} on {_text(ruling, 'surface')}: {_text(ruling, 'action')}"
        f"{_weight(ruling)}{_signals(ruling)}"
        for ruling in rulings
    ]
    return ", ".join(actions), "; ".join(reasons)


def _languages(record: Mapping[str, Any]) -> str:
    rows = [row for row in _list(record.get("languages")) if isinstance(row, list) and len(row) == 3]
    counts = ", ".join(f"{read} of {texts} in {language}" for language, texts, read in rows)
    begun = record.get("from_ms")
    hour = iso_words(begun) if isinstance(begun, int) and 0 <= begun < _LAST_MS else "?"
    return f"texts read in the hour from {hour}: {counts or 'none'}"


def _weight(ruling: Mapping[str, Any]) -> str:
    weight = _text(ruling, "weight")
    return f" to {weight}" if weight else ""


def _signals(ruling: Mapping[str, Any]) -> str:
    reasons = [reason for reason in _list(ruling.get("reasons")) if isinstance(reason, dict)]
    signals = [
        f"{_text(reason, 'signal')} {_text(reason, 'value')} past {_text(reason, 'threshold')}" for reason in reasons
    ]
    return f" ({', '.join(signals)})" if signals else ""


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value)
