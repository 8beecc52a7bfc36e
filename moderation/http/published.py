"""Route of publication: whether surfaces have a decision, and since when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for, hidden_reply
from moderation.access.bodies import HashtagPath
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from moderation.answers import BlindedAnswer
from moderation.domain.publication_times import PublishedAnswer, records_of_write

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])
MOST_SECONDS = 10.0


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
    if hashtag in await hidden_hashtags_for(request):
        return hidden_reply(hashtag)
    services = services_of(request)
    records = records_of_write(await services.moderation.refresh(), hashtag, version or "9")
    if not records:
        fix = "GET /v1/overrides lists the decisions"
        raise RefusedCall("not_found", f"no person has decided on #{hashtag} up to this version", fix)
    return JsonReply(await services.published(records, wait))
