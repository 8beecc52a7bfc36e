"""Routes of the audit log: its entries, the proof of one, and the state of the log and its witnesses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import refuse_while_blind
from moderation.access.bodies import CountryQuery, HashtagQuery, MomentQuery
from moderation.access.paging import CursorQuery, PageSize, page_answer, position_of, write_cursor
from moderation.access.services import services_of
from moderation.answers import NextCursor
from moderation.outward.statements.proofs import OPENED
from moderation.publiclog.rows import AuditFilter
from moderation.views.audit import (
    AuditProofAnswer,
    EntryNumber,
    FieldsQuery,
    LogStateAnswer,
    find_entry,
    proof_for,
    rows_for,
    state_view,
)
from streams.answers import AnswerModel

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["audit"])


class AuditRowAnswer(AnswerModel):
    """Entry of the audit log."""

    seq: int
    at: str
    kind: str
    action: str
    target: str
    country: str
    actor: str
    reason: str
    source: str
    hash: str


class AuditAnswer(AnswerModel):
    """Page of the audit log, oldest first."""

    items: list[AuditRowAnswer]
    next: NextCursor


@router.get("/audit", openapi_extra=needs("audit"), response_model=AuditAnswer)
async def audit(
    request: Request,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    hashtag: HashtagQuery = None,
    actor: Annotated[str | None, Query(max_length=2000)] = None,
    country: CountryQuery = None,
    since: MomentQuery = None,
    until: MomentQuery = None,
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List entries of the audit log without verification; `hushtag audit verify` verifies it."""
    await refuse_while_blind(request)
    filters = AuditFilter(kind=kind, target=hashtag, actor=actor, country=country, from_ms=since, to_ms=until)
    rows, following = await rows_for(request, filters, position_of("audit", cursor), limit)
    after = None if following is None else write_cursor("audit", (following,))
    return JsonReply(page_answer([row.as_dict() for row in rows], after))


@router.get("/audit/state", openapi_extra=needs("audit"), response_model=LogStateAnswer)
async def state(request: Request) -> Response:
    """Return how far the log is signed and published, and which witnesses have cosigned."""
    return JsonReply(state_view(await services_of(request).public_log.state()))


@router.get("/audit/{number}", openapi_extra=needs("audit"), response_model=AuditRowAnswer)
async def entry(request: Request, number: EntryNumber) -> Response:
    """Return one entry of the audit log."""
    row, _ = await find_entry(request, number)
    return JsonReply(row.as_dict())


@router.get("/audit/{number}/proof", openapi_extra=needs("audit"), response_model=AuditProofAnswer)
async def proof(request: Request, number: EntryNumber, fields: FieldsQuery = None) -> Response:
    """Return the proof that an entry is in the public log, with some of its fields open; see docs/audit.md.

    Until a published checkpoint covers the entry, `proof` is null and `proof_note` says when one will. Every
    holder of the file can read the opened fields.
    """
    return JsonReply(await proof_for(request, number, fields or OPENED))
