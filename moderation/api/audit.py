"""Route of the audit log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from moderation.api.access import GuardedRoute, may, needs
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
_AFTER_LOOK = "shown once its second look is decided"


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
    withheld, looks = await withheld_for(request), await _open_looks(request)
    return JsonReply(page_answer([_row(one, withheld, looks) for one in rows], after))


async def _open_looks(request: Request) -> frozenset[str]:
    """Return the hashtags with an open second look, of which each person who may decide may be the next reviewer."""
    if not may(request, "decide"):
        return frozenset()
    cases = await services_of(request).cases.refresh()
    return frozenset(one.hashtag for one in cases.values() if one.look is not None and one.look.is_open)


def _row(row: AuditRow, withheld: WithheldHashtags, looks: frozenset[str]) -> dict[str, Any]:
    """Build the JSON of a row.

    An automated decision's reason has numbers; first answers, markings and verdicts of others pull, too.
    """
    plain = row.as_dict()
    if row.kind == "case_look" and row.target in looks:
        return plain | {"action": _AFTER_LOOK, "reason": _AFTER_LOOK}
    if row.target not in withheld:
        return plain
    match row.kind:
        case "decision":
            return plain | {"reason": _AFTER}
        case "case_answer" | "text_marking":
            return plain | {"action": _AFTER, "reason": _AFTER}
    return plain
