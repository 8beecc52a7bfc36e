"""Routes of the review queue and appeals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from moderation.api.access import GuardedRoute, may, needs, write_once
from moderation.api.answers import JsonReply, RefusedCall
from moderation.api.bodies import AppealBody, EndBody, IdempotencyKey, ReleaseBody, VerdictBody
from moderation.api.services import services_of
from moderation.drafts import expiry_of
from moderation.review.fold import AppealStatus, open_appeals
from moderation.review.view import appeal_as_dict, item_as_dict, quality_as_dict, result_as_dict
from streams.clock import now_ms

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply)
ItemPath = Annotated[str, Path(pattern=r"^hushtag-[0-9a-f]{24}$")]
AppealPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.get("/reviews", openapi_extra=needs("decide"), tags=["reviews"])
async def queue(request: Request) -> dict[str, Any]:
    """List the items that need a verdict; second looks hide numbers and other verdicts."""
    waiting = await services_of(request).reviews.queue()
    return {"items": [item_as_dict(item, progress, now_ms()) for item, progress in waiting]}


@router.get("/reviews/agreement", openapi_extra=needs("read"), tags=["reviews"])
async def agreement(request: Request) -> dict[str, Any]:
    """Return how well reviewers of the sample agree, and how often they overturn a suppression."""
    reviews = services_of(request).reviews
    await reviews.refresh()
    return quality_as_dict(reviews.fold)


@router.post("/reviews/{item}/claim", openapi_extra=needs("decide"), tags=["reviews"], status_code=201)
async def claim(request: Request, item: ItemPath, body: ReleaseBody, idempotency_key: IdempotencyKey) -> Response:
    """Claim an item for half an hour."""
    reviews = services_of(request).reviews

    async def work(actor: str) -> dict[str, Any]:
        return (await reviews.claim(item, actor=actor)).as_dict()

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/reviews/{item}/release", openapi_extra=needs("decide"), tags=["reviews"], status_code=201)
async def release(request: Request, item: ItemPath, body: ReleaseBody, idempotency_key: IdempotencyKey) -> Response:
    """Give up a claim without a verdict."""
    reviews = services_of(request).reviews

    async def work(actor: str) -> dict[str, Any]:
        await reviews.release(item, actor=actor)
        return {"id": item}

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/reviews/{item}/verdict", openapi_extra=needs("decide"), tags=["reviews"], status_code=201)
async def verdict(request: Request, item: ItemPath, body: VerdictBody, idempotency_key: IdempotencyKey) -> Response:
    """Give a verdict on an item that you have claimed."""
    reviews = services_of(request).reviews

    async def work(actor: str) -> dict[str, Any]:
        expires_at_ms = expiry_of(body.lasts, None, "7d", now_ms())
        result = await reviews.decide(item, body.verdict, actor=actor, reason=body.reason, expires_at_ms=expires_at_ms)
        return result_as_dict(result)

    return await write_once(request, idempotency_key, body.actor, work)


@router.get("/appeals", openapi_extra=needs("read"), tags=["appeals"])
async def appeals(request: Request, everything: bool = False) -> dict[str, Any]:
    """List the appeals, oldest first; only the legal team sees those against orders."""
    reviews = services_of(request).reviews
    await reviews.refresh()
    known = [one for one in reviews.fold.appeals.values() if may(request, "orders") or not one.appeal.order]
    return {"items": [appeal_as_dict(one) for one in (known if everything else open_appeals(known))]}


@router.post("/appeals", openapi_extra=needs("appeals"), tags=["appeals"], status_code=201)
async def file_appeal(request: Request, body: AppealBody, idempotency_key: IdempotencyKey) -> Response:
    """File an appeal against a restriction; the identity of the appellant stays in your case system."""
    reviews = services_of(request).reviews

    async def work(actor: str) -> dict[str, Any]:
        filed = await reviews.appeal(body.reference, actor=actor, reason=body.reason)
        return appeal_as_dict(AppealStatus(filed))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/appeals/{appeal}/outcome", openapi_extra=needs("appeals"), tags=["appeals"], status_code=201)
async def end_appeal(request: Request, appeal: AppealPath, body: EndBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide an appeal; the person who took the contested decision may not. `overturn` reverses it.

    If nothing of the restriction is in force, the appeal still ends, and `ended` gives the reason.

    The legal team decides appeals against legal orders, moderators all others.
    """
    reviews = services_of(request).reviews

    async def work(actor: str) -> dict[str, Any]:
        await reviews.refresh()
        status = reviews.fold.appeals.get(appeal)
        if status is not None and not may(request, "orders" if status.appeal.order else "decide"):
            team = "the legal team" if status.appeal.order else "moderators"
            raise RefusedCall(403, "forbidden", f"only {team} may decide this appeal")
        return result_as_dict(await reviews.end_appeal(appeal, body.verdict, actor=actor, reason=body.reason))

    return await write_once(request, idempotency_key, body.actor, work)
