"""Dialog of one decision on several cases: whom it reaches, who else works on them, and what cannot be decided so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from fastapi import Query, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import reader_of
from moderation.access.bodies import CASE_ID, MOST_CASES
from moderation.access.services import services_of
from moderation.console.case_words import DURATIONS, grounds_of
from moderation.console.queue_entries import QueueEntry
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.stream import live_of, viewer_of
from moderation.domain.cases.queue import claim_word
from streams.orders.speakers import same_person
from streams.policy import Policy

router = page_router()
TYPED_ABOVE = 20
"""Number of cases above which one types it."""
_VERBS = {"hide": "Hide", "show": "Show"}
CaseNames = Annotated[list[Annotated[str, Query(pattern=CASE_ID)]], Query(max_length=MOST_CASES)]


@dataclass(frozen=True, slots=True)
class BulkChoice:
    """Case of the dialog."""

    entry: QueueEntry
    problem: str
    """Why it is left out; "" if the decision covers it."""
    warnings: tuple[str, ...]


@router.get("/queue/bulk", openapi_extra=needs("decide"))
async def show_bulk(request: Request, verdict: Literal["hide", "show"], case: CaseNames) -> Response:
    """Show the form of a decision on several cases; a part of the page."""
    live, person = live_of(request), reader_of(request)
    await live.board.follow()
    viewer = viewer_of(request.state.caller, person)
    entries = {entry.id: entry for entry in live.board.entries(case, viewer) if entry.kind == "case"}
    policy = (await services_of(request).policy_topic()).live
    spared = Policy.from_canonical(policy.policy).is_never_suppressed if policy is not None else lambda hashtag: False
    rows = [
        bulk_row(
            entry,
            person,
            first_answer_due=live.board.owes_first_answer(entry.id, person),
            spared=verdict == "hide" and spared(entry.hashtag),
        )
        for entry in entries.values()
    ]
    taken = [row for row in rows if not row.problem]
    return page(
        request,
        "queue_bulk.html",
        rows=rows,
        taken=taken,
        missing=len(case) - len(entries),
        verb=_VERBS[verdict],
        verdict=verdict,
        lasts=DURATIONS,
        grounds=grounds_of(verdict, sorted({name for row in taken for name in row.entry.categories})),
        typed=len(taken) > TYPED_ABOVE,
        body=msgspec.json.encode([{"case": row.entry.id, "if_version": row.entry.version} for row in taken]).decode(),
        reach=sum(row.entry.reach or 0 for row in taken),
    )


def bulk_row(entry: QueueEntry, person: str, *, first_answer_due: bool, spared: bool = False) -> BulkChoice:
    """Say what keeps a case out of a decision on several, and what to know before."""
    problem = ""
    if entry.hidden:
        problem = "a second look has its own verdict"
    elif claim_word(entry.claimed_by, person) == "others":
        problem = f"claimed by {entry.claimed_by}"
    elif "appeal" in entry.why and len(entry.why) == 1:
        problem = "an appeal has its own outcome"
    elif first_answer_due:
        problem = "open it first: your first answer is due"
    others = [viewer for viewer in entry.viewers if not same_person(viewer, person)]
    warnings = [f"{' and '.join(others)} {'has' if len(others) == 1 else 'have'} it open"] if others else []
    if spared:
        warnings.append("the policy never hides it by itself (never_suppress)")
    return BulkChoice(entry, problem, tuple(warnings))
