"""Routes of one order next to its decisions: notes, assignment, and publication."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for
from moderation.access.bodies import IdempotencyKey, OrderPath
from moderation.access.rights import check_rights
from moderation.access.services import present_ms, services_of
from moderation.domain.orders.answers import OrderAnswer
from moderation.domain.orders.view import order_view
from moderation.domain.publication import OrderPublishedAnswer, wait_order_published
from moderation.http.order_bodies import OrderNoteBody
from streams.orders.fold import OrderFold
from streams.orders.order import Order
from streams.settings import load_settings

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["orders"])


async def order_answer(request: Request, order: Order, fold: OrderFold) -> OrderAnswer:
    """Describe an order; a waiting amendment names targets, so a caller who reviews a hashtag blind does not get it."""
    answer = order_view(order, fold, present_ms(request))
    if answer.amendment and await hidden_hashtags_for(request):
        return answer.model_copy(update={"amendment": None})
    return answer


@router.post("/orders/{order}/notes", openapi_extra=needs("orders"), response_model=OrderAnswer, status_code=201)
async def note(request: Request, order: OrderPath, body: OrderNoteBody, idempotency_key: IdempotencyKey) -> Response:
    """Add a note to an order, or assign it to a person; neither is published."""
    orders = services_of(request).orders

    async def work(actor: str) -> OrderAnswer:
        check_rights(request, country=order[:2])
        await orders.refresh()
        legal_order = await orders.note(order, actor=actor, text=body.reason.strip(), assignee=body.assignee)
        return await order_answer(request, legal_order, orders.fold)

    return await write_once(request, idempotency_key, body.actor, work)


@router.get("/orders/{order}/published", openapi_extra=needs("orders"), response_model=OrderPublishedAnswer)
async def published(
    request: Request,
    order: OrderPath,
    wait: Annotated[float, Query(ge=0, le=10, description="Seconds to wait for the surfaces.")] = 5.0,
) -> Response:
    """Wait until the surfaces show the last step or ruling of an order."""
    orders = services_of(request).orders
    offset, record = (await orders.find(order)).history[-1]
    changes = orders.changes_surfaces(offset)
    publication = await wait_order_published(
        load_settings(), offset, recorded_ms=record.at_ms, changes=changes, wait_seconds=wait, clock=orders.now_ms
    )
    return JsonReply(publication)
