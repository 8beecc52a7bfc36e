"""Answers on people's decisions: the members of a record, and of an override with its present state. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.answers import AnswerModel, Millis
from streams.flags.overrides import OverrideState, OverrideStatus
from streams.log.moderation import Override, TagRecord, Verb


class DecisionRecordAnswer(AnswerModel):
    """Record of a person's decision."""

    id: str
    action: Literal[Verb, "undo"]
    hashtag: str
    display: str
    country: str = Field(description="ISO 3166-1 alpha-2, or `*`.")
    surfaces: list[str]
    source: str
    actor: str
    reason: str
    at_ms: Millis
    expires_at_ms: int | None = Field(None, description="End; 0: until revoked. Absent in an undo.")
    category: str | None = Field(None, description="Only category that a stop button lifts. Absent in an undo.")
    family: str | None = Field(None, description="Hashtag whose look-alikes got the same decision. Absent in an undo.")
    undoes: list[str] | None = Field(None, description="Records that an undo ends.")


class OverrideAnswer(DecisionRecordAnswer):
    """Override with its present state."""

    version: str
    state: OverrideState
    expires_in_ms: int | None = Field(None, description="Remaining time; null: until revoked.")
    undone_by: DecisionRecordAnswer | None = None
    superseded_by: DecisionRecordAnswer | None = None
    came_first: DecisionRecordAnswer | None = Field(None, description="Record because of which this one was refused.")


def record_view(record: TagRecord) -> DecisionRecordAnswer:
    """Build the answer about a record."""
    return DecisionRecordAnswer.model_validate(record_members(record))


def override_answer(status: OverrideStatus, now_ms: int) -> OverrideAnswer:
    """Build the answer about a record: its state on its surfaces, its remaining time, and the cause."""
    record = status.record
    members = record_members(record) | {"surfaces": status.surfaces, "version": status.version, "state": status.state}
    if isinstance(record, Override) and status.state in ("in force", "superseded"):
        members["expires_in_ms"] = record.expires_at_ms - now_ms if record.expires_at_ms else None
    if status.because is not None:
        members[_BECAUSE[status.state]] = record_view(status.because)
    return OverrideAnswer.model_validate(members)


def record_members(record: TagRecord) -> dict[str, object]:
    """Return the members of an answer that a record gives; those of the other kind of record are absent."""
    common = ("id", "hashtag", "display", "country", "surfaces", "source", "actor", "reason", "at_ms")
    more = ("expires_at_ms", "category", "family") if isinstance(record, Override) else ("undoes",)
    members = {name: getattr(record, name) for name in (*common, *more)}
    return members | {"action": action_of(record)}


def action_of(record: TagRecord) -> Verb | Literal["undo"]:
    """Return the action of a record."""
    return record.action if isinstance(record, Override) else "undo"


_BECAUSE = {"undone": "undone_by", "superseded": "superseded_by", "refused": "came_first"}
