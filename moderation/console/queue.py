"""The queue: the cases that wait for a person, in the order of work."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from moderation.api.access import needs
from moderation.api.blinding import reader_of
from moderation.api.services import services_of
from moderation.cases.case import work_order
from moderation.cases.queue import is_waiting
from moderation.cases.records import COMMON_TEAM
from moderation.cases.view import case_as_dict
from moderation.console.render import page
from moderation.console.route import page_router
from streams.clock import now_ms

router = page_router()


@router.get("/queue", openapi_extra=needs("decide"))
async def show_queue(request: Request) -> Response:
    """Show the queue."""
    service, person, at_ms = services_of(request).cases, reader_of(request), now_ms()
    found = [
        (work_order(case, blinded=plain["blinded"]), plain)
        for case in (await service.refresh()).values()
        if is_waiting(case, person, COMMON_TEAM, at_ms) and (plain := case_as_dict(case, service, person))
    ]
    return page(request, "queue.html", cases=[plain for _, plain in sorted(found, key=lambda pair: pair[0])])
