"""Routes of legal orders, for the legal team."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from moderation.api.access import GuardedRoute, needs, write_once
from moderation.api.answers import JsonReply
from moderation.api.blinding import refuse_while_blind
from moderation.api.bodies import CountryQuery, IdempotencyKey
from moderation.api.order_bodies import IntakeBody, RulingBody, StepBody
from moderation.api.order_shapes import (
    IntakeAnswer,
    NoticeAnswer,
    OrderAnswer,
    OrdersAnswer,
    RulingAnswer,
    TargetsAnswer,
)
from moderation.api.paging import CursorQuery, PageSize, page_answer, page_of, position_of, write_cursor
from moderation.api.problems import Fault, RefusedCall
from moderation.api.rights import check_rights
from moderation.api.services import services_of
from moderation.drafts import moment_ms
from moderation.orders.handle_resolver import check_answered, resolve_handles
from moderation.orders.handles import Handles, handles_in
from moderation.orders.intake import json_lines, parse_head, parse_lines
from moderation.orders.intake_plan import FIELDS
from moderation.orders.selection import Selection
from moderation.orders.view import case_as_dict, plan_as_dict, row_as_dict, ruling_as_dict
from moderation.statements.lumen import NoticeType, lumen_notice, order_request
from moderation.tables import BadCell, RowProblem
from moderation.wording import counted, iso_words
from streams.clock import now_ms
from streams.constants import DAY_MS
from streams.orders.cases import Case
from streams.orders.records import OrderState, Outcome, TargetKind
from streams.settings import load_settings

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["orders"])
MOST_HANDLES = 100
"""Maximum number of handles of one call: each is a request to the resolver, and the caller waits for all."""
OrderPath = Annotated[str, Path(pattern=r"^[A-Z]{2}-[0-9a-f]{10}$")]


@router.get("/orders", openapi_extra=needs("orders"), response_model=OrdersAnswer)
async def list_orders(
    request: Request,
    state: OrderState | None = None,
    country: CountryQuery = None,
    authority: Annotated[str | None, Query(max_length=400, description="Part of its name, in any case.")] = None,
    overdue: Annotated[bool | None, Query(description="Whether its clock has run out.")] = None,
    sort: Annotated[
        Literal["due", "received", "-received"], Query(description="`due`: the earliest due first.")
    ] = "due",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the orders, the earliest due first."""
    cases, at_ms = await services_of(request).orders.refresh(), now_ms()
    part = (authority or "").casefold()
    found = [
        case
        for case in cases.cases.values()
        if state in (None, case.state)
        and country in (None, case.order.country)
        and part in case.order.authority.casefold()
        and overdue in (None, case.due_ms is not None and case.due_ms <= at_ms)
    ]

    def key(case: Case) -> tuple[int, str]:
        return (case.due_ms or 2**53) if sort == "due" else case.order.received_ms, case.id

    page, following = page_of(
        found, key=key, order=f"orders {sort}", cursor=cursor, size=limit, descending=sort == "-received"
    )
    return JsonReply(page_answer([case_as_dict(case, cases, at_ms) for case in page], following))


@router.post("/orders", openapi_extra=needs("orders"), response_model=IntakeAnswer, status_code=201)
async def take_in(request: Request, body: IntakeBody, idempotency_key: IdempotencyKey) -> Response:
    """Import an order; a repeated one is recognised. Unusable targets are reported, the others imported."""
    orders = services_of(request).orders

    async def work(actor: str) -> dict[str, Any]:
        check_rights(request, country=body.country)
        lines, settings = list(json_lines(json.dumps(body.cells()).encode(), "body")), load_settings()
        handles = handles_in(lines, settings.profile_url)
        if len(handles) > MOST_HANDLES:
            fault = Fault(f"{len(handles):,} handles, and a call resolves at most {MOST_HANDLES}", "#/targets")
            fix = "give account ids, or take the order in as a file: hushtag orders intake FILE"
            raise RefusedCall("mistake", fault.detail, fix, errors=[fault])
        found = await resolve_handles(handles, settings)
        parsed = parse_lines(lines, {}, now_ms(), Handles(found, settings.profile_url))
        problems = [problem.as_dict() for problem in parsed.problems]
        if problems and (body.strict or not parsed.drafts):
            check_answered(found)
            own = list(_head_faults(body))
            faults = list(dict.fromkeys([*own, *map(_row_fault, parsed.problems)]))
            what = "the order" if own else counted(len(problems), "target")
            detail = f"{what} cannot be used: {faults[0].detail}"
            raise RefusedCall("mistake", detail, "correct every entry of `errors`", errors=faults)
        plans = await orders.take_in(parsed.drafts, actor=actor)
        return {"orders": [plan_as_dict(one) for one in plans], "problems": problems, "notes": list(parsed.notes)}

    return await write_once(request, idempotency_key, body.actor, work)


