"""Audit log: its state and witnesses, a search, an entry, and the download of its proof."""

from __future__ import annotations

import json
from typing import Annotated, get_args

from fastapi import Query, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import refuse_while_blind
from moderation.access.services import services_of
from moderation.console.audit_search import PAGE, AuditSearch
from moderation.console.orders_order import attachment
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.console.words import named_countries
from moderation.outward.statements.proofs import OPENED
from moderation.views.audit import EntryNumber, FieldName, FieldsQuery, find_entry, proof_for, rows_for, state_view
from streams.countries import COUNTRIES
from streams.errors import TopicsError

router = page_router()
FIELDS: tuple[str, ...] = get_args(FieldName)
FIELD_WORDS = {
    "type": "Type, from which reports count",
    "period": "Day, from which reports count",
    "time": "Time of the record",
    "source": "Topic and position of the record",
    "key": "Key of the record",
    "record": "The whole record",
    "note": "Note",
    "hashtag": "Hashtag",
    "country": "Country",
    "action": "Action",
    "reason": "Reason",
    "policy_revision": "Revision of the policy",
    "facts": "What a statement or a published report says",
}
_Text = Annotated[str, Query(max_length=300)]


@router.get("/audit", openapi_extra=needs("audit"))
async def show_audit(
    request: Request,
    kind: _Text = "",
    target: _Text = "",
    actor: _Text = "",
    country: _Text = "",
    since: _Text = "",
    until: _Text = "",
    first: _Text = "",
) -> Response:
    """Show the state of the log, and a page of entries: the newest ones, or those that a search finds."""
    await refuse_while_blind(request)
    search = AuditSearch(kind, target, actor, country, since, until, first)
    try:
        state = state_view(await services_of(request).public_log.state())
    except TopicsError:
        return page(request, "audit.html", search=search, state=None, **_choices())
    begin = search.begins_at(state.entries)
    rows, following = await rows_for(request, search.filter(), begin, PAGE)
    earlier = None if search.narrows or not begin else search.link(first=str(max(0, begin - PAGE)))
    return page(
        request,
        "audit.html",
        search=search,
        state=state,
        rows=rows if search.narrows else rows[::-1],
        earlier=earlier,
        later=None if following is None else search.link(first=str(following)),
        **_choices(),
    )


@router.get("/audit/{number}", openapi_extra=needs("audit"))
async def show_entry(request: Request, number: EntryNumber) -> Response:
    """Show an entry, and which fields its proof may open."""
    row, entry = await find_entry(request, number)
    state = state_view(await services_of(request).public_log.state())
    covered = state.published is not None and number < state.published.size
    return page(
        request,
        "audit_entry.html",
        row=row,
        erased=entry.is_erased,
        values=None if entry.is_erased else {name: entry.opening.value(name) is not None for name in FIELDS},
        field_words=FIELD_WORDS,
        opened=OPENED,
        covered=covered,
        state=state,
    )


@router.get("/audit/{number}/proof.json", openapi_extra=needs("audit"))
async def download_proof(request: Request, number: EntryNumber, fields: FieldsQuery = None) -> Response:
    """Download the proof of an entry, with the chosen fields open."""
    proof = await proof_for(request, number, fields or OPENED)
    return attachment(json.dumps(proof.members(), ensure_ascii=False), f"audit-{number}.json", "application/json")


def _choices() -> PageValues:
    return {"countries": named_countries(COUNTRIES)}
