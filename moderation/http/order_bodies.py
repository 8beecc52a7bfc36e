"""Shapes and limits of requests about legal orders."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from moderation.access.bodies import REQUEST_MS, CountryText, Moment, Surfaces, Version, WriteBody, each_of, unusable
from moderation.domain.orders.intake_plan import FIELDS
from moderation.log.drafts import moment_ms
from streams.orders.records import Ground, Outcome, SpeakerCategory, TargetKind
from streams.orders.records import OrderState as State

MOST_TARGETS = 100_000
"""Maximum number of targets in a body."""
TargetText = Annotated[str, Field(max_length=400)]
OrderDay = Annotated[
    str,
    Field(
        max_length=40,
        description="ISO 8601, or as the order's country writes dates.",
        examples=["2026-01-31"],
    ),
]
OrderField = Annotated[str, Field(max_length=2000, description="For rows without this column.")]
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

    most_values: ClassVar[int] = 4 * MOST_TARGETS
    """Bound of `body_reading`: each target has three members."""
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
    targets: Annotated[
        list[TargetBody], Field(min_length=1, max_length=MOST_TARGETS), each_of(TargetBody, MOST_TARGETS)
    ]
    strict: Annotated[bool, Field(description="Import nothing if one target cannot be used.")] = False

    def cells(self) -> dict[str, Any]:
        """Return the order in the format of `parse_json`."""
        return self.model_dump(mode="json", exclude={"actor", "reason", "strict"})


class OrderTextBody(WriteBody):
    """Text with the targets of an order, and the fields that the text does not have."""

    text: Annotated[
        str,
        Field(min_length=1, max_length=7_000_000, description="A target a line, CSV with a header, or JSON."),
    ]
    authority: OrderField = ""
    country: OrderField = ""
    legal_basis: OrderField = ""
    reference: OrderField = ""
    issued: OrderField = ""
    received: OrderField = ""
    deadline: OrderField = ""
    confidential: bool = False
    strict: Annotated[bool, Field(description="Import nothing if one row cannot be used.")] = False
    dry_run: bool = False

    def cells(self) -> dict[str, str]:
        """Return the order's own fields as the cells of a row."""
        facts = self.model_dump(include=set(FIELDS))
        return facts | {"confidential": "yes" if self.confidential else ""}


class OrderNoteBody(WriteBody):
    """Note on an order, which is never published, or its new assignee."""

    reason: Annotated[str, Field(max_length=2000, description="Text of the note.")] = ""
    assignee: Annotated[str | None, Field(max_length=200, description='"" unassigns it; null: no change.')] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.reason.strip() and self.assignee is None:
            raise unusable("a note needs text, or an assignee")
        return self


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
    def _is_later(cls, until: str | None, info: ValidationInfo) -> str | None:
        if until is None and info.data.get("to") == "interim":
            raise unusable("an interim decision needs an end")
        if until is not None and moment_ms(until) <= REQUEST_MS.get():
            raise unusable("the decision would end before it begins; give a later time")
        return until


class AmendmentBody(WriteBody):
    """Changes of an order by its authority's corrected list."""

    add: Annotated[str, Field(max_length=7_000_000, description="Targets to add: one a line, CSV or JSON.")] = ""
    drop: Annotated[str, Field(max_length=7_000_000, description="Targets of the order that it drops, likewise.")] = ""
    until: Annotated[Moment | None, Field(description="New end of the outcomes; null: unchanged.")] = None
    dry_run: bool = False
    if_version: Version


class AmendmentVerdictBody(WriteBody):
    """Answer to an amendment that waits."""

    verdict: Annotated[Literal["approve", "refuse"], Field(description="`approve` needs a second person.")]
    if_version: Version


class RulingBody(WriteBody):
    """Outcome for the targets that match all filters."""

    most_values: ClassVar[int] = 2 * MOST_TARGETS
    outcome: Outcome
    ground: Ground | None = None
    surfaces: Surfaces = Field([])
    everything: Annotated[bool, Field(description="Every target; needed without a filter.")] = False
    kinds: list[TargetKind] = Field([])
    targets: Annotated[list[TargetText], Field(max_length=MOST_TARGETS), each_of(TargetText, MOST_TARGETS)] = Field([])
    outcomes: list[Outcome] = Field([])
    undecided: bool = False
    waiting: bool = False
    protected: bool | None = None
    categories: list[SpeakerCategory] = Field([])
    first: Annotated[int | None, Field(ge=1, le=100_000)] = None
    against_protected: bool = False
    dry_run: bool = False
    if_version: Version
