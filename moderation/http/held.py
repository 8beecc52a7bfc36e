"""Route of what is held back now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from hushtag_client.registers import ANY_HASHTAG, WORLD, Register
from hushtag_client.resolution import candidates, winner
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import AnswerModel, BlindedList, JsonReply, Millis, NextCursor
from moderation.access.blinding import blinded_for, blinded_list
from moderation.access.bodies import CountryQuery
from moderation.access.paging import CursorQuery, PageSize, page_answer, page_of
from moderation.access.services import services_of
from streams.actions import FLAGGING, HIDING
from streams.constants import DAY_MS
from streams.flags.decision_fold import DecisionFold
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.policy.names import RESERVED_SURFACES

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])
HeldSort = Literal["hashtag", "since", "-since", "ends"]


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
    blinded: BlindedList


@dataclass(slots=True)
class HeldRegister:
    """Hashtag that one source holds back in a country, and the surfaces on which it does."""

    register: Register
    surfaces: list[str]


@router.get("/held", openapi_extra=needs("read"), response_model=HeldAnswer)
async def held_now(
    request: Request,
    country: CountryQuery = None,
    source: Literal["automated", "human", "legal"] | None = None,
    category: Annotated[str | None, Query(max_length=80)] = None,
    hidden: Annotated[bool | None, Query(description="true: hidden ones; false: those ranked lower.")] = None,
    sort: Annotated[HeldSort, Query(description="`ends`: the next to lapse first.")] = "hashtag",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the hashtags that are held back now, by the logs: a row for each source, country and category."""
    services, blinded = services_of(request), await blinded_for(request)
    at_ms = services.moderation.now_ms()
    await services.reviews.refresh()
    found = [
        one
        for one in held_tags(services.reviews.automated.latest.values(), services.moderation.view, at_ms)
        if one.register.hashtag not in blinded
        and country in (None, one.register.country)
        and source in (None, one.register.source)
        and category in (None, one.register.category)
        and hidden in (None, one.register.action in HIDING)
    ]
    page, following = page_of(
        found,
        key=lambda one: _key(one, sort),
        order=f"held {sort}",
        cursor=cursor,
        size=limit,
        descending=sort == "-since",
    )
    items = [_row(one, show_legal=may(request, "orders")) for one in page]
    tags = len({one.register.hashtag for one in found})
    return JsonReply(page_answer(items, following, hashtags=tags, at_ms=at_ms, **blinded_list(blinded)))


def held_tags(
    decisions: Iterable[Decision], people: OverrideHistory, at_ms: int, *, stops: bool = True, viewers: str = ""
) -> list[HeldRegister]:
    """Resolve all registers of the logs, and group those that win by what they say.

    Args:
        decisions: latest automated decision of each hashtag and country.
        people: people's decisions.
        at_ms: the moment, Unix time in ms.
        stops: False: as if no stop button were pressed.
        viewers: country whose viewers alone count; "": each register counts where it was decided.
    """
    fold = DecisionFold(longest_expiry_ms=DAY_MS, max_broker_skew_ms=0)
    registers = [one for decision in decisions for one in fold.apply(decision)]
    people.fold.expire(at_ms)
    registers += [one for one in people.fold.registers() if stops or one.hashtag != ANY_HASHTAG]
    of_place: dict[tuple[str, str], list[Register]] = {}
    for one in registers:
        of_place.setdefault((one.hashtag, one.surface), []).append(one)
    groups: dict[tuple[Any, ...], HeldRegister] = {}
    for one in registers:
        if one.hashtag == ANY_HASHTAG or one.surface in RESERVED_SURFACES or not one.in_force(at_ms):
            continue
        if one.action not in FLAGGING:
            continue
        place = viewers or one.country
        if one.country not in (place, WORLD):
            continue
        pressed = candidates(of_place.get((ANY_HASHTAG, one.surface), ()), place)
        if winner(candidates(of_place[one.hashtag, one.surface], place), pressed, at_ms) != one:
            continue
        key = (one.hashtag, one.country, one.source, one.action, one.category, one.version)
        groups.setdefault(key, HeldRegister(one, [])).surfaces.append(one.surface)
    return list(groups.values())


def _key(one: HeldRegister, sort: HeldSort) -> tuple[str | int, ...]:
    register = one.register
    name = (register.hashtag, register.country, register.source, register.action, register.category, register.version)
    if sort == "ends":
        return (register.expires_at_ms or 2**53, *name)
    return name if sort == "hashtag" else (register.decided_at_ms, *name)


def _row(one: HeldRegister, *, show_legal: bool) -> dict[str, Any]:
    register = one.register
    return {
        "hashtag": register.hashtag,
        "display": register.display or register.hashtag,
        "country": register.country,
        "surfaces": sorted(one.surfaces),
        "action": register.action,
        "hidden": register.action in HIDING,
        "source": register.source,
        "category": register.category,
        "since_ms": register.decided_at_ms,
        "expires_at_ms": register.expires_at_ms,
        "provisional": register.provisional,
        "actor": register.actor if show_legal or register.source != "legal" else "",
    }
