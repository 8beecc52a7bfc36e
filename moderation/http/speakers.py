"""Route of the registry of protected speakers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.paging import CursorQuery, PageSize, page_answer, page_of
from moderation.access.services import services_of
from moderation.answers import NextCursor
from streams.answers import AnswerModel, Millis
from streams.orders.records import SpeakerCategory

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["speakers"])


class SpeakerAnswer(AnswerModel):
    """Speaker in the registry."""

    account: str
    category: SpeakerCategory
    name: str
    basis: str = Field(description="Why the account is in the registry.")
    actor: str
    reason: str
    at_ms: Millis


class SpeakersAnswer(AnswerModel):
    """Page of the registry."""

    items: list[SpeakerAnswer]
    next: NextCursor


@router.get("/speakers", openapi_extra=needs("speakers"), response_model=SpeakersAnswer)
async def speakers(
    request: Request,
    category: SpeakerCategory | None = None,
    account: Annotated[str | None, Query(pattern=r"^[0-9]{1,20}$", description="Account id.")] = None,
    name: Annotated[str | None, Query(max_length=100, description="Part of the name, in any case.")] = None,
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the protected speakers by account."""
    register = (await services_of(request).orders.refresh()).speakers.values()
    part = (name or "").casefold()
    matches = [
        speaker
        for speaker in register
        if category in (None, speaker.category)
        and account in (None, speaker.account)
        and part in speaker.name.casefold()
    ]
    page, following = page_of(
        matches,
        key=lambda speaker: (int(speaker.account), speaker.account),
        order="speakers",
        cursor=cursor,
        size=limit,
    )
    items = [{field: getattr(speaker, field) for field in SpeakerAnswer.model_fields} for speaker in page]
    return JsonReply(page_answer(items, following))