@router.get("/orders/{order}", openapi_extra=needs("orders"), response_model=OrderAnswer)
async def show(request: Request, order: OrderPath) -> Response:
    """Return an order with its state and history."""
    orders = services_of(request).orders
    cases = await orders.refresh()
    return JsonReply(case_as_dict(orders.case(order), cases, now_ms()))


@router.get("/orders/{order}/targets", openapi_extra=needs("orders"), response_model=TargetsAnswer)
async def targets(
    request: Request,
    order: OrderPath,
    kind: TargetKind | None = None,
    outcome: Annotated[Outcome | Literal["undecided"] | None, Query(description="Present outcome.")] = None,
    protected: Annotated[bool | None, Query(description="Whether it is a protected speaker.")] = None,
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the targets of an order by number, with their outcomes."""
    await refuse_while_blind(request)
    orders = services_of(request).orders
    cases = await orders.refresh()
    case = orders.case(order)
    found, after = list[dict[str, Any]](), None
    for row in case.rows[position_of("targets", cursor) :]:
        ruled = case.outcome(row)
        if (
            kind not in (None, row.target.kind)
            or outcome not in (None, ruled.outcome if ruled else "undecided")
            or protected not in (None, cases.protected(row.target) is not None)
        ):
            continue
        if len(found) == limit:
            after = write_cursor("targets", (row.number,))
            break
        found.append(row_as_dict(case, row, cases))
    return JsonReply(page_answer(found, after))


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
    orders = services_of(request).orders
    await orders.refresh()
    found = order_request(orders.case(order), now_ms())
    where = site.rstrip("/")
    return JsonReply(lumen_notice(found, recipient=recipient, site=where, notice_type=type, principal=principal))


@router.post("/orders/{order}/steps", openapi_extra=needs("orders"), response_model=OrderAnswer, status_code=201)
async def step(request: Request, order: OrderPath, body: StepBody, idempotency_key: IdempotencyKey) -> Response:
    """Move an order to its next state; interim and final put its outcomes in force."""
    orders = services_of(request).orders

    async def work(actor: str) -> dict[str, Any]:
        check_rights(request, country=order[:2])
        until_ms = moment_ms(body.until) if body.until is not None else 0
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


@router.post("/orders/{order}/rulings", openapi_extra=needs("orders"), response_model=RulingAnswer, status_code=201)
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
            fault = Fault("no targets are selected", "#/everything")
            raise RefusedCall("mistake", fault.detail, "give a filter, or everything: true", errors=[fault])
        check_rights(request, country=order[:2])
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
        plain = {"order": order, "version": applied.case.version, "dry_run": body.dry_run}
        return plain | ruling_as_dict(applied.plan)

    return await write_once(request, idempotency_key, body.actor, work)


def _head_faults(body: IntakeBody) -> Iterator[Fault]:
    """Find every fault of the order's own members; the parser stops at the first, so each is then put right."""
    at_ms = now_ms()
    sound = {"issued": iso_words(at_ms - DAY_MS), "received": iso_words(at_ms), "deadline": "+48h", "country": "IN"}
    cells = {name: str(value) for name, value in body.cells().items() if name != "targets"}
    for _ in FIELDS:
        try:
            parse_head(cells, at_ms)
            return
        except BadCell as bad:
            yield _row_fault(bad.at(""))
            if bad.field not in sound:
                return
            cells |= {bad.field: sound.pop(bad.field)}


def _row_fault(problem: RowProblem) -> Fault:
    value = f", not {problem.value!r}" if problem.value else ""
    number = re.search(r"target ([0-9]+)$", problem.where)
    own = problem.field in FIELDS or number is None
    pointer = f"#/{problem.field}" if own else f"#/targets/{int(number[1]) - 1}/{problem.field}"  # type: ignore[index]
    return Fault(f"{problem.problem}{value}; {problem.fix}", pointer)
