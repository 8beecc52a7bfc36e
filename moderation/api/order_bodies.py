"""Shapes and limits of requests about legal orders."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from moderation.api.bodies import CountryText, Moment, Surfaces, Version, WriteBody, unusable
from moderation.drafts import moment_ms
from streams.clock import now_ms
from streams.orders.records import Ground, Outcome, SpeakerCategory, TargetKind
from streams.orders.records import OrderState as State

OrderDay = Annotated[
    str,
    Field(
        max_length=40,
        description="ISO 8601, or as the order's country writes dates.",
        examples=["2026-01-31"],
    ),
]
DeclineGround = Literal["protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other"]
"""Values of `GROUNDS_OF["declined"]`, for the document."""


class TargetBody(BaseModel):
    """Target of a legal order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TargetKind
    target: Annotated[str, Field(min_length=1, max_length=400)]
    author: Annotated[str, Field(max_length=100)] = ""


class IntakeBody(WriteBody):
    """A legal order with its targets."""

    authority: Annotated[str, Field(min_length=1, max_length=400)]
    country: CountryText
    legal_basis: Annotated[str, Field(min_length=1, max_length=400)]
    reference: Annotated[str, Field(min_length=1, max_length=400)]
    issued: OrderDay
    received: OrderDay
    deadline: Annotated[
        str,
        Field(
            max_length=40,
            description="ISO 8601, or +48h; a date alone ends with the earliest time zone (UTC+14).",
            examples=["+48h"],
        ),
    ]
    confidential: bool
    targets: Annotated[list[TargetBody], Field(min_length=1, max_length=100_000)]
    strict: Annotated[bool, Field(description="Import nothing if one target cannot be used.")] = False

    def cells(self) -> dict[str, Any]:
        """Return the order in the format of `parse_json`."""
        return self.model_dump(mode="json", exclude={"actor", "reason", "strict"})


class StepBody(WriteBody):
    """Next state of an order."""

    to: State
    until: Annotated[
        Moment | None, Field(description="End of its outcomes; needed for interim.", validate_default=True)
    ] = None
    ground: Annotated[DeclineGround, Field(description="Ground to decline a whole order.")] = "other"
    if_version: Version

    @field_validator("until")
    @classmethod
    def _is_later(cls, until: str | None, known: ValidationInfo) -> str | None:
        if until is None and known.data.get("to") == "interim":
            raise unusable("an interim decision needs an end")
        if until is not None and moment_ms(until) <= now_ms():
            raise unusable("the decision would end before it begins; give a later time")
        return until


class RulingBody(WriteBody):
    """Outcome for the targets that match all filters."""

    outcome: Outcome
    ground: Ground | None = None
    surfaces: Surfaces = Field([])
    everything: Annotated[bool, Field(description="Every target; needed without a filter.")] = False
    kinds: list[TargetKind] = Field([])
    targets: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=100_000)] = Field([])
    outcomes: list[Outcome] = Field([])
    undecided: bool = False
    waiting: bool = False
    protected: bool | None = None
    categories: list[SpeakerCategory] = Field([])
    first: Annotated[int | None, Field(ge=1, le=100_000)] = None
    against_protected: bool = False
    dry_run: bool = False
    if_version: Version
