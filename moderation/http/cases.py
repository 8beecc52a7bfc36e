"""Routes of cases: the queue, claims, decisions, second looks, notes and escalations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import CasePath, CountryQuery, Duration, HashtagQuery, IdempotencyKey
from moderation.access.case_rights import check_case_rights, check_claim_rights
from moderation.access.paging import CursorQuery, PageSize, page_of
from moderation.access.rights import check_rights
from moderation.access.services import present_ms, services_of
from moderation.domain.appeals.items import ItemKind
from moderation.domain.cases.agreement import agreement_view
from moderation.domain.cases.answers import (
    AgreementAnswer,
    CaseDecidedAnswer,
    CaseDetailAnswer,
    CasesAnswer,
    HeartbeatAnswer,
)
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.queue import CaseFilter, Claimed, is_waiting
from moderation.domain.cases.records import COMMON_TEAM, CoveredItem
from moderation.domain.cases.service import CaseService
from moderation.domain.cases.view import case_view, decided_view, detailed_view
from moderation.domain.cases.work_order import work_order
from moderation.http.case_shapes import (
    CaseDecisionBody,
    CaseUndoBody,
    ClaimBody,
    EscalationBody,
    FirstAnswerBody,
    NoteBody,
    SkipBody,
)
from moderation.log.drafts import duration_ms, end_of

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])
Sort = Literal["work", "reach", "began", "-closed"]


def _cases(request: Request) -> CaseService:
    return services_of(request).cases


@router.get("/cases", openapi_extra=needs("decide"), response_model=CasesAnswer)
async def list_cases(
    request: Request,
    state: Annotated[
        Literal["waiting", "open", "closed"],
        Query(description="`waiting`: open, of the team, not skipped by you, and not a look that you cannot take."),
    ] = "waiting",
    team: Annotated[str, Query(max_length=40)] = COMMON_TEAM,
    hashtag: HashtagQuery = None,
    country: CountryQuery = None,
    category: Annotated[str | None, Query(max_length=80)] = None,
    why: ItemKind | None = None,
    label: Annotated[str | None, Query(max_length=40)] = None,
    language: Annotated[
        str | None,
        Query(max_length=20, description="Only with many authors in this language, which the model does not read."),
    ] = None,
    claimed: Annotated[Claimed | None, Query(description="Only by claim.")] = None,
    closed_within: Annotated[
        Duration | None, Query(description="Only those closed in this time: with state `closed`, what others decided.")
    ] = None,
    sort: Annotated[
        Sort,
        Query(
            description="`work`: appeals by age, holds by lapse, the rest by reach and age; second looks last. "
            "`-closed`: the last closed first."
        ),
    ] = "work",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the cases, one for each hashtag. A second look has neither numbers nor verdicts of others."""
    log, person = _cases(request).log, reader_of(request)
    at_ms = services_of(request).moderation.now_ms()
    closed_from_ms = 0 if closed_within is None else at_ms - duration_ms(closed_within)
    matches = [
        case
        for case in (await log.refresh()).values()
        if hashtag in (None, case.hashtag)
        and (
            is_waiting(case, person, team, at_ms)
            if state == "waiting"
            else (case.is_open or log.is_blind(case, person)) == (state == "open")
        )
        and (closed_within is None or _closed_ms(case, log, person) >= closed_from_ms)
    ]
    filters = CaseFilter(country=country, category=category, why=why, label=label, language=language, claimed=claimed)
    if filters != CaseFilter():
        matches = [case for case in matches if filters.selects(case_view(case, log, person), person)]
    page, following = page_of(
        matches, key=lambda case: _key(case, sort, log, person), order=f"cases {sort}", cursor=cursor, size=limit
    )
    rows = [case_view(case, log, person) for case in page]
    return JsonReply(CasesAnswer(items=rows, next=following, total=len(matches)))


def _key(case: HashtagCase, sort: Sort, log: CaseLog, person: str) -> tuple[Any, ...]:
    """Return a sort key; a hidden case comes last, because its place and its cursor would reveal its numbers."""
    hidden = log.is_blind(case, person)
    match sort:
        case "work":
            return work_order(case, hidden=hidden)
        case "reach":
            return hidden, 0 if hidden else -case.reach, case.id
        case "began":
            return hidden, 0 if hidden else case.began_ms, case.id
    return hidden, -_closed_ms(case, log, person), case.id


def _closed_ms(case: HashtagCase, log: CaseLog, person: str) -> int:
    """Return the time at which a case was closed; 0 for one that is open, or that is hidden from its reader."""
    closing = None if log.is_blind(case, person) else log.closing(case)
    return closing.at_ms if closing is not None else 0


@router.get("/cases/agreement", openapi_extra=needs("read"), response_model=AgreementAnswer)
async def agreement(request: Request) -> Response:
    """Return how well reviewers of second looks agree, and how often a suppression was wrong."""
    log = _cases(request).log
    await log.refresh()
    return JsonReply(agreement_view(log.fold))


@router.get("/cases/{case}", openapi_extra=needs("decide"), response_model=CaseDetailAnswer)
async def show(request: Request, case: CasePath) -> Response:
    """Return a case with its items and history."""
    log = _cases(request).log
    return JsonReply(detailed_view(await log.find(case), log, reader_of(request)))


