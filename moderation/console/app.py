"""Mount the console on the application of the API."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import RedirectResponse

from moderation.console.pages import ROUTERS
from moderation.console.render import HOME
from moderation.console.stream import LiveConsole
from streams.errors import CallerMistake
from web.assets import STATIC, missing_vendor_files


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
    app.mount("/static", StaticFiles(directory=STATIC))
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)

    @app.get("/", include_in_schema=False)
    @app.get("/console", include_in_schema=False)
    async def home() -> RedirectResponse:
        """Lead to the queue, or to the first page that the caller may open."""
        return RedirectResponse(HOME, 303)
