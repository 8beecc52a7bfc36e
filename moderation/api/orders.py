"""Routes: legal orders, for the legal team alone."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from moderation.api.access import Guarded, actor_of, needs, once
from moderation.api.answers import Json
from moderation.api.bodies import IntakeBody, RulingBody, StepBody
from moderation.api.people import Key, Limit, desks
from moderation.api.replays import Answer
from moderation.drafts import surfaces_of
from moderation.orders.intake import parse_json
from moderation.orders.select import Selection
from moderation.orders.view import case_as_dict, plan_as_dict, row_as_dict, ruling_as_dict
from moderation.statements.lumen import lumen_notice
from moderation.statements.orders import request_of
from moderation.times import moment_ms
from moderation.wording import counted
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.orders.records import State

router = APIRouter(prefix="/v1", route_class=Guarded, default_response_class=Json, tags=["orders"])
Order = Annotated[str, Path(pattern=r"^[A-Z]{2}-[0-9a-f]{10}$")]


@router.get("/orders", openapi_extra=needs("orders"))
async def list_orders(request: Request, state: State | None = None, limit: Limit = 100) -> dict[str, Any]:
    """The orders, the one that is due first first."""
    cases = await desks(request).orders.refresh()
    found = [case for case in cases.cases.values() if state in (None, case.state)]
    found.sort(key=lambda case: (case.due_ms is None, case.due_ms or 0, case.id))
    return {"items": [case_as_dict(case, cases, now_ms()) for case in found[:limit]], "more": len(found) > limit}


@router.post("/orders", openapi_extra=needs("orders"), status_code=201)
async def take_in(request: Request, body: IntakeBody, idempotency_key: Key) -> Response:
    """Take an order in. The same one again is recognised; a target that cannot be used is told, the others taken."""
    who = actor_of(request, body.actor)

    async def work() -> Answer:
        intake = parse_json(json.dumps(body.cells()).encode(), "body", {}, now_ms())
        problems = [problem.as_dict() for problem in intake.problems]
        if problems and (body.strict or not intake.drafts):
            unusable = counted(len(problems), "target")
            raise CallerMistake(f"{unusable} cannot be used: {intake.problems[0]}", fix="correct them")
        plans = await desks(request).orders.take_in(intake.drafts, actor=who)
        return Answer(
            201, {"orders": [plan_as_dict(one) for one in plans], "problems": problems, "notes": list(intake.notes)}
        )

    return await once(request, idempotency_key, work)


@router.get("/orders/{order}", openapi_extra=needs("orders"))
async def show(request: Request, order: Order) -> dict[str, Any]:
    """An order and what became of it."""
    behind = desks(request).orders
    cases = await behind.refresh()
    return case_as_dict(behind.case(order), cases, now_ms())


@router.get("/orders/{order}/targets", openapi_extra=needs("orders"))
async def targets(
    request: Request, order: Order, first: Annotated[int, Query(ge=1, le=100_001)] = 1, limit: Limit = 100
) -> dict[str, Any]:
    """Its targets by number, with their outcomes."""
    behind = desks(request).orders
    cases = await behind.refresh()
    case = behind.case(order)
    rows = case.rows[first - 1 : first - 1 + limit]
    following = first + limit if len(case.rows) >= first + limit else None
    return {"items": [row_as_dict(case, row, cases) for row in rows], "next": following}


@router.get("/orders/{order}/notice", openapi_extra=needs("orders"))
async def notice(
    request: Request,
    order: Order,
    recipient: Annotated[str, Query(min_length=1, max_length=200)],
    site: Annotated[str, Query(pattern=r"^https://[^\s]{1,200}$")],
) -> dict[str, Any]:
    """The order in the shape that Lumen takes; of a confidential one only the numbers."""
    behind = desks(request).orders
    await behind.refresh()
    return lumen_notice(request_of(behind.case(order)), recipient=recipient, site=site.rstrip("/"))


@router.post("/orders/{order}/steps", openapi_extra=needs("orders"), status_code=201)
async def step(request: Request, order: Order, body: StepBody, idempotency_key: Key) -> Response:
    """Move an order on; interim and final put its outcomes in force."""
    who = actor_of(request, body.actor)
    behind = desks(request).orders

    async def work() -> Answer:
        if body.to == "interim" and body.until is None:
            raise CallerMistake("an interim decision has an end of its own", fix="give until")
        until_ms = moment_ms(body.until) if body.until is not None else 0
        if body.until is not None and until_ms <= now_ms():
            raise CallerMistake("it would be over before it begins", fix="give a time to come")
        await behind.refresh()
        case = await behind.step(
            order,
            body.to,
            actor=who,
            reason=body.reason,
            expires_at_ms=until_ms,
            ground=body.ground,
            expected=body.if_version,
        )
        return Answer(201, case_as_dict(case, behind.cases, now_ms()))

    return await once(request, idempotency_key, work)


@router.post("/orders/{order}/rulings", openapi_extra=needs("orders"), status_code=201)
async def rule(request: Request, order: Order, body: RulingBody, idempotency_key: Key) -> Response:
    """Decide on all targets that fit the filters, in one record; against a protected speaker two people must."""
    who = actor_of(request, body.actor)
    behind = desks(request)

    async def work() -> Answer:
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
            raise CallerMistake("nothing says which targets are meant", fix="a filter, or everything: true")
        await behind.orders.refresh()
        decided = await behind.orders.rule(
            order,
            selection,
            body.outcome,
            actor=who,
            reason=body.reason,
            ground=body.ground,
            against_protected=body.against_protected,
            surfaces=surfaces_of(body.surfaces, behind.surfaces, closed=behind.categories is not None),
            expected=body.if_version,
            dry_run=body.dry_run,
        )
        told = {"order": order, "version": decided.case.version, "dry_run": body.dry_run}
        return Answer(201, told | ruling_as_dict(decided.plan))

    return await once(request, idempotency_key, work)
