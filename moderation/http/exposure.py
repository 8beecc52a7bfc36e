"""Route of exposure: how many texts a person has opened in a shift, and a team's total for its lead."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.services import services_of
from moderation.answers import AnswerModel
from moderation.domain.texts.exposure import LEAST_PEOPLE, SHIFT_MS

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["caller"])


class TeamExposureAnswer(AnswerModel):
    """Texts that all people together have opened within the shift."""

    people: int = Field(description="People who have opened a text.")
    opened: int | None = Field(description=f"Sum of their texts; null with fewer than {LEAST_PEOPLE} people.")


class ExposureAnswer(AnswerModel):
    """Texts that you have opened within the sliding shift that ends now."""

    shift_ms: int
    opened: int = Field(description="Distinct tweets.")
    limit: int | None = Field(description="Greatest number, by HUSHTAG_TEXTS_PER_SHIFT; null: no limit.")
    left: int | None = Field(description="Number that you may open now; null: no limit.")
    next_at_ms: int | None = Field(description="Time from which another text opens; null: now.")
    team: TeamExposureAnswer | None = Field(description="Totals of all people, for leads; null for others.")


@router.get("/exposure", openapi_extra=needs("decide"), response_model=ExposureAnswer)
async def exposure(request: Request) -> Response:
    """Return how many texts you have opened within 8 hours. No call gives this number of another person."""
    texts = services_of(request).texts
    own = await texts.exposure(reader_of(request))
    team = None
    if may(request, "lead"):
        total = await texts.team_exposure()
        team = {"people": total.people, "opened": total.opened if total.people >= LEAST_PEOPLE else None}
    return JsonReply(
        {
            "shift_ms": SHIFT_MS,
            "opened": own.opened,
            "limit": own.limit or None,
            "left": own.left,
            "next_at_ms": own.next_ms or None,
            "team": team,
        }
    )
