"""Shapes of the routes of calibration."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from moderation.access.bodies import Duration, WriteBody
from moderation.answers import AnswerModel, Millis

IfLiveModel = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{12}$", description="Revision of the live model that you saw; 409 if another is live."),
]

IfScale = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{12}$", description="`scale` that you saw; 409 if the labels give another one by now."),
]


class LabelRow(BaseModel):
    """Label of one text; give either a text or the id of a tweet that a case has sampled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, Field(min_length=1, max_length=10_000, description="Scored at once, and not kept.")] | None = (
        None
    )
    tweet_id: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None = None
    harmful: Annotated[bool | None, Field(description="null withdraws your label.")]
    categories: Annotated[dict[str, bool], Field(max_length=100, description="By category of the model.")] = {}
    lang: Annotated[str, Field(max_length=35, description="Language of the text (BCP 47), if known.")] = "und"


class LabelsBody(WriteBody):
    """Labels of texts; they count as the holder's of the key or session, whomever `actor` names."""

    items: Annotated[list[LabelRow], Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "labelled"


class CalibrationApplyBody(WriteBody):
    """Scale to put live."""

    if_live: IfLiveModel
    if_scale: IfScale
    one_person: Annotated[bool, Field(description="Accept labels that one person gave for the most part.")] = False


class ModelRollbackBody(WriteBody):
    """Return to the model before the live one."""

    if_live: IfLiveModel


class CalibrationImpactBody(BaseModel):
    """Past on which the scale is tried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[Duration, Field(description="How far back to judge; at most 7d.")] = "24h"


class LabelProblemAnswer(AnswerModel):
    """Label that was not taken."""

    where: str = Field(description="Number of the label, from 1.")
    field: str
    value: str
    problem: str
    fix: str


class LabelsAddedAnswer(AnswerModel):
    """Result of handing in labels."""

    added: int
    unchanged: int = Field(description="Labels that you had given already.")
    problems: list[LabelProblemAnswer]


class LabellerAnswer(AnswerModel):
    """Person who labelled texts."""

    person: str
    labels: int


class UncountedAnswer(AnswerModel):
    """Labels that do not count for the live model."""

    other_model: int = Field(description="Of texts that another model scored.")
    unreadable: int = Field(description="Of tweets whose text cannot be read any more.")
    unread: int = Field(description="Of texts in languages that the model does not read.")


class ScaleColumnAnswer(AnswerModel):
    """Scale of one language and category, before and after."""

    language: str
    category: str | None = Field(description="null: harm of any category.")
    clean: int = Field(description="Texts labelled clean.")
    harmful: int
    missing_clean: int = Field(description="Labels that are missing until the scale is the platform's.")
    missing_harmful: int
    calibrated: bool
    means_before: list[float] = Field(description="Mean probability of clean and of harmful texts.")
    means_after: list[float]
    errors: list[float] = Field(description="Standard errors of the two means after it.")
    coverage_before: float | None = Field(description="Part of the 90% intervals that held the true share.")
    coverage_after: float | None


class CalibrationAnswer(AnswerModel):
    """Labels, and the scale that they give."""

    model: str = Field(description="Revision of the live model.")
    scale: str = Field(description="Digest of the fitted scale: `if_scale` of `POST /v1/calibration/apply`.")
    before: str | None = Field(description="Revision that a rollback returns to.")
    texts: int = Field(description="Labelled texts.")
    marked: int = Field(description="Labels that come from markings in cases.")
    people: list[LabellerAnswer]
    one_person: bool = Field(description="Whether one person gave most of the labels of a mean.")
    greatest_part: str = Field(description="Who gave the greatest part of which labels, in words.")
    shared: int = Field(description="Texts that several people labelled.")
    agreed: int = Field(description="Texts of these that all labelled alike.")
    disputed: int = Field(description="Texts without a majority, which are left out.")
    not_counted: UncountedAnswer
    ready: bool = Field(description="Whether a language has enough labels to fit anything.")
    live: bool = Field(description="Whether the live model has this scale already.")
    missing: str = Field(description="Labels that are missing, in words.")
    problems: list[str]
    columns: list[ScaleColumnAnswer]


class ModelWrittenAnswer(AnswerModel):
    """Model that was written to the topics; workers activate it within seconds."""

    model: str
    before: str = Field(description="Revision that was live.")
    policy: str
    from_tick_ms: Millis
