"""Access control: authentication, roles, rate limits and idempotency, before any body is read.

Services send keys, people's browsers a session cookie (`sessions`). No call is anonymous. With `hushtag api --reviewer`
a session is the only way in, and calls must come directly from this machine under a loopback host name.

A route states its permission; the OpenAPI document shows which roles have it. A page of another site in a person's
browser cannot write: its calls are refused by `Sec-Fetch-Site` and `Origin`, and a write needs the session's token.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from moderation.access.answers import JsonReply
from moderation.access.bodies import REQUEST_MS, REQUEST_NAMES
from moderation.access.body_reading import BodyRequest, BodyShape
from moderation.access.idempotency import IdempotencyStore, InProgress, KeyReused, WriteAnswer
from moderation.access.keys import ALLOWED, KeyRing, Permission
from moderation.access.limits import RateLimit
from moderation.access.problems import Fault, ProblemReply, RefusedCall, problem_of
from moderation.access.reviewer_link import ReviewerLink
from moderation.access.rights import Caller, Grant
from moderation.access.services import present_ms, services_of
from moderation.access.sessions import Session, Sessions
from streams.answers import AnswerModel
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway, HushtagError
from web.callers import Network, client_address, names_this_machine, rate_group, why_not_direct

_READS = frozenset(("GET", "HEAD", "OPTIONS"))
_ASK = "ask an admin for the role"
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AccessControl:
    """Checks that every call passes.

    Args:
        ring: the keys.
        limit: limit of the calls of each key.
        trusted: proxies whose X-Forwarded-For counts.
        sessions: browser sessions; None without a login.
    """

    def __init__(
        self, ring: KeyRing, limit: RateLimit, trusted: Sequence[Network] = (), sessions: Sessions | None = None
    ) -> None:
        self.ring = ring
        self.sessions = sessions
        self.link: ReviewerLink | None = None
        """Link of `hushtag api --reviewer`."""
        self._trusted = trusted
        self.idempotency = IdempotencyStore()
        self._limit = limit
        self._guesses = RateLimit(per_second=0.2, burst=10)
        self._logins = RateLimit(per_second=1, burst=30)
        self.streams = Counter[str]()
        """Open event streams of each caller."""

    async def admit(self, request: Request, permission: Permission) -> Caller:
        """Authenticate and authorise a call.

        Raises:
            RefusedCall: unknown key or session (401), wrong role, forged write or a proxy without keys (403), too many
                calls (429) or a foreign host name (421).
        """
        caller = await self.identify(request)
        request.state.caller, request.state.permission = caller, permission
        _spend(self._limit, caller.name)
        if not caller.may(permission):
            roles = ", ".join(sorted(ALLOWED[permission]))
            has = ", ".join(caller.roles)
            raise RefusedCall("forbidden", f"{caller.name} has the role {has}; this call needs {roles}", _ASK)
        return caller

    async def identify(self, request: Request) -> Caller:
        """Authenticate a call; raises the errors of `admit`, but for roles and rates."""
        self.check_direct(request)
        if "authorization" not in request.headers and (session := await self._session(request)) is not None:
            return self.caller_of(session)
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        api_key = self.ring.find(key.strip()) if scheme.lower() == "bearer" and key else None
        if api_key is None:
            self.limit_guesses(request)
            headers = {"WWW-Authenticate": 'Bearer realm="hushtag"'}
            fix = "Authorization: Bearer KEY"
            if self.sessions is not None:
                fix = self.sessions.how_to_begin if self.link else f"{fix}, or {self.sessions.how_to_begin}"
            what = "this browser has no session" if self.link else "missing or unknown API key"
            raise RefusedCall("unauthorised", what, fix, headers={} if self.link else headers)
        return Caller(
            name=api_key.name,
            writes_as=api_key.writes_as,
            grants=(Grant(role=api_key.role, rights=api_key.rights),),
            acts_for_others=api_key.acts_for_others,
        )

    def caller_of(self, session: Session) -> Caller:
        """Return the caller of a session; one of a key has the rights that the key has now."""
        assert self.sessions is not None
        if not session.key:
            return self.sessions.caller_of(session)
        key = self.ring.find_hash(session.key)
        if key is None or key.why_no_session:
            raise RefusedCall("unauthorised", "the API key of this session has ended", self.sessions.how_to_begin)
        grants = (Grant(role=key.role, rights=key.rights),)
        return Caller(name=key.name, writes_as=key.writes_as, grants=grants, session=session.id)

    def check_direct(self, request: Request) -> None:
        """Check that a call comes directly from this machine, if neither keys nor a provider are set.

        Raises:
            RefusedCall: a foreign host name (421), a proxy or another machine (403).
        """
        if not self.ring.open or (self.sessions is not None and self.sessions.provider is not None):
            return
        if not names_this_machine(request):
            raise RefusedCall("wrong_host", "without keys only localhost is served", "call localhost")
        if why := why_not_direct(request):
            message = f"without keys only direct calls from this machine are served: {why}"
            fix = "start the API with --keys FILE (hushtag api-key NAME), or call it directly, without a proxy"
            raise RefusedCall("keys_needed", message, fix)

    async def _session(self, request: Request) -> Session | None:
        """Return the session of a browser; a write must also carry its token, which no other site can read."""
        if self.sessions is None or (cookie := request.cookies.get(self.sessions.cookie)) is None:
            return None
        session, renewed = await self.sessions.open(cookie)
        if await services_of(request).session_ends.has(session.id):
            self.sessions.end(session)
            raise RefusedCall("unauthorised", "this session was logged out or ended", self.sessions.how_to_begin)
        if request.method not in _READS:
            refuse_foreign_write(request, self.sessions.config.url)
            self.sessions.check_csrf(session, request.headers.get("x-csrf-token", ""))
        request.state.session = session
        if renewed:
            request.state.renewed = session
        return session

    def limit_logins(self, request: Request) -> None:
        """Spend one login of an address, each of which may ask the provider.

        Raises:
            RefusedCall: too many (429).
        """
        _spend(self._logins, self._guesser(request))

    def limit_guesses(self, request: Request) -> None:
        """Spend one wrong key of an address.

        Raises:
            RefusedCall: too many (429).
        """
        _spend(self._guesses, self._guesser(request))

    def _guesser(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        return rate_group(client_address(peer, request.headers.getlist("x-forwarded-for"), self._trusted))


class GuardedRoute(APIRoute):
    """Route behind access control; `needs` states its permission."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that checks the key, the role and the rate first."""
        handle = super().get_route_handler()
        permission: Permission = (self.openapi_extra or {})["x-permission"]
        shape = None if self.body_field is None else BodyShape(self.body_field.field_info.annotation)

        async def guarded(request: Request) -> Response:
            access: AccessControl = request.app.state.access
            await access.admit(request, permission)
            checked = BodyRequest(request.scope, request.receive)
            if request.method != "GET":
                REQUEST_NAMES.set(await services_of(request).names())
                REQUEST_MS.set(present_ms(request))
            if shape is not None:
                await checked.read_body(shape)
            try:
                response = await handle(checked)
            except RequestValidationError as error:
                raise checked.with_body_faults(error) from None
            if (renewed := getattr(request.state, "renewed", None)) is not None and access.sessions is not None:
                access.sessions.put(response, renewed)
            return response

        return guarded


