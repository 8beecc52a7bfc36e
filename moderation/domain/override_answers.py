"""Answer to a person's decision: what the API answers and commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from moderation.log.drafts import AcceptedRecord
from streams.answers import AnswerModel
from streams.flags.override_answers import DecisionRecordAnswer, record_members

if TYPE_CHECKING:
    from moderation.domain.publication import PublicationStatus


class SurfaceNowAnswer(AnswerModel):
    """Answer that a surface gives now."""

    surface: str
    shown: bool
    decided_by: str | None


class OverrideWrittenAnswer(DecisionRecordAnswer):
    """Decision as it was written."""

    version: str = Field(description="Version that the next edit of the scope must name.")
    notes: list[str] = Field(description="Hints on the spelling.")
    published: bool | None = Field(description="null: the API does not wait for Redis.")
    note: str
    now: list[SurfaceNowAnswer]


def written_answer(
    accepted: AcceptedRecord, status: PublicationStatus | None = None, notes: Sequence[str] = ()
) -> OverrideWrittenAnswer:
    """Build the answer to a write; `published` is null without a wait."""
    now = [
        SurfaceNowAnswer(surface=v.surface, shown=v.shown, decided_by=v.register.source if v.register else None)
        for v in (status.verdicts if status else ())
    ]
    members = record_members(accepted.record) | {
        "version": accepted.version,
        "notes": notes,
        "published": status.published if status else None,
        "note": status.note if status else "",
        "now": now,
    }
    return OverrideWrittenAnswer.model_validate(members)
