"""Route of exposure: how many texts a person has opened in a shift, and a team's total for its lead."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.services import services_of
from moderation.domain.texts.answers import ExposureAnswer, TeamExposureAnswer
from moderation.domain.texts.exposure import LEAST_PEOPLE, SHIFT_MS

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["caller"])


@router.get("/exposure", openapi_extra=needs("decide"), response_model=ExposureAnswer)
async def exposure(request: Request) -> Response:
    """Return how many texts you have opened within 8 hours. No call gives this number of another person."""
    texts = services_of(request).texts
    own = await texts.exposure(reader_of(request))
    team = None
    if may(request, "lead"):
        total = await texts.team_exposure()
        team = TeamExposureAnswer(people=total.people, opened=total.opened if total.people >= LEAST_PEOPLE else None)
    return JsonReply(
        ExposureAnswer(
            shift_ms=SHIFT_MS,
            opened=own.opened,
            limit=own.limit or None,
            left=own.left,
            next_at_ms=own.next_ms or None,
            team=team,
        )
    )
