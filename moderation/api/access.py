"""Access control: authentication, roles, rate limits and idempotency, before any body is read.

A route states its permission; the OpenAPI document shows which roles have it. Without a key file the API listens on
loopback only, requires no key, and answers only direct calls of this machine: a proxy would make all its callers
admins. A browser on the same machine still cannot write, because every write needs a header that no form can send. It
cannot read either, because a request with a foreign host name is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from moderation.api.answers import JsonReply, RefusedCall, answer_of
from moderation.api.idempotency import IdempotencyStore, InProgress, KeyReused, WriteAnswer
from moderation.api.keys import ALLOWED, ApiKey, KeyRing, Permission
from moderation.api.limits import RateLimit
from streams.clock import monotonic_seconds, now_ms
from streams.errors import DependencyAway, HushtagError
from web.callers import Network, client_address, names_this_machine, rate_group, why_not_direct

LOCAL_CALLER = ApiKey(name="local", role="admin", sha256="0" * 64, acts_for_others=True)
"""Caller on this machine where no keys are set."""
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AccessControl:
    """Checks that every call passes.

    Args:
        ring: the keys.
        limit: limit of the calls of each key.
        trusted: proxies whose X-Forwarded-For counts.
    """

    def __init__(self, ring: KeyRing, limit: RateLimit, trusted: Sequence[Network] = ()) -> None:
        self.ring = ring
        self._trusted = trusted
        self.idempotency = IdempotencyStore()
        self._limit = limit
        self._guesses = RateLimit(per_second=0.2, burst=10)

    def admit(self, request: Request, permission: Permission) -> ApiKey:
        """Authenticate and authorise a call.

        Raises:
            RefusedCall: unknown key (401), wrong role or a proxy without keys (403), too many calls (429) or a foreign
                host name (421).
        """
        caller = self._identify(request)
        _spend(self._limit, caller.name)
        if caller.role not in ALLOWED[permission]:
            roles = ", ".join(sorted(ALLOWED[permission]))
            raise RefusedCall(403, "forbidden", f"{caller.name} has the role {caller.role}; this call needs {roles}")
        return caller

    def _identify(self, request: Request) -> ApiKey:
        if self.ring.open:
            if not names_this_machine(request):
                raise RefusedCall(421, "wrong_host", "without keys only localhost is served", "call localhost")
            if why := why_not_direct(request):
                message = f"without keys only direct calls from this machine are served: {why}"
                fix = "start the API with --keys FILE (hushtag api-key NAME), or call it directly, without a proxy"
                raise RefusedCall(403, "keys_needed", message, fix)
            return LOCAL_CALLER
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        found = self.ring.find(key.strip()) if scheme.lower() == "bearer" and key else None
        if found is None:
            _spend(self._guesses, self._guesser(request))
            headers = {"WWW-Authenticate": 'Bearer realm="hushtag"'}
            raise RefusedCall(401, "unauthorised", "missing or unknown API key", "Authorization: Bearer KEY", headers)
        return found

    def _guesser(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        return rate_group(client_address(peer, request.headers.getlist("x-forwarded-for"), self._trusted))


class GuardedRoute(APIRoute):
    """Route behind access control; `needs` states its permission."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that checks the key, the role and the rate first."""
        handle = super().get_route_handler()
        permission: Permission = (self.openapi_extra or {})["x-permission"]

        async def guarded(request: Request) -> Response:
            access: AccessControl = request.app.state.access
            request.state.caller = access.admit(request, permission)
            return await handle(request)

        return guarded


def needs(permission: Permission) -> dict[str, Any]:
    """Build the `openapi_extra` of a route that needs a permission."""
    return {"x-permission": permission, "x-roles": sorted(ALLOWED[permission])}


def may(request: Request, permission: Permission) -> bool:
    """Return whether the caller also has another permission."""
    caller: ApiKey = request.state.caller
    return caller.role in ALLOWED[permission]


async def write_once(
    request: Request, key: str, actor: str, work: Callable[[str], Awaitable[dict[str, Any]]]
) -> Response:
    """Do a write once for each idempotency key; a repetition gets the same answer.

    Args:
        request: request, admitted already.
        key: idempotency key of the header.
        actor: the person that the body names; it is checked against the caller's key.
        work: does the write in the name of the actor and returns the body of the answer (201).

    Raises:
        RefusedCall: the actor (403) or the idempotency key (422, 409) cannot be used.
    """
    actor = _recorded_actor(request, actor)
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise RefusedCall(422, "mistake", "Idempotency-Key is 1 to 64 letters, digits, _ or -", "send a new UUID")
    store = request.app.state.access.idempotency
    caller: ApiKey = request.state.caller
    content = b"\n".join([request.method.encode(), str(request.url.path).encode(), await request.body()])
    try:
        known = store.begin(caller.name, key, hashlib.sha256(content).hexdigest(), now_ms())
    except KeyReused:
        raise RefusedCall(
            422, "key_reused", "this Idempotency-Key belongs to another request", "send a new one"
        ) from None
    except InProgress:
        raise RefusedCall(409, "under_way", "the same request is in progress", "wait for its answer") from None
    if known is not None:
        return JsonReply(known.body, known.status, {"Idempotency-Replayed": "true"})
    answer: WriteAnswer | None = None
    try:
        answer = WriteAnswer(201, await work(actor))
    except DependencyAway:
        raise
    except HushtagError as error:
        answer = answer_of(error)
    finally:
        store.end(caller.name, key, answer)
    return JsonReply(answer.body, answer.status)


def _recorded_actor(request: Request, actor: str) -> str:
    """Return the actor to record: one name for each person, with every key and client.

    Two-person approval and the judging of appeals compare these names.
    """
    caller: ApiKey = request.state.caller
    if actor != caller.writes_as and not caller.acts_for_others:
        raise RefusedCall(
            403, "not_you", f"this key may only write as {caller.writes_as}", f'"actor": "{caller.writes_as}"'
        )
    return actor


def _spend(limit: RateLimit, caller: str) -> None:
    wait_seconds = limit.take(caller, monotonic_seconds())
    if wait_seconds:
        headers = {"Retry-After": str(int(wait_seconds) + 1)}
        raise RefusedCall(429, "too_often", f"the next call is allowed in {wait_seconds:.1f} s", "retry later", headers)
