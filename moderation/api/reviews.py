"""Routes: the review queue, and appeals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from moderation.api.access import Guarded, actor_of, may, needs, once
from moderation.api.answers import Json, Refused
from moderation.api.bodies import AppealBody, EndBody, ReleaseBody, VerdictBody
from moderation.api.people import Key, desks
from moderation.api.replays import Answer
from moderation.drafts import expiry_of
from moderation.review.book import Appealed, open_appeals
from moderation.review.view import appeal_as_dict, done_as_dict, item_as_dict, quality_as_dict
from streams.clock import now_ms

router = APIRouter(prefix="/v1", route_class=Guarded, default_response_class=Json)
Item = Annotated[str, Path(pattern=r"^hushtag-[0-9a-f]{24}$")]
AppealId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.get("/reviews", openapi_extra=needs("decide"), tags=["reviews"])
async def queue(request: Request) -> dict[str, Any]:
    """What waits for a verdict. Second looks are blind."""
    waiting = await desks(request).reviews.queue()
    return {"items": [item_as_dict(item, progress, now_ms()) for item, progress in waiting]}


@router.get("/reviews/agreement", openapi_extra=needs("read"), tags=["reviews"])
async def agreement(request: Request) -> dict[str, Any]:
    """How well reviewers of the sample agree, and how often they find a suppression wrong."""
    reviews = desks(request).reviews
    await reviews.refresh()
    return quality_as_dict(reviews.book)


@router.post("/reviews/{item}/claim", openapi_extra=needs("decide"), tags=["reviews"], status_code=201)
async def claim(request: Request, item: Item, body: ReleaseBody, idempotency_key: Key) -> Response:
    """Take an item to look at, for half an hour."""
    who = actor_of(request, body.actor)

    async def work() -> Answer:
        found = await desks(request).reviews.claim(item, actor=who)
        return Answer(201, found.as_dict())

    return await once(request, idempotency_key, work)


@router.post("/reviews/{item}/release", openapi_extra=needs("decide"), tags=["reviews"], status_code=201)
async def release(request: Request, item: Item, body: ReleaseBody, idempotency_key: Key) -> Response:
    """Give an item back undecided."""
    who = actor_of(request, body.actor)

    async def work() -> Answer:
        await desks(request).reviews.release(item, actor=who)
        return Answer(201, {"id": item})

    return await once(request, idempotency_key, work)


@router.post("/reviews/{item}/verdict", openapi_extra=needs("decide"), tags=["reviews"], status_code=201)
async def verdict(request: Request, item: Item, body: VerdictBody, idempotency_key: Key) -> Response:
    """Decide on an item that you have claimed."""
    who = actor_of(request, body.actor)

    async def work() -> Answer:
        done = await desks(request).reviews.decide(
            item,
            body.verdict,
            actor=who,
            reason=body.reason,
            expires_at_ms=expiry_of(body.lasts, None, "7d", now_ms()),
        )
        return Answer(201, done_as_dict(done))

    return await once(request, idempotency_key, work)


@router.get("/appeals", openapi_extra=needs("read"), tags=["appeals"])
async def appeals(request: Request, everything: bool = False) -> dict[str, Any]:
    """The appeals, the oldest first; those against what an order holds are the legal team's."""
    reviews = desks(request).reviews
    await reviews.refresh()
    known = [one for one in reviews.book.appeals.values() if may(request, "orders") or not one.appeal.order]
    return {"items": [appeal_as_dict(one) for one in (known if everything else open_appeals(known))]}


@router.post("/appeals", openapi_extra=needs("appeals"), tags=["appeals"], status_code=201)
async def file_appeal(request: Request, body: AppealBody, idempotency_key: Key) -> Response:
    """Take in an appeal against a restriction. Who appeals stays with your case system."""
    who = actor_of(request, body.actor)

    async def work() -> Answer:
        filed = await desks(request).reviews.appeal(body.reference, actor=who, reason=body.reason)
        return Answer(201, appeal_as_dict(Appealed(filed)))

    return await once(request, idempotency_key, work)


@router.post("/appeals/{appeal}/outcome", openapi_extra=needs("appeals"), tags=["appeals"], status_code=201)
async def end_appeal(request: Request, appeal: AppealId, body: EndBody, idempotency_key: Key) -> Response:
    """Decide on an appeal; not by whoever took the decision. `overturn` reverses it.

    Where nothing is left of it, the appeal ends all the same, and `ended` says why.

    What a legal order holds is the legal team's to decide on, everything else the moderators'.
    """
    who = actor_of(request, body.actor)

    async def work() -> Answer:
        reviews = desks(request).reviews
        await reviews.refresh()
        appealed = reviews.book.appeals.get(appeal)
        if appealed is not None and not may(request, "orders" if appealed.appeal.order else "decide"):
            whose = "the legal team's" if appealed.appeal.order else "the moderators'"
            raise Refused(403, "forbidden", f"this appeal is {whose} to decide on")
        done = await desks(request).reviews.end_appeal(appeal, body.verdict, actor=who, reason=body.reason)
        return Answer(201, done_as_dict(done))

    return await once(request, idempotency_key, work)
