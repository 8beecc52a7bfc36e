"""Guarded routes of pages: a refusal becomes a page in a browser, and stays a problem for a script."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from moderation.api.access import AccessControl, GuardedRoute
from moderation.api.problems import RefusedCall, problem_of
from moderation.api.sessions import KEY_PAGE
from moderation.console.render import refusal_page
from streams.errors import HushtagError


class PageRoute(GuardedRoute):
    """Route of a page or a part of one; `needs` states its permission, as for the API.

    The pages' scripts ask for parts with `HX-Request` and show a problem in place.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that answers refusals of whole pages with a page."""
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handle(request)
            except (RefusedCall, HushtagError) as error:
                if "hx-request" in request.headers:
                    raise
                return _refused(request, error.body if isinstance(error, RefusedCall) else problem_of(error))

        return page


def page_router() -> APIRouter:
    """Make the router of one page."""
    return APIRouter(prefix="/console", route_class=PageRoute)


def _refused(request: Request, problem: dict[str, Any]) -> Response:
    access: AccessControl = request.app.state.access
    if problem["status"] == 401 and access.sessions is not None and access.link is None:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{KEY_PAGE}?next={quote(path, safe='')}", 303)
    return refusal_page(request, problem)
