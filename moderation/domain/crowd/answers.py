"""Answers on crowds: what the API answers and pages draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from streams.actions import ROW_OF_MEASURE
from streams.answers import AnswerModel, Millis

if TYPE_CHECKING:
    What = str
else:
    What = Literal[(*(row.moment for row in ROW_OF_MEASURE.values()), "sent_to_people", "shown", "undone")]


class CrowdPointAnswer(AnswerModel):
    """Counts in the window that ends at a minute."""

    at_ms: Millis
    tweets: int
    authors: int = Field(description="Distinct authors, estimated.")
    established: int = Field(description="Authors with an old account who write texts of their own.")
    coordinated: int = Field(description="The other authors: young accounts, copied texts, a campaign hidden before.")
    young: int | None = Field(description="Authors with a young account, estimated from a sample; null: not measured.")
    copies: int | None = Field(description="Authors of a text that another author wrote too, estimated likewise.")
    sampled: int = Field(description="Authors whose texts the model has looked at; 0 where `unread` is empty.")
    unread: dict[str, int] = Field(description="Those of them whose texts it does not read, by language.")


class CrowdMomentAnswer(AnswerModel):
    """Decision of the pipeline or of a person."""

    at_ms: Millis
    source: Literal["automated", "human"]
    what: What
    country: str
    surfaces: tuple[str, ...]
    actor: str = Field(description="Empty for the pipeline.")


class CrowdAnswer(AnswerModel):
    """Crowd of a case's hashtag in one country, from an hour before the case to now, six hours at most."""

    case: str
    hashtag: str
    country: str = Field(description="ISO 3166-1 alpha-2, or `*` for the world.")
    countries: list[str] = Field(description="Countries of the case; give one as `country`.")
    since_ms: Millis
    until_ms: Millis
    step_ms: int = Field(description="Distance of two points.")
    window_ms: int = Field(description="Window that each point counts; 0 without evidence.")
    floor: int = Field(description="A minute without a point had fewer tweets than this in the window.")
    newest_at_ms: int | None = Field(description="Newest minute of the evidence of any hashtag; null: none was read.")
    is_calibrated: bool | None = Field(
        description="Whether harmful shares are on a scale fitted to the platform's labels; null: no evidence was read."
    )
    complete: bool = Field(description="false: the evidence is still being read; ask again in some seconds.")
    points: list[CrowdPointAnswer]
    moments: list[CrowdMomentAnswer] = Field(description="Decisions on the hashtag in any country, oldest first.")
