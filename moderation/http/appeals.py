"""Routes of appeals: list, file and decide."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for, refuse_hidden
from moderation.access.bodies import AppealBody, EndBody, HashtagQuery, IdempotencyKey
from moderation.access.paging import CursorQuery, PageSize, page_of
from moderation.access.problems import RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.domain.appeals.answers import AppealAnswer, AppealEndedAnswer, AppealsAnswer
from moderation.domain.appeals.appeals import A_WEEK, find_restriction
from moderation.domain.appeals.fold import AppealStatus, appeal_place, visible_appeals
from moderation.domain.appeals.records import Appeal
from moderation.domain.appeals.view import appeal_view, ended_view

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["appeals"])
AppealPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.get("/appeals", openapi_extra=needs("read"), response_model=AppealsAnswer)
async def appeals(
    request: Request,
    state: Literal["open", "decided", "all"] = "open",
    hashtag: HashtagQuery = None,
    against: Annotated[
        Literal["order", "automated_or_person"] | None, Query(description="What the appeal contests.")
    ] = None,
    sort: Annotated[
        Literal["work", "at", "-at"],
        Query(description="`work`: oldest open, then last decided first; `at`: by time; `-` for the latest first."),
    ] = "work",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the appeals; only the legal team sees those against orders."""
    reviews, hidden_tags = services_of(request).reviews, await hidden_hashtags_for(request)
    await reviews.refresh()
    matches = [
        status
        for status in visible_appeals(reviews.fold, hidden_tags, show_orders=may(request, "orders"))
        if state in ("all", "open" if status.outcome is None else "decided")
        and hashtag in (None, status.appeal.hashtag)
        and against in (None, "order" if status.appeal.order else "automated_or_person")
    ]
    page, following = page_of(
        matches,
        key=lambda status: appeal_place(status) if sort == "work" else (status.appeal.at_ms, status.appeal.id),
        order=f"appeals {sort}",
        cursor=cursor,
        size=limit,
        descending=sort == "-at",
    )
    return JsonReply(
        AppealsAnswer(items=[appeal_view(status) for status in page], next=following, blinded=sorted(hidden_tags))
    )


@router.post("/appeals", openapi_extra=needs("appeals"), response_model=AppealAnswer, status_code=201)
async def file_appeal(request: Request, body: AppealBody, idempotency_key: IdempotencyKey) -> Response:
    """File an appeal against a restriction; the identity of the appellant stays in your case system."""
    reviews = services_of(request).reviews

    async def work(actor: str) -> AppealAnswer:
        contested = await reviews.restriction(body.reference)
        restriction = contested.restriction
        await refuse_hidden(request, restriction.target, actor)
        check_rights(request, country=restriction.country, categories={restriction.category} - {""})
        filed = await reviews.appeal(body.reference, actor=actor, reason=body.reason, contested=contested)
        return appeal_view(AppealStatus(filed))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post(
    "/appeals/{appeal}/outcome", openapi_extra=needs("appeals"), response_model=AppealEndedAnswer, status_code=201
)
async def end_appeal(request: Request, appeal: AppealPath, body: EndBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide an appeal; the person who took the contested decision may not. `overturn` reverses it.

    If nothing of the restriction is in force, the appeal still ends, and `ended` gives the reason.

    The legal team decides appeals against legal orders, moderators all others.
    """
    reviews = services_of(request).reviews

    async def work(actor: str) -> AppealEndedAnswer:
        await reviews.refresh()
        status = reviews.fold.appeals.get(appeal)
        if status is not None and not may(request, _judges(status.appeal)):
            team = "the legal team" if status.appeal.order else "moderators"
            raise RefusedCall("forbidden", f"only {team} may decide this appeal", f"ask {team}")
        if status is not None:
            await _check_rights(request, status.appeal, actor, body.verdict)
        return ended_view(await reviews.end_appeal(appeal, body.verdict, actor=actor, reason=body.reason))

    return await write_once(request, idempotency_key, body.actor, work)


async def _check_rights(request: Request, appeal: Appeal, actor: str, verdict: str) -> None:
    """Check country, category and effect of the end, as far as any of the restriction is in force."""
    services, permission = services_of(request), _judges(appeal)
    await refuse_hidden(request, appeal.hashtag, actor)
    moderation = services.moderation
    contested = find_restriction(appeal.case, services.reviews.automated, moderation.view, moderation.now_ms())
    if contested is None:
        check_rights(request, country=appeal.order[:2] or None, permission=permission)
        return
    restriction = contested.restriction
    allows = verdict == "overturn" and contested.record is None and contested.order is None
    check_rights(
        request,
        country=restriction.country,
        categories={restriction.category} - {""},
        lasts_ms=A_WEEK.lasts_ms if allows else None,
        permission=permission,
    )


def _judges(appeal: Appeal) -> Literal["orders", "decide"]:
    """Return the permission to decide an appeal: one grant must have it with the rights."""
    return "orders" if appeal.order else "decide"
