"""Refusals in a browser: a page that names what happened and how to go on, in place of the API's problem details."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from moderation.access.access import AccessControl
from moderation.access.key_login import takes_keys
from moderation.access.local_paths import CONSOLE
from moderation.access.problems import Problem
from moderation.access.sessions import KEY_PAGE
from moderation.console.refusals import page_problem
from moderation.console.render import page

_NO_PAGES = ("/v1/", "/static/", "/metrics", "/openapi.json")
"""Addresses for programs, which get the problem in a browser too."""


def refusal_page(request: Request, problem: Problem) -> Response | None:
    """Return the page of a refusal, or the way to the login; None for a script or program.

    The pages' scripts ask with `HX-Request` or for any type, and show a problem in place.
    """
    if not _opens_page(request):
        return None
    access: AccessControl = request.app.state.access
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    refused_login = problem["status"] == 401
    has_provider = access.sessions is not None and access.sessions.provider is not None
    offers_login = refused_login and (has_provider or takes_keys(access))
    if offers_login and path.startswith(CONSOLE):
        return RedirectResponse(f"{KEY_PAGE}?next={quote(path, safe='')}", 303)
    if problem["status"] >= 500:
        request.state.caller = None  # a page of the caller may read the part that failed
    return page(
        request,
        "refused.html",
        status=problem["status"],
        problem=page_problem(problem),
        login=KEY_PAGE if offers_login else "",
        by_link=refused_login and access.link is not None,
    )


def _opens_page(request: Request) -> bool:
    asks_for_page = "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers
    return asks_for_page and not request.url.path.startswith(_NO_PAGES)
