"""Answers on orders: what the API answers, pages show and commands print."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from moderation.answers import NextCursor
from streams.answers import AnswerModel, Millis
from streams.orders.records import OrderState, Outcome, TargetKind


class OrderNoteAnswer(AnswerModel):
    """Note on an order."""

    text: str
    actor: str
    at_ms: Millis


class AmendmentEffect(AnswerModel):
    """Effect of an amendment on its order."""

    added: int
    known: int = Field(description="Targets of the list that the order has already.")
    protected: int = Field(description="Added targets that are protected speakers.")
    dropped: int
    released: int = Field(
        description="Dropped targets that no order and no suspension hides in the order's country then."
    )
    kept_hidden: int = Field(description="Dropped targets that another order or a suspension still hides there.")
    expires_at_ms: int = Field(description="New end of the outcomes; 0: unchanged.")
    added_targets: list[str] = Field(description="The first 100.")
    dropped_targets: list[str] = Field(description="The first 100.")


class AmendmentProposal(AnswerModel):
    """Proposer of an amendment, with the reason."""

    amendment: str
    actor: str
    reason: str
    at_ms: Millis


class WaitingAmendmentAnswer(AmendmentEffect, AmendmentProposal):
    """Amendment that waits for a second person."""


class AmendedOrder(AnswerModel):
    """Order that an amendment is for."""

    order: str
    version: str
    dry_run: bool
    amendment: str = Field(description="Id for the verdict; empty for a dry run.")


class AmendmentPlanAnswer(AmendmentEffect, AmendedOrder):
    """Proposed amendment, or what it would be."""


class OrderAnswer(AnswerModel):
    """Legal order without its targets."""

    order: str
    state: OrderState
    version: str = Field(description="Version that the next step or ruling must name.")
    authority: str
    country: str
    legal_basis: str
    reference: str
    issued_ms: Millis
    received_ms: Millis
    deadline_ms: Millis
    confidential: bool
    due_in_ms: int | None = Field(description="Time until its clock runs out; negative: overdue; null: none runs.")
    expires_at_ms: int = Field(description="End of its outcomes; 0: until revoked.")
    assignee: str
    targets: int
    outcomes: dict[str, int] = Field(description="Targets by outcome.")
    protected: int
    waiting: int = Field(description="Targets that wait for a second person.")
    in_force: bool
    amendment: WaitingAmendmentAnswer | None = Field(
        description="Corrected list that waits; null without one, and while the caller reviews a hashtag blind."
    )
    notes: list[OrderNoteAnswer]
    history: list[str]


class OrdersAnswer(AnswerModel):
    """Page of orders that match the filters."""

    items: list[OrderAnswer]
    next: NextCursor


class TargetAnswer(AnswerModel):
    """Target of an order."""

    number: int
    kind: TargetKind
    target: str
    handle: str = Field(description="Handle that the order names, of the account or of a tweet's author; or empty.")
    resolved_ms: int = Field(description="Time at which the handle belonged to that account; 0 without a handle.")
    protected: str = Field(description="Category of a protected speaker; empty for others.")
    proposal: str
    outcome: str
    ground: str
    reason: str
    by: str
    second: str
    waiting: str


class TargetsAnswer(AnswerModel):
    """Page of an order's targets."""

    items: list[TargetAnswer]
    next: NextCursor


class TakenOrderAnswer(AnswerModel):
    """Effect of an intake on one order."""

    order: str
    reference: str
    deadline_ms: Millis
    fate: Literal["new", "supplement", "known", "conflict"]
    added: int
    known: int
    protected: int
    why: str


class UnusableTargetAnswer(AnswerModel):
    """Target that was not imported."""

    where: str
    field: str
    value: str
    problem: str
    fix: str


class IntakeAnswer(AnswerModel):
    """Effect of an intake."""

    orders: list[TakenOrderAnswer]
    problems: list[UnusableTargetAnswer]
    unusable: int = Field(description="Targets or rows that cannot be used; `problems` has the first 100.")
    notes: list[str]


class TextIntakeAnswer(IntakeAnswer):
    """Effect of the intake of a text, or what it would be."""

    dry_run: bool


class LeftOutAnswer(AnswerModel):
    """Selected target that a ruling leaves as it is."""

    number: int
    why: str


class RulingAnswer(AnswerModel):
    """Effect of a ruling."""

    order: str
    version: str
    dry_run: bool
    outcome: Outcome
    decides: int
    proposes: int = Field(description="Protected speakers that wait for a second person.")
    spared: int
    unfit: int
    unchanged: int
    replaces: dict[Outcome, int] = Field(description="Outcomes that the targets have now, with their numbers.")
    left_out: list[LeftOutAnswer] = Field(description="The first 1,000 of the selected targets that stay as they are.")


class NoticeAnswer(AnswerModel):
    """Order in the form of the Lumen archive."""

    notice: dict[str, Any]
