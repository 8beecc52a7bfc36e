"""Shapes and limits of requests, for validation and the OpenAPI document; services check the meaning of values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from streams.orders.records import Ground, Outcome, SpeakerCategory, TargetKind
from streams.orders.records import OrderState as State

Version = Annotated[
    str,
    Field(
        pattern=r"^(\d{4}\.\d{19}\.\d{15})?$",
        description='Version that you last saw; "" for nothing yet. A newer version answers 409.',
    ),
]
Moment = Annotated[str, Field(max_length=40, description="ISO 8601; UTC without an offset.")]
HashtagPath = Annotated[str, Path(min_length=1, max_length=280, description="Any equivalent spelling, without #.")]
CountryQuery = Annotated[str | None, Query(max_length=20, description="ISO 3166-1 alpha-2, or *.")]
LimitQuery = Annotated[int, Query(ge=1, le=1000)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", description="New for every write; the same for a repetition.")
]

DeclineGround = Literal["protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other"]
"""Values of `GROUNDS_OF["declined"]`, for the document."""


class WriteBody(BaseModel):
    """Fields of every write."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: Annotated[str, Field(min_length=1, max_length=200, description="Person who decides.")]
    reason: Annotated[str, Field(min_length=1, max_length=2000, description="Reason; it is kept and may be published.")]


class _ScopeBody(WriteBody):
    hashtag: Annotated[str, Field(min_length=1, max_length=280, description="Any equivalent spelling.")]
    surfaces: Annotated[
        list[str], Field(max_length=100, description="Empty: all; for an undo, every surface in force.")
    ] = []
    if_version: Version


class OverrideBody(_ScopeBody):
    """Block, allow or hold of a hashtag."""

    action: Literal["block", "allow", "hold"]
    country: Annotated[str, Field(max_length=20, description="ISO 3166-1 alpha-2, or * for everywhere.")] = "*"
    lasts: Annotated[str | None, Field(max_length=40, description="Such as 2h or 7d; excludes `until`.")] = None
    until: Moment | None = None


class UndoBody(_ScopeBody):
    """Undo of the last override of a scope."""

    country: Annotated[
        str | None, Field(max_length=20, description="Needed if overrides are in force in several countries.")
    ] = None


class _StopBody(WriteBody):
    surfaces: Annotated[
        list[str], Field(max_length=100, description="Empty: all; to resume, every paused surface.")
    ] = []
    if_version: Version


class PauseBody(_StopBody):
    """Press of the stop button."""

    country: Annotated[str, Field(max_length=20, description="ISO 3166-1 alpha-2, or * for everywhere.")] = "*"
    category: Annotated[str, Field(max_length=80, description="Only this category of the policy; empty: all.")] = ""
    lasts: Annotated[str, Field(max_length=40, description="Automation resumes at its end.")] = "24h"
    until: Moment | None = None


class ResumeBody(_StopBody):
    """Release of the stop button."""

    country: Annotated[str | None, Field(max_length=20, description="Needed if several countries are paused.")] = None


class ReleaseBody(BaseModel):
    """Claim or release of an item."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "to look at it"


class VerdictBody(WriteBody):
    """Verdict of a reviewer."""

    verdict: Literal["uphold", "overturn"]
    lasts: Annotated[str | None, Field(max_length=40, description="Life of the override; 7d by default.")] = None


class EndBody(WriteBody):
    """Outcome of an appeal."""

    verdict: Literal["uphold", "overturn"]


class AppealBody(WriteBody):
    """Appeal; `reason` is the appellant's."""

    reference: Annotated[str, Field(pattern=r"^hushtag-[0-9a-f]{24}$", description="Reference from the statement.")]


class TargetBody(BaseModel):
    """Target of a legal order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TargetKind
    target: Annotated[str, Field(min_length=1, max_length=400)]
    author: Annotated[str, Field(max_length=100)] = ""


class IntakeBody(WriteBody):
    """A legal order with its targets."""

    authority: Annotated[str, Field(min_length=1, max_length=400)]
    country: Annotated[str, Field(min_length=2, max_length=20)]
    legal_basis: Annotated[str, Field(min_length=1, max_length=400)]
    reference: Annotated[str, Field(min_length=1, max_length=400)]
    issued: Moment
    received: Moment
    deadline: Annotated[
        Moment, Field(description="ISO 8601, or +48h; a date alone ends with the earliest time zone (UTC+14).")
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
    until: Annotated[Moment | None, Field(description="End of its outcomes; needed for interim.")] = None
    ground: Annotated[DeclineGround, Field(description="Ground to decline a whole order.")] = "other"
    if_version: Version


class RulingBody(WriteBody):
    """Outcome for the targets that match all filters."""

    outcome: Outcome
    ground: Ground | None = None
    surfaces: Annotated[list[str], Field(max_length=100)] = []
    everything: Annotated[bool, Field(description="Every target; needed without a filter.")] = False
    kinds: list[TargetKind] = []
    targets: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=100_000)] = []
    outcomes: list[Outcome] = []
    undecided: bool = False
    waiting: bool = False
    protected: bool | None = None
    categories: list[SpeakerCategory] = []
    first: Annotated[int | None, Field(ge=1, le=100_000)] = None
    against_protected: bool = False
    dry_run: bool = False
    if_version: Version
