"""Routes of the login: redirects of browsers, and logout.

`GET /login?next=/console` begins a login, `GET /login/callback` ends it. They are for browsers, not for programs, so
the OpenAPI document leaves them out. `GET /login/link` takes the token of a reviewer link.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from moderation.access.access import AccessControl, GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.key_login import takes_keys
from moderation.access.local_paths import CONSOLE, local_path
from moderation.access.oidc import Provider
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller
from moderation.access.services import services_of
from moderation.access.sessions import KEY_PAGE, LOGIN_MS, OPEN_LINK, Session, Sessions
from moderation.log.session_ends import end_session
from streams.answers import AnswerModel
from streams.errors import DependencyAway

browser = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["caller"])


class LogoutAnswer(AnswerModel):
    """End of a session."""

    provider: str | None
    """Address of the provider's own logout."""


@browser.get("/login")
async def begin(request: Request, next_: Annotated[str, Query(alias="next", max_length=2_000)] = "/v1/me") -> Response:
    """Redirect the browser to the identity provider; `next` is the page to return to."""
    access: AccessControl = request.app.state.access
    if takes_keys(access) and access.sessions is not None and access.sessions.provider is None:
        return RedirectResponse(f"{KEY_PAGE}?next={quote(next_, safe='')}", 303)
    sessions, provider = _limited_sessions(request)
    login = sessions.begin_login(local_path(next_))
    url = await provider.authorization_url(state=login.state, nonce=login.nonce, verifier=login.verifier)
    response = RedirectResponse(url, 302)
    sessions.set_cookie(response, sessions.login_cookie, sessions.encrypt(login), LOGIN_MS // 1000)
    return response


@browser.get("/login/callback")
async def finish(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Take the code of the provider, and begin a session."""
    sessions, _ = _limited_sessions(request)
    login = sessions.begun_login(request.cookies.get(sessions.login_cookie, ""))
    if login is None or not hmac.compare_digest(login.state.encode(), state.encode()):
        raise RefusedCall("unauthorised", "this login was not begun in this browser, or too long ago", "GET /login")
    if error or not code:
        raise RefusedCall("unauthorised", f"the identity provider refused: {error[:80] or 'no code'}", "GET /login")
    session = await sessions.finish_login(login, code)
    response = RedirectResponse(login.next, 303)
    sessions.put(response, session)
    sessions.set_cookie(response, sessions.login_cookie, "", 0)
    return response


@browser.get("/login/link")
async def open_link(request: Request, token: str = "") -> Response:
    """Take the token of the reviewer link, and begin a session."""
    access: AccessControl = request.app.state.access
    access.check_direct(request)
    if access.sessions is None or access.link is None:
        raise RefusedCall("not_found", "no link is valid here", OPEN_LINK)
    access.limit_logins(request)
    response = RedirectResponse(CONSOLE, 303)
    access.sessions.put(response, access.sessions.begin(access.link.person_of(token)))
    return response


@router.post("/logout", openapi_extra=needs("read"), response_model=LogoutAnswer)
async def logout(request: Request) -> Response:
    """End the browser session in every process; `provider` is where the provider's own session ends."""
    access: AccessControl = request.app.state.access
    session: Session | None = getattr(request.state, "session", None)
    if session is None or access.sessions is None:
        return JsonReply({"provider": None})
    caller: Caller = request.state.caller
    await end_session(
        services_of(request).moderation, session.id, target=caller.writes_as, actor=caller.writes_as, reason="log-out"
    )
    access.sessions.end(session)
    url = ""
    with suppress(DependencyAway, RefusedCall):  # the session has ended here all the same
        if access.sessions.provider is not None:
            url = await access.sessions.provider.log_out(session.refresh_token)
    response = JsonReply({"provider": url or None})
    access.sessions.set_cookie(response, access.sessions.cookie, "", 0)
    return response


def _limited_sessions(request: Request) -> tuple[Sessions, Provider]:
    access: AccessControl = request.app.state.access
    if access.link is not None:
        raise RefusedCall("unauthorised", "a link is the only login here", OPEN_LINK)
    if access.sessions is None or access.sessions.provider is None:
        raise RefusedCall(
            "not_found", "no login is configured here", "use an API key; HUSHTAG_PUBLIC_URL configures the login"
        )
    access.limit_logins(request)
    return access.sessions, access.sessions.provider
