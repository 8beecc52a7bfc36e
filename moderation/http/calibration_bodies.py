"""Bodies of the routes of calibration."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from moderation.access.bodies import Duration, WriteBody

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
