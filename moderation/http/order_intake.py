"""Routes of the intake of legal orders: as members of a body, or as the text of a file."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice

from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.bodies import MOST_HANDLES, IdempotencyKey
from moderation.access.problems import MOST_FAULTS, Fault, RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import present_ms, services_of
from moderation.domain.orders.answers import IntakeAnswer, TextIntakeAnswer, UnusableTargetAnswer
from moderation.domain.orders.handles import Handles, handles_in
from moderation.domain.orders.intake import ParsedOrders, json_lines, parse_head, parse_lines
from moderation.domain.orders.intake_plan import FIELDS, IntakePlan, plan_intake
from moderation.domain.orders.intake_text import text_lines
from moderation.domain.orders.view import taken_order_view
from moderation.domain.tables import BadCell, RowProblem, TableLine
from moderation.http.order_bodies import IntakeBody, OrderTextBody
from moderation.outward.handle_resolver import check_answered, resolve_handles
from moderation.wording import counted, iso_words
from streams.constants import DAY_MS
from streams.settings import load_settings

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["orders"])


@router.post("/orders", openapi_extra=needs("orders"), response_model=IntakeAnswer, status_code=201)
async def take_in(request: Request, body: IntakeBody, idempotency_key: IdempotencyKey) -> Response:
    """Import an order; a repeated one is recognised. Unusable targets are reported, the others imported."""
    orders = services_of(request).orders

    async def work(actor: str) -> IntakeAnswer:
        check_rights(request, country=body.country)
        lines = await asyncio.to_thread(lambda: list(json_lines(json.dumps(body.cells()).encode(), "body")))
        parsed = await _parsed(request, lines, {}, "#/targets")
        if parsed.problems and (body.strict or not parsed.drafts):
            cells = {name: str(value) for name, value in body.cells().items() if name != "targets"}
            own = list(_head_faults(cells, present_ms(request)))
            faults = list(dict.fromkeys([*own, *map(_row_fault, islice(parsed.problems, MOST_FAULTS))]))
            what = "the order" if own else counted(len(parsed.problems), "target")
            detail = f"{what} cannot be used: {faults[0].detail}"
            raise RefusedCall("mistake", detail, "correct every entry of `errors`", errors=faults)
        plans = await orders.take_in(parsed.drafts, actor=actor)
        return _intake_view(plans, parsed)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/orders/text", openapi_extra=needs("orders"), response_model=TextIntakeAnswer, status_code=201)
async def take_text_in(request: Request, body: OrderTextBody, idempotency_key: IdempotencyKey) -> Response:
    """Import the orders of a text: a target a line, CSV or JSON. A dry run reports every unusable row."""
    orders = services_of(request).orders

    async def work(actor: str) -> TextIntakeAnswer:
        cells = body.cells()
        lines = await asyncio.to_thread(lambda: list(text_lines(body.text)))
        if not _names_own_fields(lines) and (faults := list(_head_faults(cells, present_ms(request)))):
            words = f"the order's own fields cannot be used: {faults[0].detail}"
            raise RefusedCall("mistake", words, "correct them; the targets are checked then", errors=faults)
        parsed = await _parsed(request, lines, cells, "#/text")
        for draft in parsed.drafts:
            check_rights(request, country=draft.head.country)
        usable = bool(parsed.drafts) and not (body.strict and parsed.problems)
        if usable and not body.dry_run:
            plans = await orders.take_in(parsed.drafts, actor=actor)
        else:
            present = await orders.refresh()
            plans = [plan_intake(draft, present.by_id, present.speakers) for draft in parsed.drafts]
        if not usable and not body.dry_run:
            detail = f"{counted(len(parsed.problems), 'row')} cannot be used"
            faults = [Fault(str(row_problem), "#/text") for row_problem in islice(parsed.problems, MOST_FAULTS)]
            raise RefusedCall("mistake", detail, "correct the rows, or leave them out", errors=faults)
        return TextIntakeAnswer(**dict(_intake_view(plans, parsed)), dry_run=body.dry_run)

    return await write_once(request, idempotency_key, body.actor, work)


def _intake_view(plans: Iterable[IntakePlan], parsed: ParsedOrders) -> IntakeAnswer:
    return IntakeAnswer(
        orders=[taken_order_view(plan) for plan in plans],
        problems=[UnusableTargetAnswer(**asdict(problem)) for problem in islice(parsed.problems, MOST_FAULTS)],
        unusable=len(parsed.problems),
        notes=list(parsed.notes),
    )


def _names_own_fields(lines: Iterable[TableLine | RowProblem]) -> bool:
    return any(name in line.cells for line in lines if isinstance(line, TableLine) for name in FIELDS)


async def _parsed(
    request: Request, rows: Iterable[TableLine | RowProblem], cells: Mapping[str, str], pointer: str
) -> ParsedOrders:
    """Parse the rows of a body, with the accounts of their handles.

    Raises:
        RefusedCall: the rows name too many handles for one call (422).
        DependencyAway: the resolver does not answer, and no row can be used without it.
    """
    lines = list(rows)
    handles = await handles_for(lines, pointer, "hushtag orders intake FILE")
    # 100,000 rows take a second or two: other calls go on meanwhile.
    parsed = await asyncio.to_thread(parse_lines, lines, cells, present_ms(request), handles)
    if not parsed.drafts:
        check_answered(handles.results)
    return parsed


async def handles_for(lines: Iterable[TableLine | RowProblem], pointer: str, command: str) -> Handles:
    """Resolve the handles of some rows; more than a call resolves are for the command.

    Raises:
        RefusedCall: the rows name too many handles for one call (422).
    """
    settings = load_settings()
    handles = handles_in(lines, settings.profile_url)
    if len(handles) > MOST_HANDLES:
        fault = Fault(f"{len(handles):,} handles, and a call resolves at most {MOST_HANDLES}", pointer)
        fix = f"give account ids, or use a file: {command}"
        raise RefusedCall("mistake", fault.detail, fix, errors=[fault])
    return Handles(await resolve_handles(handles, settings), settings.profile_url)


def _head_faults(written: Mapping[str, str], at_ms: int) -> Iterator[Fault]:
    """Find every fault of the order's own members; the parser stops at the first, so each is then put right."""
    sound = {
        "authority": "Authority", "legal_basis": "Law", "reference": "No. 1", "country": "IN", "confidential": "no",
        "issued": iso_words(DAY_MS), "received": iso_words(at_ms), "deadline": "+48h",
    }  # fmt: skip
    cells = dict(written)
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
