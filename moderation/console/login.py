"""The login page: by the identity provider, or with an API key that is sent once. It is the only page without a caller.

The form carries the state of a login in this browser, which its cookie repeats, so no other site can send it. The key
travels in the body: it is in no address, log, cookie or answer.
"""

from __future__ import annotations

import hmac
from typing import Annotated
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from moderation.access.access import AccessControl
from moderation.access.key_login import begin_with_key, check_public_address, takes_keys
from moderation.access.local_paths import CONSOLE, local_path
from moderation.access.problems import Problem, RefusedCall
from moderation.access.sessions import KEY_PAGE, LOGIN_MS, OPEN_LINK, Sessions
from moderation.console.render import page
from web.callers import is_loopback, names_this_machine, why_forwarded

router = APIRouter(prefix=CONSOLE)
MOST_FORM_BYTES = 4_096


@router.get("/login")
async def show_login(
    request: Request, next_: Annotated[str, Query(alias="next", max_length=2_000)] = CONSOLE
) -> Response:
    """Show both ways to log in; lead on where there is only the identity provider."""
    access: AccessControl = request.app.state.access
    path = local_path(next_, CONSOLE)
    if access.sessions is None or not takes_keys(access):
        if access.sessions is not None and access.sessions.provider is not None:
            return RedirectResponse(_provider_login(path), 303)
        raise _no_login(access)
    url = access.sessions.config.url
    try:
        access.limit_logins(request)
        check_public_address(request, url)
    except RefusedCall as error:
        is_local = is_loopback(urlsplit(url).hostname or "") and names_this_machine(request)
        if is_local and error.body["status"] == 421 and not why_forwarded(request):
            return RedirectResponse(f"{url}{KEY_PAGE}?next={quote(path, safe='')}", 303)
        raise
    return _form(request, access.sessions, path)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Take an API key, and begin a session; a refusal shows the form again, without the key."""
    access: AccessControl = request.app.state.access
    sessions = access.sessions
    if sessions is None or not takes_keys(access):
        raise _no_login(access)
    login = sessions.begun_login(request.cookies.get(sessions.login_cookie, ""))
    try:
        fields = await _fields(request)
        if login is None or not hmac.compare_digest(login.state.encode(), fields.get("state", "").encode()):
            raise RefusedCall(
                "unauthorised", "this form is from another browser, or older than ten minutes", "try again"
            )
        session = begin_with_key(access, request, fields.get("key", "").strip())
    except RefusedCall as error:
        return _form(request, sessions, CONSOLE if login is None else login.next, error.body)
    request.state.session, request.state.caller = session, access.caller_of(session)  # for the access log
    response = RedirectResponse(login.next, 303)
    sessions.put(response, session)
    sessions.set_cookie(response, sessions.login_cookie, "", 0)
    return response


def _form(request: Request, sessions: Sessions, path: str, problem: Problem | None = None) -> Response:
    login = sessions.begin_login(path)
    begun = sessions.begun_login(request.cookies.get(sessions.login_cookie, ""))
    if begun is not None:  # the forms in other tabs stay valid
        login = msgspec.structs.replace(login, state=begun.state)
    response = page(
        request,
        "login.html",
        status=200 if problem is None else problem["status"],
        state=login.state,
        provider=_provider_login(path) if sessions.provider is not None else "",
        problem=problem,
    )
    sessions.set_cookie(response, sessions.login_cookie, sessions.encrypt(login), LOGIN_MS // 1000)
    return response


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            raise RefusedCall("too_large", "this is longer than any key", "paste the key alone")
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _provider_login(path: str) -> str:
    return f"/login?next={quote(path, safe='')}"


def _no_login(access: AccessControl) -> RefusedCall:
    if access.link is not None:
        return RefusedCall("unauthorised", "a link is the only login here", OPEN_LINK)
    return RefusedCall("not_found", "no login is set up here", "ask the operator of this server to set one up")
