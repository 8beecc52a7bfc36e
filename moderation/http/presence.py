"""Routes of presence: who looks at a case now."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import CasePath
from moderation.access.presence import viewers_of
from moderation.access.services import present_ms, services_of
from streams.answers import AnswerModel

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])


class PresenceAnswer(AnswerModel):
    """People who look at a case now, as this process of the API knows them."""

    case: str
    viewers: list[str] = Field(description="Names, in alphabetical order; yours too, while you look at it.")


@router.get("/cases/{case}/presence", openapi_extra=needs("decide"), response_model=PresenceAnswer)
async def present(request: Request, case: CasePath) -> Response:
    """Name the people who look at a case now."""
    return JsonReply({"case": case, "viewers": viewers_of(request, case)})


@router.post("/cases/{case}/presence", openapi_extra=needs("decide"), response_model=PresenceAnswer)
async def look(request: Request, case: CasePath) -> Response:
    """Say that you look at a case; nothing is recorded. Call it every 10 seconds: it counts for 30."""
    services = services_of(request)
    hashtag_case = await services.cases.log.find(case)
    services.presence.beat(hashtag_case.id, reader_of(request), present_ms(request))
    return JsonReply({"case": hashtag_case.id, "viewers": viewers_of(request, hashtag_case.id)})
