"""Shapes of the routes of transparency reports."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from moderation.access.bodies import ActorText, WriteBody, convert
from streams.naming import country_of

Day = Annotated[
    str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Day in UTC, ISO 8601.", examples=["2026-01-31"])
]


class ReportPreviewBody(BaseModel):
    """Period and country of a report."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    actor: ActorText = None
    from_: Annotated[Day, Field(alias="from", description="First day, in UTC.")]
    to: Annotated[Day, Field(description="Last day, in UTC, included.")]
    country: Annotated[
        str, Field(max_length=20, description="ISO 3166-1 alpha-2; `*`: all."), AfterValidator(convert(country_of))
    ] = "*"


class ReportPublishBody(WriteBody):
    """Previewed report to publish."""

    preview: str = Field(min_length=1, max_length=40, description="Id of your preview: exactly it is published.")
    correction: str = Field(
        "", max_length=2000, description="What this edition corrects; needed where the period and country have one."
    )
