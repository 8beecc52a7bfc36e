"""Bodies of the routes of cases."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moderation.access.bodies import CountryText, Duration, Version, WriteBody
from moderation.domain.cases.records import CaseVerdict, FirstWord, SkipCause

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", examples=["news"])]
ItemName = Annotated[str, Field(max_length=64)]


class ClaimBody(WriteBody):
    """Claim of a case."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "to look at it"


class SkipBody(WriteBody):
    """End of a claim without a decision."""

    why: SkipCause
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "skipped"


class FirstAnswerBody(WriteBody):
    """First answer, before the numbers."""

    answer: FirstWord
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "first answer"


class CaseDecisionBody(WriteBody):
    """Decision on what is open in a case; empty filters cover all of it."""

    verdict: Annotated[CaseVerdict, Field(description="`leave` changes nothing; a second look takes the others.")]
    countries: list[CountryText] = Field([], max_length=300)
    surfaces: list[Annotated[str, Field(max_length=80)]] = Field([], max_length=100)
    items: list[ItemName] = Field([], max_length=1000)
    lasts: Annotated[Duration | None, Field(description="Life of the overrides; 7d by default.")] = None
    if_version: Version | None = None


class CaseUndoBody(WriteBody):
    """Undo of the newest decision of a case."""

    if_version: Version | None = None


class NoteBody(WriteBody):
    """Note (the reason is its text), with labels."""

    add: list[Slug] = Field([], max_length=20)
    remove: list[Slug] = Field([], max_length=20)


class EscalationBody(WriteBody):
    """Handing of a case to a team; `moderators` is the common list."""

    team: Slug
