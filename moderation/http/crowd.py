"""Route of a case's crowd: its tweets and authors over time, and the moments of decisions. It names no score."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_reply, reader_of
from moderation.access.bodies import CasePath, CountryQuery
from moderation.access.services import services_of
from moderation.answers import BlindedAnswer
from moderation.domain.crowd.answers import CrowdAnswer
from moderation.views.crowd import crowd_of

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])


@router.get("/cases/{case}/crowd", openapi_extra=needs("decide"), response_model=CrowdAnswer | BlindedAnswer)
async def crowd(request: Request, case: CasePath, country: CountryQuery = None) -> Response:
    """Return the tweets and authors of a case's hashtag over time, with the moments of decisions."""
    services, person = services_of(request), reader_of(request)
    hashtag_case = await services.cases.log.find(case)
    if services.cases.log.is_blind(hashtag_case, person):
        return hidden_reply(hashtag_case.hashtag)
    return JsonReply(await crowd_of(request, hashtag_case, country))
