"""Fields of an audit entry: what its leaf commits to, each apart from the others. Pure.

The owner of a statement opens the fields of its decision and no more: `action` and `reason` are those of the rulings
that restrict, because a review or a shadow rule is not the owner's to show. A report opens `type` and `period` of every
entry, and its numbers are recounted from these two. So `type` and `period` must not say more than the report does:

- Each number that the report gives exactly has its type: acts of people and of the pipeline, orders, reports.
- A record that the report rounds or groups is a `record`: appeals, second looks, rulings of orders. Confidential
  orders are too, because the report does not give their dates.
- `period` is the UTC day by which the report counts: of an order its receipt, of an automated decision its own
  time, of a person's its log time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from moderation.publiclog.entry_facts import decision_facts, override_facts, report_facts, ruling_facts
from moderation.publiclog.inputs import AuditInput, SourcePosition, bytes_of, text_of, time_words
from streams.actions import ACTIONS, FLAGGING, FORMS
from streams.errors import ContractError
from streams.log.decisions import Decision, LanguageCoverage, ScopeDecision, record_in
from streams.log.moderation import OtherRecord, Undo, decode_moderation
from streams.log.topic_specs import DECISIONS, MODERATION, POLICY
from streams.orders.records import (
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderReceived,
    OrderRuling,
    OrderStep,
    decode_legal,
)

Values = dict[str, str | None]
"""Value of each field by its name; None for a field that the record does not have."""
ERASURE = "audit_erasure"
"""Kind of the `moderation` records that erase an entry's record."""
PUBLICATION = "report_published"
"""Kind of the `moderation` records of published reports."""
KEPT_AS_HASH = ("kept as its hash", "too large to be kept")
"""Beginnings of the notes in place of records that list people, and of long ones."""
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_LAST_MS = 253_402_300_800_000
"""First moment after the year 9999."""


class _Publication(msgspec.Struct):
    """Record of a published report (`moderation.outward.report.publications`), as far as an entry opens it."""

    id: str
    target: str
    country: str
    files: dict[str, str]


_publications = msgspec.json.Decoder(_Publication)


class _Decided(NamedTuple):
    """Content of a record that a reader may open."""

    type: str
    counted_ms: int | None = None
    """Time by which the report counts the entry; None: its log time."""
    hashtag: str | None = None
    country: str | None = None
    action: str | None = None
    reason: str | None = None
    policy_revision: str | None = None
    facts: str | None = None


def fields_of(source_record: AuditInput) -> Values:
    """Return the value of every field of an entry, in the order of its leaf; never fails, even for malformed records.

    Returns:
        All fields, in the order of `disclosure.FIELDS`.
    """
    source, decided = source_record.source, _decided(source_record)
    counted_ms = source.log_time_ms if decided.counted_ms is None else decided.counted_ms
    return {
        "type": decided.type,
        "period": day_of(counted_ms),
        "time": time_words(source.log_time_ms),
        "source": f"{source.topic}/{source.partition}/{source.offset}",
        "key": text_of(source_record.key),
        "record": text_of(source_record.value),
        "note": source_record.note or None,
        "hashtag": decided.hashtag,
        "country": decided.country,
        "action": decided.action,
        "reason": decided.reason,
        "policy_revision": decided.policy_revision,
        "facts": decided.facts,
    }


def input_of(values: Mapping[str, str | int | None]) -> AuditInput:
    """Rebuild the source record, or the note in its place, from all fields of an entry.

    Raises:
        ContractError: `not_an_entry`; no writer of ours makes such fields.
    """
    try:
        topic, partition, offset = str(values["source"]).split("/")
        at = values["time"]
        log_time_ms = -1 if at is None else round(datetime.fromisoformat(str(at)).timestamp() * 1000)
        key, record = (None if values[name] is None else str(values[name]) for name in ("key", "record"))
        source = SourcePosition(topic, int(partition), int(offset), log_time_ms)
        return AuditInput(source, bytes_of(key), bytes_of(record), str(values["note"] or ""))
    except (LookupError, ValueError) as error:
        raise ContractError("not_an_entry", value=str(error)) from None


