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
from moderation.views.held import HeldRegister, HeldSort, held_for, sort_key
from streams.actions import HIDING
from streams.answers import AnswerModel, Millis

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])


class HeldItemAnswer(AnswerModel):
    """Hashtag that one source holds back in a country."""

    hashtag: str
    display: str
    country: str = Field(description="ISO 3166-1 alpha-2, or `*`.")
    surfaces: list[str]
    action: str = Field(description="`suppress`, `block`, `hold`, ... hide it; `discount` lowers its rank.")
    hidden: bool = Field(description="Whether it is hidden, and not only ranked lower.")
    source: Literal["automated", "human", "legal"]
    category: str
    since_ms: Millis
    expires_at_ms: int = Field(description="End in Unix time in ms; 0: until revoked.")
    provisional: bool = Field(description="Decided early; a settled window confirms or withdraws it.")
    actor: str = Field(description="Empty for a legal order, unless you may read orders.")


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
    ] = "reach",
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
    items = [_row(held, show_legal=may(request, "orders")) for held in page]
    tags = len({held.register.hashtag for held in matches})
    return JsonReply(HeldAnswer(items=items, next=following, hashtags=tags, at_ms=at_ms, blinded=sorted(hidden_tags)))


def _row(held: HeldRegister, *, show_legal: bool) -> HeldItemAnswer:
    register = held.register
    return HeldItemAnswer(
        hashtag=register.hashtag,
        display=register.display or register.hashtag,
        country=register.country,
        surfaces=sorted(held.surfaces),
        action=register.action,
        hidden=register.action in HIDING,
        source=register.source,
        category=register.category,
        since_ms=register.decided_at_ms,
        expires_at_ms=register.expires_at_ms,
        provisional=register.provisional,
        actor=register.actor if show_legal or register.source != "legal" else "",
    )
