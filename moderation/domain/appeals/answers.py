"""Answers on appeals: what the API answers and commands print."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from moderation.answers import HiddenList, NextCursor
from moderation.domain.appeals.records import Verdict
from streams.answers import AnswerModel, Millis
from streams.flags.override_answers import DecisionRecordAnswer
from streams.orders.records import Outcome


class AppealOutcomeAnswer(AnswerModel):
    """Outcome of an appeal."""

    verdict: Verdict
    actor: str
    reason: str


class AppealAnswer(AnswerModel):
    """Appeal against a restriction."""

    id: str
    case: str = Field(description="Reference of the restriction, as its statement names it.")
    hashtag: str = Field(description="Restricted hashtag; against an order also an account or a tweet.")
    actor: str = Field(description="Person who filed it; your case system knows the appellant.")
    reason: str = Field(description="Reason that the appellant gives.")
    at_ms: Millis
    against_order: bool
    outcome: AppealOutcomeAnswer | None = Field(description="null while it is open.")


class AppealsAnswer(AnswerModel):
    """Page of appeals that match the filters."""

    items: list[AppealAnswer]
    next: NextCursor
    blinded: HiddenList


class TargetRulingAnswer(AnswerModel):
    """Ruling that reverses an outcome on an order's target."""

    action: Outcome
    order: str
    target: int = Field(description="Number of the target, from 1.")


class AppealEndedAnswer(AnswerModel):
    """Effect of the end of an appeal."""

    kind: Literal["appeal_outcome"]
    id: str
    appeal: str
    case: str
    hashtag: str
    verdict: Verdict
    actor: str
    reason: str
    at_ms: Millis
    effect: DecisionRecordAnswer | TargetRulingAnswer | None = Field(
        description="Decision that reverses the restriction; null if none is needed."
    )
    also_lifts: list[str] = Field(description="Other automated restrictions that this lifts.")
    ended: str = Field(description="Why nothing of the restriction is in force; empty if it was.")