def needs(permission: Permission) -> dict[str, Any]:
    """Build the `openapi_extra` of a route that needs a permission."""
    return {"x-permission": permission, "x-roles": sorted(ALLOWED[permission])}


def may(request: Request, permission: Permission) -> bool:
    """Return whether the caller also has another permission."""
    caller: Caller = request.state.caller
    return caller.may(permission)


def refuse_foreign_read(request: Request) -> None:
    """Refuse a read that is recorded in the name of its reader, if a page of another site makes the browser send it.

    Raises:
        RefusedCall: it comes from another site (403).
    """
    if _from_other_site(request):
        raise RefusedCall("csrf", "this read is recorded, and comes from another site", "read it on a page of this one")


async def write_once(
    request: Request,
    key: str,
    actor: str | None,
    work: Callable[[str], Awaitable[AnswerModel | dict[str, Any]]],
    *,
    status: int = 201,
) -> Response:
    """Do a write once for each idempotency key; a repetition gets the same answer.

    Args:
        request: request, admitted already.
        key: idempotency key of the header.
        actor: the person that the body names, checked against the caller; None: the caller.
        work: does the write in the name of the actor and returns the answer.
        status: status of the answer.

    Raises:
        RefusedCall: the actor (403) or the idempotency key (422, 409) cannot be used.
    """
    actor = request.state.actor = _recorded_actor(request, actor)
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        fault = "1 to 64 letters, digits, _ or - are needed"
        raise RefusedCall(
            "mistake",
            f"Idempotency-Key: {fault}",
            "send a new UUID",
            errors=[Fault(fault, parameter="Idempotency-Key")],
        )
    store = request.app.state.access.idempotency
    caller: Caller = request.state.caller
    content = b"\n".join([request.method.encode(), str(request.url.path).encode(), await request.body()])
    try:
        earlier = store.begin(caller.name, key, hashlib.sha256(content).hexdigest(), round(1000 * monotonic_seconds()))
    except KeyReused:
        raise RefusedCall("key_reused", "this Idempotency-Key belongs to another request", "send a new one") from None
    except InProgress:
        raise RefusedCall("under_way", "the same request is in progress", "wait for its answer") from None
    if earlier is not None:
        return _reply(earlier, {"Idempotency-Replayed": "true"})
    answer: WriteAnswer | None = None
    try:
        answer = WriteAnswer(status, _members(await work(actor)))
    except DependencyAway:
        raise
    except HushtagError as error:
        body = problem_of(error)
        answer = WriteAnswer(body["status"], body)
    finally:
        store.end(caller.name, key, answer)
    return _reply(answer)


