"""Routes of legal orders, for the legal team."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from moderation.api.access import GuardedRoute, needs, write_once
from moderation.api.answers import JsonReply
from moderation.api.bodies import IdempotencyKey, IntakeBody, LimitQuery, RulingBody, StepBody
from moderation.api.services import services_of
from moderation.drafts import moment_ms
from moderation.orders.intake import parse_json
from moderation.orders.selection import Selection
from moderation.orders.view import case_as_dict, plan_as_dict, row_as_dict, ruling_as_dict
from moderation.statements.lumen import lumen_notice, order_request
from moderation.wording import counted
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.orders.records import OrderState

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["orders"])
OrderPath = Annotated[str, Path(pattern=r"^[A-Z]{2}-[0-9a-f]{10}$")]


@router.get("/orders", openapi_extra=needs("orders"))
async def list_orders(request: Request, state: OrderState | None = None, limit: LimitQuery = 100) -> dict[str, Any]:
    """List the orders, the earliest due first."""
    cases = await services_of(request).orders.refresh()
    found = [case for case in cases.cases.values() if state in (None, case.state)]
    found.sort(key=lambda case: (case.due_ms is None, case.due_ms or 0, case.id))
    return {"items": [case_as_dict(case, cases, now_ms()) for case in found[:limit]], "more": len(found) > limit}


@router.post("/orders", openapi_extra=needs("orders"), status_code=201)
async def take_in(request: Request, body: IntakeBody, idempotency_key: IdempotencyKey) -> Response:
    """Import an order; a repeated one is recognised. Unusable targets are reported, the others imported."""
    orders = services_of(request).orders

    async def work(actor: str) -> dict[str, Any]:
        parsed = parse_json(json.dumps(body.cells()).encode(), "body", {}, now_ms())
        problems = [problem.as_dict() for problem in parsed.problems]
        if problems and (body.strict or not parsed.drafts):
            unusable = counted(len(problems), "target")
            raise CallerMistake(f"{unusable} cannot be used: {parsed.problems[0]}", fix="correct them")
        plans = await orders.take_in(parsed.drafts, actor=actor)
        return {"orders": [plan_as_dict(one) for one in plans], "problems": problems, "notes": list(parsed.notes)}

    return await write_once(request, idempotency_key, body.actor, work)


@router.get("/orders/{order}", openapi_extra=needs("orders"))
async def show(request: Request, order: OrderPath) -> dict[str, Any]:
    """Return an order with its state and history."""
    orders = services_of(request).orders
    cases = await orders.refresh()
    return case_as_dict(orders.case(order), cases, now_ms())


@router.get("/orders/{order}/targets", openapi_extra=needs("orders"))
async def targets(
    request: Request, order: OrderPath, first: Annotated[int, Query(ge=1, le=100_001)] = 1, limit: LimitQuery = 100
) -> dict[str, Any]:
    """List the targets of an order by number, with their outcomes."""
    orders = services_of(request).orders
    cases = await orders.refresh()
    case = orders.case(order)
    rows = case.rows[first - 1 : first - 1 + limit]
    following = first + limit if len(case.rows) >= first + limit else None
    return {"items": [row_as_dict(case, row, cases) for row in rows], "next": following}


@router.get("/orders/{order}/notice", openapi_extra=needs("orders"))
async def notice(
    request: Request,
    order: OrderPath,
    recipient: Annotated[str, Query(min_length=1, max_length=200)],
    site: Annotated[str, Query(pattern=r"^https://[^\s]{1,200}$")],
) -> dict[str, Any]:
    """Return the order as a Lumen notice; a confidential order gives only its numbers."""
    orders = services_of(request).orders
    await orders.refresh()
    return lumen_notice(order_request(orders.case(order), now_ms()), recipient=recipient, site=site.rstrip("/"))


@router.post("/orders/{order}/steps", openapi_extra=needs("orders"), status_code=201)
async def step(request: Request, order: OrderPath, body: StepBody, idempotency_key: IdempotencyKey) -> Response:
    """Move an order to its next state; interim and final put its outcomes in force."""
    orders = services_of(request).orders

    async def work(actor: str) -> dict[str, Any]:
        if body.to == "interim" and body.until is None:
            raise CallerMistake("an interim decision needs an end", fix="give until")
        until_ms = moment_ms(body.until) if body.until is not None else 0
        if body.until is not None and until_ms <= now_ms():
            raise CallerMistake("the decision would end before it begins", fix="give a later time")
        await orders.refresh()
        case = await orders.step(
            order,
            body.to,
            actor=actor,
            reason=body.reason,
            expires_at_ms=until_ms,
            ground=body.ground,
            expected=body.if_version,
        )
        return case_as_dict(case, orders.cases, now_ms())

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/orders/{order}/rulings", openapi_extra=needs("orders"), status_code=201)
async def rule(request: Request, order: OrderPath, body: RulingBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide on all targets that match the filters, in one record; protected speakers need two people."""
    services = services_of(request)

    async def work(actor: str) -> dict[str, Any]:
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
            raise CallerMistake("no targets are selected", fix="give a filter, or everything: true")
        await services.orders.refresh()
        applied = await services.orders.rule(
            order,
            selection,
            body.outcome,
            actor=actor,
            reason=body.reason,
            ground=body.ground,
            against_protected=body.against_protected,
            surfaces=services.names.select_surfaces(body.surfaces),
            expected=body.if_version,
            dry_run=body.dry_run,
        )
        plain = {"order": order, "version": applied.case.version, "dry_run": body.dry_run}
        return plain | ruling_as_dict(applied.plan)

    return await write_once(request, idempotency_key, body.actor, work)
