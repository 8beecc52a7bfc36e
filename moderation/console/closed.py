"""The page after a login in a second tab: the first tab still has what was typed."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.console.render import page
from moderation.console.route import page_router

router = page_router()


@router.get("/closed", openapi_extra=needs("read"))
async def show_closed(request: Request) -> Response:
    """Say that the login worked, and to go back to the other tab."""
    return page(request, "closed.html")
