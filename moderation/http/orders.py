"""Routes of legal orders, for the legal team."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import refuse_while_blind
from moderation.access.bodies import CountryQuery, IdempotencyKey, OrderPath
from moderation.access.paging import CursorQuery, PageSize, page_of
from moderation.access.problems import Fault, RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import present_ms, services_of
from moderation.domain.orders.answers import (
    NoticeAnswer,
    OrderAnswer,
    OrdersAnswer,
    RulingAnswer,
    TargetsAnswer,
)
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import UNTIL_REVOKED
from moderation.domain.orders.shown_outcomes import SHOWN_OUTCOMES, ShownOutcome
from moderation.domain.orders.view import ruling_view, target_view, urgency_of
from moderation.http.order_bodies import RulingBody, StepBody
from moderation.http.order_details import order_answer
from moderation.log.drafts import End, moment_ms
from moderation.outward.statements.lumen import NoticeType, lumen_notice, order_request
from streams.orders.order import Order, due_place
from streams.orders.records import OrderState, TargetKind

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["orders"])


@router.get("/orders", openapi_extra=needs("orders"), response_model=OrdersAnswer)
async def list_orders(
    request: Request,
    state: OrderState | None = None,
    country: CountryQuery = None,
    authority: Annotated[str | None, Query(max_length=400, description="Part of its name, in any case.")] = None,
    overdue: Annotated[bool | None, Query(description="Whether its clock has run out.")] = None,
    sort: Annotated[
        Literal["due", "received", "-received"],
        Query(description="`due`: earliest due, then last changed first."),
    ] = "due",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the orders, the earliest due first."""
    fold, at_ms = await services_of(request).orders.refresh(), present_ms(request)
    part = (authority or "").casefold()
    matches = [
        order
        for order in fold.by_id.values()
        if state in (None, order.state)
        and country in (None, order.received.country)
        and part in order.received.authority.casefold()
        and overdue in (None, urgency_of(order, at_ms) == "overdue")
    ]

    def key(order: Order) -> tuple[int | str, ...]:
        return due_place(order) if sort == "due" else (order.received.received_ms, order.id)

    page, following = page_of(
        matches, key=key, order=f"orders {sort}", cursor=cursor, size=limit, descending=sort == "-received"
    )
    return JsonReply(OrdersAnswer(items=[await order_answer(request, order, fold) for order in page], next=following))


@router.get("/orders/{order}", openapi_extra=needs("orders"), response_model=OrderAnswer)
async def show(request: Request, order: OrderPath) -> Response:
    """Return an order with its state and history."""
    orders = services_of(request).orders
    return JsonReply(await order_answer(request, await orders.find(order), orders.fold))


@router.get("/orders/{order}/targets", openapi_extra=needs("orders"), response_model=TargetsAnswer)
async def targets(
    request: Request,
    order: OrderPath,
    kind: TargetKind | None = None,
    outcome: Annotated[
        ShownOutcome | Literal["undecided", "waiting"] | None,
        Query(description="Present outcome; `waiting`: waits for a second person; `undecided`: neither."),
    ] = None,
    protected: Annotated[bool | None, Query(description="Whether it is a protected speaker.")] = None,
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the targets of an order by number, with their outcomes."""
    await refuse_while_blind(request)
    orders = services_of(request).orders
    fold = await orders.refresh()
    legal_order = orders.get(order)
    selection = Selection(
        kinds=(kind,) if kind else (),
        outcomes=(outcome,) if outcome in SHOWN_OUTCOMES else (),
        undecided=outcome == "undecided",
        waiting=outcome == "waiting",
        protected=protected,
    )
    page, following = page_of(
        selection.rows(legal_order, fold), key=lambda row: (row.number,), order="targets", cursor=cursor, size=limit
    )
    return JsonReply(TargetsAnswer(items=[target_view(legal_order, row, fold) for row in page], next=following))


@router.get("/orders/{order}/notice", openapi_extra=needs("orders"), response_model=NoticeAnswer)
async def notice(
    request: Request,
    order: OrderPath,
    recipient: Annotated[str, Query(min_length=1, max_length=200)],
    site: Annotated[str, Query(pattern=r"^https://[^\s]{1,200}$")],
    type: Annotated[NoticeType, Query(description="`CourtOrder` where a court issued it.")] = "GovernmentRequest",
    principal: Annotated[str, Query(max_length=200, description="Body for which the authority acts.")] = "",
) -> Response:
    """Return the order as a Lumen notice; a confidential order gives only its numbers."""
    await refuse_while_blind(request)
    order_facts = order_request(await services_of(request).orders.find(order), present_ms(request))
    where = site.rstrip("/")
    return JsonReply(lumen_notice(order_facts, recipient=recipient, site=where, notice_type=type, principal=principal))


@router.post("/orders/{order}/steps", openapi_extra=needs("orders"), response_model=OrderAnswer, status_code=201)
async def step(request: Request, order: OrderPath, body: StepBody, idempotency_key: IdempotencyKey) -> Response:
    """Move an order to its next state; interim and final put its outcomes in force."""
    orders = services_of(request).orders

    async def work(actor: str) -> OrderAnswer:
        check_rights(request, country=order[:2])
        end = End(expires_at_ms=moment_ms(body.until)) if body.until is not None else UNTIL_REVOKED
        await orders.refresh()
        legal_order = await orders.step(
            order,
            body.to,
            actor=actor,
            reason=body.reason,
            end=end,
            ground=body.ground,
            expected=body.if_version,
        )
        return await order_answer(request, legal_order, orders.fold)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/orders/{order}/rulings", openapi_extra=needs("orders"), response_model=RulingAnswer, status_code=201)
async def rule(request: Request, order: OrderPath, body: RulingBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide on all targets that match the filters, in one record; protected speakers need two people."""
    services = services_of(request)

    async def work(actor: str) -> RulingAnswer:
        selection = Selection(
            kinds=tuple(body.kinds),
            targets=tuple(body.targets),
            outcomes=tuple(body.outcomes),
            undecided=body.undecided,
            waiting=body.waiting,
            protected=body.protected,
            categories=tuple(body.categories),
            first=body.first,
        )
        if selection == Selection() and not body.everything:
            fault = Fault("no targets are selected", "#/everything")
            raise RefusedCall("mistake", fault.detail, "give a filter, or everything: true", errors=[fault])
        check_rights(request, country=order[:2])
        await refuse_while_blind(request, actor)  # what it leaves out or replaces is a state
        await services.orders.refresh()
        applied = await services.orders.rule(
            order,
            selection,
            body.outcome,
            actor=actor,
            reason=body.reason,
            ground=body.ground,
            against_protected=body.against_protected,
            surfaces=(await services.names()).select_surfaces(body.surfaces),
            expected=body.if_version,
            dry_run=body.dry_run,
        )
        return ruling_view(applied.order, applied.plan, dry_run=body.dry_run)

    return await write_once(request, idempotency_key, body.actor, work)
