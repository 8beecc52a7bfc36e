"""Answers on people's decisions: what the API answers and commands print."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from moderation.answers import AnswerModel, Millis
from streams.flags.overrides import record_as_dict
from streams.log.moderation import TagRecord, Verb


class RecordAnswer(AnswerModel):
    """Members that every record of a decision has."""

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
    expires_at_ms: int | None = Field(default=None, description="End; 0: until revoked. Absent in an undo.")
    category: str | None = Field(default=None, description="Only category that a stop button lifts. Absent in an undo.")
    family: str | None = Field(
        default=None, description="Hashtag whose look-alikes got the same decision. Absent in an undo."
    )
    undoes: list[str] | None = Field(default=None, description="Records that an undo ends.")


class DecisionRecordAnswer(RecordAnswer):
    """Record of a person's decision."""


def record_view(record: TagRecord) -> DecisionRecordAnswer:
    """Describe the record of a decision or an undo."""
    return DecisionRecordAnswer.model_validate(record_as_dict(record))
