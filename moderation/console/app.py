"""Mount the console on the application of the API."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import RedirectResponse

import moderation.console
from moderation.access.access import needs
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller
from moderation.console.navigation import LINKS
from moderation.console.refused import refusal_page
from moderation.console.route import page_router
from moderation.console.stream import LiveConsole
from streams.discovery import discover
from streams.errors import CallerMistake
from web.assets import STATIC, missing_vendor_files

_others = page_router()


def mount_console(app: FastAPI) -> None:
    """Add the pages and their files to the application of `create_app`, which needs the policy of pages.

    The server calls `app.state.end_streams` before it stops.

    Raises:
        CallerMistake: the browser libraries are missing.
    """
    if missing := missing_vendor_files():
        raise CallerMistake(
            f"the console's browser files are missing: {', '.join(missing)}",
            fix="run `make install`: the package's build puts them into web/static/vendor",
        )
    app.state.live_console = live = LiveConsole(app.state.services)
    app.state.end_streams = live.close
    app.state.refusal_page = refusal_page
    app.mount("/static", StaticFiles(directory=STATIC))
    for router in discover(moderation.console, "router"):
        app.include_router(router, include_in_schema=False)

    app.include_router(_others, include_in_schema=False)

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        """Lead to the console."""
        return RedirectResponse("/console", 303)


@_others.get("", openapi_extra=needs("read"))
async def home(request: Request) -> RedirectResponse:
    """Lead to the first page of the navigation that the caller may open."""
    caller: Caller = request.state.caller
    return RedirectResponse(next(link.path for link in LINKS if caller.may(link.permission)), 303)


@_others.get("/{path:path}", openapi_extra=needs("read"))
async def no_page(path: str) -> None:
    """Refuse an unknown address."""
    raise RefusedCall("not_found", f"there is no page {ascii(path)[:200]}", "choose a page above, or press Ctrl+K")
