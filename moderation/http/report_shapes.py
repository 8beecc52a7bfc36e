"""Shapes of the routes of transparency reports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from moderation.access.bodies import ActorText, WriteBody, convert
from moderation.answers import AnswerModel, Millis
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


class ReportPreviewAnswer(AnswerModel):
    """Report as it would be published, or the progress of making it."""

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    reading: str = Field(description="What is read now; empty before and after.")
    records: int = Field(description="Records of it so far.")
    detail: str = Field(description="Why it failed, else empty.")
    from_ms: Millis
    to_ms: Millis = Field(description="End of the period, excluded.")
    country: str
    made_at_ms: int | None = Field(description="Moment of every state; null until it is made.")
    complete: bool | None = Field(description="Whether the period had ended by then.")
    unread: str = Field(description="Why the audit log was not read; empty if it was.")
    report: dict[str, Any] | None = Field(description="The numbers, as `hushtag report --json` prints them.")
    update: str = Field(description="Public update, as text.")
    table: str = Field(description="Every number, as CSV.")
    rounded: list[str] = Field(description="What is not given exactly, in words.")
    corrects: str | None = Field(description="Publication of this period and country; then a correction is needed.")
    overlaps: list[str] = Field(
        description="Publications with a day and place in common: the difference of two reports reveals small counts."
    )


class ReportFileAnswer(AnswerModel):
    """File of a publication."""

    name: str
    sha256: str
    state: Literal["kept", "missing", "changed"] = Field(description="State of the file in the folder of reports now.")


class ReportPublicationAnswer(AnswerModel):
    """Report that was published."""

    name: str
    country: str = Field(description="ISO 3166-1 alpha-2; `*`: all.")
    from_ms: Millis
    to_ms: Millis = Field(description="End of the period, excluded.")
    made_at_ms: Millis
    edition: int
    correction: str = Field(description="What a later edition corrects; empty in the first one.")
    files: list[ReportFileAnswer]
    actor: str
    reason: str
    at_ms: Millis


class ReportsAnswer(AnswerModel):
    """Published reports, the newest first."""

    items: list[ReportPublicationAnswer]
    can_publish: bool = Field(description="Whether HUSHTAG_REPORTS names a folder.")