@router.post("/cases/{case}/claim", openapi_extra=needs("decide"), response_model=CaseDetailAnswer, status_code=201)
async def claim(request: Request, case: CasePath, body: ClaimBody, idempotency_key: IdempotencyKey) -> Response:
    """Claim a case until a decision, a skip, or a minute without a heartbeat."""
    service = _cases(request)

    async def work(actor: str) -> CaseDetailAnswer:
        check_claim_rights(request, await service.log.find(case))
        return detailed_view(await service.claim(case, actor=actor, reason=body.reason), service.log, actor)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/cases/{case}/take-over", openapi_extra=needs("lead"), response_model=CaseDetailAnswer, status_code=201)
async def take_over(request: Request, case: CasePath, body: ClaimBody, idempotency_key: IdempotencyKey) -> Response:
    """Take a case from the person who holds it."""
    service = _cases(request)

    async def work(actor: str) -> CaseDetailAnswer:
        check_claim_rights(request, await service.log.find(case))
        return detailed_view(await service.take_over(case, actor=actor, reason=body.reason), service.log, actor)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/cases/{case}/heartbeat", openapi_extra=needs("decide"), response_model=HeartbeatAnswer)
async def heartbeat(request: Request, case: CasePath) -> Response:
    """Extend your claim by a minute; nothing is recorded. Call it every 20 seconds while the case is open."""
    return JsonReply(HeartbeatAnswer(claimed_until_ms=await _cases(request).heartbeat(case, actor=reader_of(request))))


@router.post("/cases/{case}/skip", openapi_extra=needs("decide"), response_model=CaseDetailAnswer, status_code=201)
async def skip(request: Request, case: CasePath, body: SkipBody, idempotency_key: IdempotencyKey) -> Response:
    """Give a case up; it does not come back to you."""
    service = _cases(request)

    async def work(actor: str) -> CaseDetailAnswer:
        return detailed_view(await service.skip(case, body.why, actor=actor, reason=body.reason), service.log, actor)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/cases/{case}/answer", openapi_extra=needs("decide"), response_model=CaseDetailAnswer, status_code=201)
async def answer(request: Request, case: CasePath, body: FirstAnswerBody, idempotency_key: IdempotencyKey) -> Response:
    """Record your first answer, before you look at the numbers; others see it once the case is decided."""
    service = _cases(request)

    async def work(actor: str) -> CaseDetailAnswer:
        return detailed_view(
            await service.answer(case, body.answer, actor=actor, reason=body.reason), service.log, actor
        )

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/cases/{case}/decision", openapi_extra=needs("decide"), response_model=CaseDecidedAnswer, status_code=201)
async def decide(request: Request, case: CasePath, body: CaseDecisionBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide on what is open; what the decision does not cover stays open. In a second look, give your verdict."""
    service = _cases(request)

    async def work(actor: str) -> CaseDecidedAnswer:
        end = end_of(body.lasts, None, "7d", present_ms(request))
        lasts_ms = None if body.verdict == "leave" else end.lasts_ms

        def check(hashtag_case: HashtagCase, covers: Sequence[CoveredItem]) -> None:
            if service.log.is_blind(hashtag_case, actor):  # a refusal must not name the category
                check_rights(request, country=covers[0].country)
            else:
                check_case_rights(request, hashtag_case, covers, lasts_ms=lasts_ms)

        result = await service.decide(
            case,
            body.verdict,
            actor=actor,
            reason=body.reason,
            countries=body.countries,
            surfaces=body.surfaces,
            items=body.items,
            end=end,
            expected=body.if_version,
            check=check,
        )
        return decided_view(result, service.log, actor)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/cases/{case}/undo", openapi_extra=needs("decide"), response_model=CaseDecidedAnswer, status_code=201)
async def undo(request: Request, case: CasePath, body: CaseUndoBody, idempotency_key: IdempotencyKey) -> Response:
    """Undo the newest decision of a case; what it covered is open again."""
    service = _cases(request)

    async def work(actor: str) -> CaseDecidedAnswer:
        result = await service.undo(
            case,
            actor=actor,
            reason=body.reason,
            expected=body.if_version,
            check=lambda hashtag_case, covers: check_case_rights(request, hashtag_case, covers, lasts_ms=None),
        )
        return decided_view(result, service.log, actor)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/cases/{case}/notes", openapi_extra=needs("decide"), response_model=CaseDetailAnswer, status_code=201)
async def note(request: Request, case: CasePath, body: NoteBody, idempotency_key: IdempotencyKey) -> Response:
    """Add a note, and add or remove labels; labels are words of your own choice."""
    service = _cases(request)

    async def work(actor: str) -> CaseDetailAnswer:
        done = await service.note(case, actor=actor, reason=body.reason, add=body.add, remove=body.remove)
        return detailed_view(done, service.log, actor)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post(
    "/cases/{case}/escalation", openapi_extra=needs("decide"), response_model=CaseDetailAnswer, status_code=201
)
async def escalate(request: Request, case: CasePath, body: EscalationBody, idempotency_key: IdempotencyKey) -> Response:
    """Hand a case to another team, whose list then has it."""
    service = _cases(request)

    async def work(actor: str) -> CaseDetailAnswer:
        check_claim_rights(request, await service.log.find(case))
        return detailed_view(
            await service.escalate(case, body.team, actor=actor, reason=body.reason), service.log, actor
        )

    return await write_once(request, idempotency_key, body.actor, work)
