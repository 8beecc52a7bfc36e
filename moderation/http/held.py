"""Route of what is held back now."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import JsonReply
from moderation.access.bodies import CountryQuery
from moderation.access.paging import CursorQuery, PageSize, page_of
from moderation.access.services import services_of
from moderation.answers import HiddenList, NextCursor
from moderation.views.held import HeldItemAnswer, HeldSort, held_for, held_view, sort_key
from streams.actions import HIDING
from streams.answers import AnswerModel, Millis

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])


class HeldAnswer(AnswerModel):
    """Page of what is held back now."""

    items: list[HeldItemAnswer]
    next: NextCursor
    hashtags: int = Field(description="Distinct hashtags on all pages.")
    at_ms: Millis
    blinded: HiddenList


@router.get("/held", openapi_extra=needs("read"), response_model=HeldAnswer)
async def held_now(
    request: Request,
    country: CountryQuery = None,
    source: Literal["automated", "human", "legal"] | None = None,
    category: Annotated[str | None, Query(max_length=80)] = None,
    hidden: Annotated[bool | None, Query(description="true: hidden ones; false: those ranked lower.")] = None,
    sort: Annotated[
        HeldSort,
        Query(description="`reach`: most tweets first; `ends`: next to lapse first. Only `hashtag` keeps its places."),
    ] = "hashtag",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the hashtags that are held back now, by the logs: a row for each source, country and category."""
    services = services_of(request)
    at_ms = services.moderation.now_ms()
    all_held, hidden_tags = await held_for(request, at_ms)
    matches = [
        held
        for held in all_held
        if country in (None, held.register.country)
        and source in (None, held.register.source)
        and category in (None, held.register.category)
        and hidden in (None, held.register.action in HIDING)
    ]
    page, following = page_of(
        matches,
        key=lambda held: sort_key(held, sort, services.reviews.automated),
        order=f"held {sort}",
        cursor=cursor,
        size=limit,
    )
    items = [held_view(held, show_legal=may(request, "orders")) for held in page]
    tags = len({held.register.hashtag for held in matches})
    return JsonReply(HeldAnswer(items=items, next=following, hashtags=tags, at_ms=at_ms, blinded=sorted(hidden_tags)))
