"""What callers send: shapes and limits for the OpenAPI document. What the words mean is checked where it is written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.orders.records import Ground, Outcome, SpeakerCategory, State, TargetKind

Version = Annotated[
    str,
    Field(
        pattern=r"^(\d{4}\.\d{19}\.\d{15})?$",
        description='The version of what is edited, as you last saw it; "" for nothing yet. If it has moved on: 409.',
    ),
]
Moment = Annotated[str, Field(max_length=40, description="ISO 8601; UTC without an offset.")]

DeclineGround = Literal["protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other"]
"""`GROUNDS_OF["declined"]`, for the document."""


class Body(BaseModel):
    """What every write says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: Annotated[str, Field(min_length=1, max_length=200, description="The person who decides.")]
    reason: Annotated[str, Field(min_length=1, max_length=2000, description="Why; kept, and may be published.")]


class _Scope(Body):
    hashtag: Annotated[str, Field(min_length=1, max_length=280, description="In any spelling, with or without #.")]
    surfaces: Annotated[list[str], Field(max_length=100, description="Empty: all (of an undo: where it stands).")] = []
    if_version: Version


class OverrideBody(_Scope):
    """A block, allow or hold."""

    action: Literal["block", "allow", "hold"]
    country: Annotated[str, Field(max_length=20, description="ISO 3166-1 alpha-2, or * for everywhere.")] = "*"
    lasts: Annotated[str | None, Field(max_length=40, description="Such as 2h or 7d; or give `until`.")] = None
    until: Moment | None = None


class UndoBody(_Scope):
    """Takes back the last override of a scope."""

    country: Annotated[str | None, Field(max_length=20, description="Where more than one stands: which.")] = None


class _Stop(Body):
    surfaces: Annotated[
        list[str], Field(max_length=100, description="Empty: all (to resume: where it is paused).")
    ] = []
    if_version: Version


class PauseBody(_Stop):
    """Presses the stop button."""

    country: Annotated[str, Field(max_length=20, description="ISO 3166-1 alpha-2, or * for everywhere.")] = "*"
    category: Annotated[str, Field(max_length=80, description="Only this category of the policy; empty: all.")] = ""
    lasts: Annotated[str, Field(max_length=40, description="Automation comes back by itself then.")] = "24h"
    until: Moment | None = None


class ResumeBody(_Stop):
    """Lets it go."""

    country: Annotated[str | None, Field(max_length=20, description="Where more than one is pressed: which.")] = None


class ReleaseBody(BaseModel):
    """Who gives an item back, or takes one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "to look at it"


class VerdictBody(Body):
    """What a reviewer, or whoever judges an appeal, thinks."""

    verdict: Literal["uphold", "overturn"]
    lasts: Annotated[str | None, Field(max_length=40, description="How long the override stands; 7d.")] = None


class EndBody(Body):
    """How an appeal ends."""

    verdict: Literal["uphold", "overturn"]


class AppealBody(Body):
    """An appeal; `reason` is what the appellant says."""

    reference: Annotated[str, Field(pattern=r"^hushtag-[0-9a-f]{24}$", description="As the statement says it.")]


class TargetBody(BaseModel):
    """A target of an order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TargetKind
    target: Annotated[str, Field(min_length=1, max_length=400)]
    author: Annotated[str, Field(max_length=100)] = ""


class IntakeBody(Body):
    """A legal order."""

    authority: Annotated[str, Field(min_length=1, max_length=400)]
    country: Annotated[str, Field(min_length=2, max_length=20)]
    legal_basis: Annotated[str, Field(min_length=1, max_length=400)]
    reference: Annotated[str, Field(min_length=1, max_length=400)]
    issued: Moment
    received: Moment
    deadline: Annotated[
        Moment, Field(description="ISO 8601, a date meaning its end where it ends first (UTC+14); or +48h.")
    ]
    confidential: bool
    targets: Annotated[list[TargetBody], Field(min_length=1, max_length=100_000)]
    strict: Annotated[bool, Field(description="Take nothing in if one target cannot be used.")] = False

    def cells(self) -> dict[str, Any]:
        """The order as `parse_json` reads it."""
        return self.model_dump(mode="json", exclude={"actor", "reason", "strict"})


class StepBody(Body):
    """Moves an order on."""

    to: State
    until: Annotated[Moment | None, Field(description="When its outcomes end; needed for interim.")] = None
    ground: Annotated[DeclineGround, Field(description="Why a whole order is declined.")] = "other"
    if_version: Version


class RulingBody(Body):
    """One outcome for the targets that fit all of the filters."""

    outcome: Outcome
    ground: Ground | None = None
    surfaces: Annotated[list[str], Field(max_length=100)] = []
    everything: Annotated[bool, Field(description="Every target; one of the filters or this.")] = False
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
