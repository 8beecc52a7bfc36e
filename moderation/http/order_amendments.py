"""Routes of amendments: an authority's corrected list, proposed by one person and approved by a second."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import refuse_while_blind
from moderation.access.bodies import IdempotencyKey, OrderPath
from moderation.access.problems import MOST_FAULTS, Fault, RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import present_ms, services_of
from moderation.domain.orders.amendment_plan import head_of
from moderation.domain.orders.answers import AmendmentPlanAnswer, OrderAnswer
from moderation.domain.orders.intake import parse_targets
from moderation.domain.orders.intake_plan import OrderDraft
from moderation.domain.orders.intake_text import targets_written, text_lines
from moderation.http.order_bodies import AmendmentBody, AmendmentVerdictBody
from moderation.http.order_details import order_answer
from moderation.http.order_intake import handles_for
from moderation.log.drafts import moment_ms
from moderation.wording import counted
from streams.orders.order import Order

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["orders"])
AmendmentPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.post(
    "/orders/{order}/amendments", openapi_extra=needs("orders"), response_model=AmendmentPlanAnswer, status_code=201
)
async def amend(request: Request, order: OrderPath, body: AmendmentBody, idempotency_key: IdempotencyKey) -> Response:
    """Propose what an authority's corrected list adds, drops and extends; a second person must approve it."""
    orders = services_of(request).orders

    async def work(actor: str) -> AmendmentPlanAnswer:
        check_rights(request, country=order[:2])
        await refuse_while_blind(request, actor)  # what it drops or knows is a state
        await orders.refresh()
        plan = await orders.amend(
            order,
            await _draft(request, orders.get(order), body.add),
            targets_written(text_lines(body.drop, "drop")) if body.drop.strip() else (),
            actor=actor,
            reason=body.reason,
            expires_at_ms=moment_ms(body.until) if body.until else 0,
            expected=body.if_version,
            dry_run=body.dry_run,
        )
        legal_order = orders.get(order)
        waiting = legal_order.amendment.record.id if legal_order.amendment is not None and not body.dry_run else ""
        return AmendmentPlanAnswer(
            order=order,
            version=legal_order.version,
            dry_run=body.dry_run,
            amendment=waiting,
            **dict(plan.effect()),
        )

    return await write_once(request, idempotency_key, body.actor, work)


@router.post(
    "/orders/{order}/amendments/{amendment}/verdict",
    openapi_extra=needs("orders"),
    response_model=OrderAnswer,
    status_code=201,
)
async def answer(
    request: Request,
    order: OrderPath,
    amendment: AmendmentPath,
    body: AmendmentVerdictBody,
    idempotency_key: IdempotencyKey,
) -> Response:
    """Approve an amendment as a second person, which puts it in force, or refuse it."""
    orders = services_of(request).orders

    async def work(actor: str) -> OrderAnswer:
        check_rights(request, country=order[:2])
        await refuse_while_blind(request, actor)
        await orders.refresh()
        legal_order = await orders.answer_amendment(
            order, body.verdict, actor=actor, reason=body.reason, amendment=amendment, expected=body.if_version
        )
        return await order_answer(request, legal_order, orders.fold)

    return await write_once(request, idempotency_key, body.actor, work)


async def _draft(request: Request, order: Order, text: str) -> OrderDraft:
    """Read the targets to add, with the accounts of their handles; one bad row refuses all."""
    head = head_of(order)
    if not text.strip():
        return OrderDraft(head)
    lines = await asyncio.to_thread(lambda: list(text_lines(text, "add")))
    handles = await handles_for(lines, "#/add", f"hushtag orders amend {order.id} --add FILE")
    parsed = await asyncio.to_thread(parse_targets, lines, head, present_ms(request), handles)
    if parsed.problems:
        faults = [Fault(str(problem), "#/add") for problem in islice(parsed.problems, MOST_FAULTS)]
        detail = f"{counted(len(parsed.problems), 'row')} cannot be used: {faults[0].detail}"
        raise RefusedCall("mistake", detail, "correct the rows; nothing was written", errors=faults)
    return next(iter(parsed.drafts), OrderDraft(head))
