"""Shapes of the routes that check, try and change the policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from moderation.access.bodies import ActorText, Duration, WriteBody
from moderation.answers import HiddenList
from moderation.views.policies import PolicyRevisionAnswer
from moderation.views.policy_reports import ImpactAnswer
from streams.answers import AnswerModel, JsonObject, Millis

PolicyText = Annotated[str, Field(min_length=1, max_length=400_000, description="Policy file (YAML), as text.")]
RevisionText = Annotated[
    str, Field(pattern=r"^[0-9a-f]{12}$", description="Revision of a policy.", examples=["4f1c09aa21de"])
]
IfLive = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{12}$", description="Revision that the change was compared with; 409 if another is live."),
]


class PolicyCheckBody(BaseModel):
    """Text of a policy to check."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: PolicyText


class BacktestBody(PolicyCheckBody):
    """Policy to try on the past."""

    since: Annotated[Duration, Field(description="How far back to judge; at most 7d.")] = "24h"


class PolicyChangeBody(WriteBody):
    """Policy to put live."""

    policy: PolicyText
    if_live: IfLive


class RollbackBody(WriteBody):
    """Earlier policy to put live again."""

    revision: RevisionText
    if_live: IfLive


class ShadowBody(WriteBody):
    """Policy to run in the shadow of the live one."""

    policy: PolicyText
    lasts: Annotated[Duration, Field(description="It ends by itself after this time; at most 24h.")] = "2h"


class ShadowStopBody(BaseModel):
    """End of the shadow before its time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: ActorText = None


class PolicyFaultAnswer(AnswerModel):
    """One problem of a policy's text."""

    line: int = Field(description="Counts from 1.")
    column: int = Field(description="Counts from 1, in code points.")
    length: int = Field(description="Code points at fault.")
    message: str
    expected: str
    hint: str = Field(description="What to write instead; empty where nothing is close.")
    path: str = Field(description="Key at fault, such as `categories.abuse.clear_at`.")
    source: str = Field(description="Text of the line.")


class PolicyCheckAnswer(AnswerModel):
    """Result of a check: every problem, or the differences from the live policy."""

    valid: bool
    problems: list[PolicyFaultAnswer]
    problem_count: int = Field(description="Number of all problems; `problems` has the first 100.")
    warnings: list[PolicyFaultAnswer] = Field(description="Keys that never take effect; the policy is valid.")
    revision: str | None = Field(description="Revision that the policy would have; null with problems.")
    serial: int | None = Field(description="Serial that it would go live with, above the live one.")
    changes: list[str] = Field(description="Differences from the live policy, in words.")
    restarts: list[str] = Field(description="Workers that need a restart first; the change is refused before.")
    live_revision: str
    live_serial: int


class BacktestAnswer(AnswerModel):
    """One run over the kept evidence."""

    id: str
    revision: str = Field(description="Revision of the policy that is tried.")
    state: Literal["waiting", "running", "done", "failed"]
    done: int = Field(description="Records of evidence that were judged.")
    total: int = Field(description="Records of evidence; 0: not known yet.")
    detail: str = Field(description="Why it failed, else empty.")
    report: ImpactAnswer | None = Field(description="The changes, once it is done.")


class PolicyHistoryAnswer(AnswerModel):
    """Policies that were live, the newest first."""

    items: list[PolicyRevisionAnswer]


class PolicyWrittenAnswer(AnswerModel):
    """Policy that was written to the topic; workers activate it within seconds."""

    revision: str
    serial: int
    sequence: int = Field(description="Offset in the topic `policy`.")
    from_tick_ms: Millis = Field(description="End of the first tick that is judged under it.")
    recorded_at_ms: Millis
    changes: list[str]


class ShadowAnswer(AnswerModel):
    """Policy in the shadow of the live one; `state` is null if there never was one."""

    state: Literal["reading", "following", "ended", "stopped", "failed"] | None
    revision: str
    actor: str
    reason: str
    began_ms: Millis | None
    ends_at_ms: Millis | None
    stopped_by: str
    done: int = Field(description="Records of the past that were judged.")
    total: int
    detail: str = Field(description="Why it failed, else empty.")
    to_ms: Millis | None = Field(description="Last tick that both policies have judged.")
    now: list[JsonObject] = Field(description="Hashtags on which the policies differ now.")
    over_time: list[JsonObject] = Field(
        description="Flagged hashtags and countries over time; empty while you review blind."
    )
    report: ImpactAnswer | None = Field(description="The changes from the beginning.")
    blinded: HiddenList
