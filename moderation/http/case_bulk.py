"""Routes of decisions on several cases at once, each by itself, and of their undo.

The module's name is before `cases`, whose `/cases/{case}/undo` has the same form as the undo here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.bodies import CASE_ID, MOST_CASES, Duration, IdempotencyKey, Version, WriteBody
from moderation.access.case_rights import check_case_rights
from moderation.access.problems import Problem, RefusedCall, problem_of
from moderation.access.services import present_ms, services_of
from moderation.domain.cases.answers import CaseDecidedAnswer
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.records import CoveredItem
from moderation.domain.cases.service import CaseResult
from moderation.domain.cases.view import decided_view
from moderation.log.drafts import end_of
from streams.answers import AnswerModel
from streams.errors import HushtagError
from streams.orders.speakers import same_person

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])
CaseName = Annotated[str, Field(pattern=CASE_ID)]


class BulkCase(BaseModel):
    """Case of a bulk decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: CaseName
    if_version: Version | None = None


class CaseBulkBody(WriteBody):
    """One decision on several cases; it covers all that is open in each."""

    cases: Annotated[list[BulkCase], Field(min_length=1, max_length=MOST_CASES)]
    verdict: Annotated[Literal["hide", "show", "leave"], Field(description="`leave` changes nothing.")]
    lasts: Annotated[Duration | None, Field(description="Life of the overrides; 7d by default.")] = None


class CaseBulkUndoBody(WriteBody):
    """Undo of your newest decisions on several cases."""

    cases: Annotated[list[CaseName], Field(min_length=1, max_length=MOST_CASES)]


class CaseBulkRowAnswer(AnswerModel):
    """Result of one case of a bulk decision."""

    case: str
    status: int = Field(description="201: written; else the status of `problem`.")
    written: CaseDecidedAnswer | None = None
    problem: dict[str, Any] | None = Field(default=None, description="Refusal of the case, as a problem.")


class CaseBulkAnswer(AnswerModel):
    """Results of a bulk decision, in the order of its cases."""

    written: int
    refused: int
    items: list[CaseBulkRowAnswer]


@router.post("/cases/bulk", openapi_extra=needs("decide"), response_model=CaseBulkAnswer)
async def decide_bulk(request: Request, body: CaseBulkBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide on up to 200 cases, each by itself: a refused case does not stop the others.

    A case that you see blind is refused. The answer is 200 with the result of every case, in their order.
    """
    service = services_of(request).cases

    async def work(actor: str) -> CaseBulkAnswer:
        end = end_of(body.lasts, None, "7d", present_ms(request))
        lasts_ms = None if body.verdict == "leave" else end.lasts_ms

        def check(case: HashtagCase, covers: Sequence[CoveredItem]) -> None:
            if service.log.is_blind(case, actor):
                raise RefusedCall("blinded", f"{actor} reviews #{case.display} blind", "give its verdict by itself")
            check_case_rights(request, case, covers, lasts_ms=lasts_ms)

        async def decide(row: BulkCase) -> CaseResult:
            return await service.decide(
                row.case,
                body.verdict,
                actor=actor,
                reason=body.reason,
                end=end,
                expected=row.if_version,
                check=check,
            )

        return await _rows(request, actor, [(row.case, partial(decide, row)) for row in body.cases])

    return await write_once(request, idempotency_key, body.actor, work, status=200)


@router.post("/cases/bulk/undo", openapi_extra=needs("decide"), response_model=CaseBulkAnswer)
async def undo_bulk(request: Request, body: CaseBulkUndoBody, idempotency_key: IdempotencyKey) -> Response:
    """Undo the newest decision of up to 200 cases, each by itself, where you made it.

    The answer is 200 with the result of every case, in their order.
    """
    service = services_of(request).cases

    async def work(actor: str) -> CaseBulkAnswer:
        def check(case: HashtagCase, covers: Sequence[CoveredItem]) -> None:
            newest = case.progress.decisions[-1].actor
            if not same_person(newest, actor):
                fix = f"look at it, then undo it by itself: POST /v1/cases/{case.id}/undo"
                raise RefusedCall("stale", f"the newest decision on {case.id} is {newest}'s", fix)
            check_case_rights(request, case, covers, lasts_ms=None)

        async def undo(case: str) -> CaseResult:
            return await service.undo(case, actor=actor, reason=body.reason, check=check)

        return await _rows(request, actor, [(case, partial(undo, case)) for case in body.cases])

    return await write_once(request, idempotency_key, body.actor, work, status=200)


Writes = Iterable[tuple[str, Callable[[], Awaitable[CaseResult]]]]


async def _rows(request: Request, actor: str, writes: Writes) -> CaseBulkAnswer:
    """Write the cases one by one. Once Kafka is away, no case waits for it again."""
    log = services_of(request).cases.log
    rows: list[CaseBulkRowAnswer] = []
    away: Problem | None = None
    for case, write in writes:
        row = await _row(case, write, log, actor) if away is None else _refused(case, away)
        away = row.problem if row.status == 503 else None
        rows.append(row)
    written = sum(row.status == 201 for row in rows)
    return CaseBulkAnswer(written=written, refused=len(rows) - written, items=rows)


async def _row(case: str, write: Callable[[], Awaitable[CaseResult]], log: CaseLog, actor: str) -> CaseBulkRowAnswer:
    try:
        done = await write()
    except RefusedCall as refused:
        return _refused(case, refused.body)
    except HushtagError as error:
        return _refused(case, problem_of(error))
    return CaseBulkRowAnswer(case=case, status=201, written=decided_view(done, log, actor))


def _refused(case: str, problem: Problem) -> CaseBulkRowAnswer:
    return CaseBulkRowAnswer(case=case, status=problem["status"], problem=dict(problem))