def day_of(at_ms: int) -> str | None:
    """Return the UTC day of a moment; None for one that is unknown or after the year 9999.

    >>> day_of(1_612_800_000_000), day_of(-1)
    ('2021-02-08', None)
    """
    return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat() if 0 <= at_ms < _LAST_MS else None


def publication_id(other: OtherRecord) -> str | None:
    """Return the id of the record of a published report; None for another record, or a malformed one."""
    try:
        return _publications.decode(other.value).id if other.kind == PUBLICATION else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def signals_of(ruling: ScopeDecision) -> str:
    """Describe one ruling of the pipeline: category, surface, action, and the signals past their thresholds."""
    weight = "" if ruling.weight is None else f" to {ruling.weight}"
    signals = [f"{reason.signal} {reason.value} past {reason.threshold}" for reason in ruling.reasons]
    past = f" ({', '.join(signals)})" if signals else ""
    return f"{ruling.category} on {ruling.surface}: {ruling.action}{weight}{past}"


def _decided(source_record: AuditInput) -> _Decided:
    if source_record.note:
        return _Decided("record" if source_record.note.startswith(KEPT_AS_HASH) else "note")
    if source_record.source.topic == POLICY:
        return _Decided("policy")
    if source_record.source.topic == DECISIONS:
        return _by_pipeline(source_record.value)
    return _by_people(source_record) if source_record.source.topic == MODERATION else _Decided("record")


def _by_pipeline(value: bytes | None) -> _Decided:
    record = record_in(value)
    if isinstance(record, LanguageCoverage):
        return _Decided("coverage")
    if not isinstance(record, Decision) or not _COUNTRY.fullmatch(record.country) or not record.rulings:
        return _Decided("record")
    actions = {ruling.action for ruling in record.rulings}
    strongest = next((action for action in ACTIONS if action in actions), min(actions))
    restricting = [ruling for ruling in record.rulings if ruling.action in FLAGGING]
    return _Decided(
        f"decision/{strongest}/{record.country}",
        record.decided_at_ms,
        record.hashtag,
        record.country,
        ", ".join(action for action in FORMS if action in actions) or None,
        "; ".join(signals_of(ruling) for ruling in restricting) or None,
        record.policy_revision,
        decision_facts(record),
    )


def _by_people(source_record: AuditInput) -> _Decided:
    try:
        record = decode_moderation(source_record.value, source_record.key, source_record.source.log_time_ms)
        if isinstance(record, OtherRecord):
            return _of_order(record)
    except (ContractError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Decided("record")
    verb = "undo" if isinstance(record, Undo) else "pause" if record.hashtag == "*" else record.action
    type_ = f"override/{verb}/{record.country}"
    action = "undo" if isinstance(record, Undo) else record.action
    facts = None if isinstance(record, Undo) else override_facts(record)
    return _Decided(type_, record.at_ms, record.hashtag, record.country, action, record.reason, facts=facts)


def _of_order(other: OtherRecord) -> _Decided:
    if other.kind == ERASURE:
        return _Decided("erasure")
    if other.kind == PUBLICATION:
        report = _publications.decode(other.value)
        files = report_facts(report.target, report.files)
        return _Decided("report", country=report.country, action="published", facts=files)
    record = decode_legal(other)
    match record:
        case OrderReceived() if not record.confidential and not record.edits:
            return _Decided(f"order/received/{record.country}", record.received_ms, country=record.country)
        case OrderStep():
            return _Decided("record", country=record.order[:2], action=record.to, reason=record.reason)
        case OrderRuling():
            reason, facts = f"{record.ground}: {record.reason}", ruling_facts(record)
            return _Decided("record", None, None, record.order[:2], record.outcome, reason, facts=facts)
        case OrderAmendment():
            return _Decided("record", country=record.order[:2], action="amend", reason=record.reason)
        case OrderAmendmentVerdict():
            action = f"{record.verdict} amendment"
            return _Decided("record", country=record.order[:2], action=action, reason=record.reason)
    return _Decided("record")
