"""Route of the audit log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.api.access import GuardedRoute, needs
from moderation.api.answers import AnswerModel, JsonReply, NextCursor
from moderation.api.blinding import refuse_while_blind
from moderation.api.bodies import CountryQuery, HashtagQuery, MomentQuery
from moderation.api.numbers import withheld_for
from moderation.api.paging import CursorQuery, PageSize, page_answer, position_of, write_cursor
from moderation.api.services import services_of
from moderation.audit.rows import AuditFilter, AuditRow
from moderation.cases.first_answer import WithheldHashtags

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["audit"])

_AFTER = "shown after your first answer"


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
    wanted = AuditFilter(kind=kind, target=hashtag, actor=actor, country=country, from_ms=since, to_ms=until)
    rows, following = await services_of(request).audit_page(wanted, position_of("audit", cursor), limit)
    after = None if following is None else write_cursor("audit", (following,))
    withheld = await withheld_for(request)
    return JsonReply(page_answer([_row(one, withheld) for one in rows], after))


def _row(row: AuditRow, withheld: WithheldHashtags) -> dict[str, Any]:
    """Build the JSON of a row; an automated decision's reason has numbers, and others' first answers pull, too."""
    plain = row.as_dict()
    if row.target not in withheld:
        return plain
    match row.kind:
        case "decision":
            return plain | {"reason": _AFTER}
        case "case_answer":
            return plain | {"action": _AFTER, "reason": _AFTER}
    return plain