def _members(answer: AnswerModel | dict[str, Any]) -> dict[str, Any]:
    return answer.members() if isinstance(answer, AnswerModel) else answer


def _reply(answer: WriteAnswer, headers: dict[str, str] | None = None) -> Response:
    if answer.status >= 400 and isinstance(answer.body, dict):
        return ProblemReply(answer.body, headers)
    return JsonReply(answer.body, answer.status, headers)


def _recorded_actor(request: Request, actor: str | None) -> str:
    """Return the actor to record: one name for each person, with every key and client.

    Two-person approval and the judging of appeals compare these names.
    """
    caller: Caller = request.state.caller
    if actor is None:
        actor = caller.writes_as
    if actor != caller.writes_as and not caller.acts_for_others:
        raise RefusedCall("not_you", f"you may only write as {caller.writes_as}", f'"actor": "{caller.writes_as}"')
    return actor


def refuse_foreign_write(request: Request, own: str) -> None:
    """Refuse a write that a browser sends for a page of another origin; older browsers send only `Origin`.

    Raises:
        RefusedCall: it comes from another site (403).
    """
    if request.method in _READS:
        return
    origin = request.headers.get("origin")
    foreign = "sec-fetch-site" not in request.headers and origin is not None and origin.lower() != own.lower()
    if foreign or _from_other_site(request):
        raise RefusedCall("csrf", "the write comes from another site", "write from the pages of this server")


def _from_other_site(request: Request) -> bool:
    return request.headers.get("sec-fetch-site") not in (None, "same-origin", "none")


def _spend(limit: RateLimit, caller: str) -> None:
    wait_seconds = limit.take(caller, monotonic_seconds())
    if wait_seconds:
        headers = {"Retry-After": str(int(wait_seconds) + 1)}
        raise RefusedCall(
            "too_often", f"the next call is allowed in {wait_seconds:.1f} s", "retry later", headers=headers
        )
