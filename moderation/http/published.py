"""Route of publication: whether surfaces have a decision, and since when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import blinded_for, blinded_reply
from moderation.access.bodies import HashtagPath
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from moderation.answers import AnswerModel, BlindedAnswer, Millis
from moderation.domain.publication_times import records_of_write

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])
MOST_SECONDS = 10.0


class SurfacePublishedAnswer(AnswerModel):
    """Publication on one surface in one country."""

    surface: str
    country: str = Field(description="ISO 3166-1 alpha-2, or `*`.")
    published: bool | None = Field(description="Whether it or a newer one is there; null: Redis does not answer.")
    published_at_ms: int | None = Field(description="null: not yet, or the time is no longer known.")


class PublishedAnswer(AnswerModel):
    """Times of one decision: in the log, and on surfaces."""

    hashtag: str
    version: str = Field(description="Version of the last record of the decision.")
    recorded_at_ms: Millis
    published: bool | None = Field(description="Whether every surface has it; null: Redis does not answer.")
    published_at_ms: int | None = Field(description="Time at which the last surface got it; null: not yet.")
    note: str = Field(description="Reason why a surface does not have it; empty if all have.")
    surfaces: list[SurfacePublishedAnswer]


@router.get(
    "/hashtags/{hashtag}/published", openapi_extra=needs("read"), response_model=PublishedAnswer | BlindedAnswer
)
async def published(
    request: Request,
    hashtag: HashtagPath,
    version: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}\.\d{19}\.\d{15}$",
            description="Version that a write answered; by default that of the newest decision of a person.",
        ),
    ] = None,
    wait: Annotated[float, Query(ge=0, le=MOST_SECONDS, description="Longest wait in seconds.")] = 0.0,
) -> Response:
    """Wait until surfaces have a person's decision, and return when it was recorded and when they got it."""
    if hashtag in await blinded_for(request):
        return blinded_reply(hashtag)
    services = services_of(request)
    records = records_of_write(await services.moderation.refresh(), hashtag, version or "9")
    if not records:
        fix = "GET /v1/overrides lists the decisions"
        raise RefusedCall("not_found", f"no person has decided on #{hashtag} up to this version", fix)
    publication = await services.published(records, wait)
    return JsonReply({"hashtag": hashtag, "version": records[-1].version} | publication.as_dict())
