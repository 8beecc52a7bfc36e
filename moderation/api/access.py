"""The door: who calls, may they, and not too often; and each write once. Before any body is read.

A route says its permission; the OpenAPI document shows which roles have it. Without a file of keys the API listens on
loopback only and asks for none; a browser on the same machine still cannot write, for every write needs a header that
no form can send, nor read, for a foreign host name in the request is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from moderation.api.answers import Json, Refused, of_error
from moderation.api.keys import ALLOWED, Key, KeyRing, Permission
from moderation.api.limits import RateLimit
from moderation.api.replays import Answer, KeyReused, Replays, UnderWay
from streams.clock import monotonic_seconds, now_ms
from streams.errors import DependencyAway, HushtagError

NOBODY = Key(name="local", role="admin", sha256="0" * 64, acts_for_others=True)
"""Whoever calls where no keys are set: somebody on this machine."""
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


class Door:
    """What every call passes."""

    def __init__(self, ring: KeyRing, limit: RateLimit) -> None:
        self.ring = ring
        self.replays = Replays()
        self._limit = limit
        self._guesses = RateLimit(per_second=0.2, burst=10)

    def admit(self, request: Request, permission: Permission) -> Key:
        """Whose call it is.

        Raises:
            Refused: no key or a wrong one (401), the wrong role (403), too often (429), a foreign host (421).
        """
        caller = self._identify(request)
        self._slow_down(self._limit, caller.name)
        if caller.role not in ALLOWED[permission]:
            roles = ", ".join(sorted(ALLOWED[permission]))
            raise Refused(403, "forbidden", f"{caller.name} is {caller.role}: this is for {roles}")
        return caller

    def _identify(self, request: Request) -> Key:
        if self.ring.open:
            if not _LOOPBACK.fullmatch(request.headers.get("host", "")):
                raise Refused(421, "wrong_host", "without keys only this machine is answered", "ask localhost")
            return NOBODY
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        found = self.ring.find(key.strip()) if scheme.lower() == "bearer" and key else None
        if found is None:
            self._slow_down(self._guesses, request.client.host if request.client else "")
            headers = {"WWW-Authenticate": 'Bearer realm="hushtag"'}
            raise Refused(401, "unauthorised", "no API key, or an unknown one", "Authorization: Bearer KEY", headers)
        return found

    def _slow_down(self, limit: RateLimit, caller: str) -> None:
        wait_seconds = limit.take(caller, monotonic_seconds())
        if wait_seconds:
            headers = {"Retry-After": str(int(wait_seconds) + 1)}
            raise Refused(429, "too_often", f"{wait_seconds:.1f} s too early", "wait, then go on", headers)


class Guarded(APIRoute):
    """A route behind the door; its permission is in `openapi_extra`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        permission: Permission = (self.openapi_extra or {})["x-permission"]

        async def guarded(request: Request) -> Response:
            door: Door = request.app.state.door
            request.state.caller = door.admit(request, permission)
            return await handle(request)

        return guarded


def needs(permission: Permission) -> dict[str, Any]:
    """What a route says of itself, for the door and for the document."""
    return {"x-permission": permission, "x-roles": sorted(ALLOWED[permission])}


def actor_of(request: Request, actor: str) -> str:
    """The actor that is recorded: always a person's name, the same whatever way they came. The rule of two and the
    judging of appeals compare these names.

    Raises:
        Refused: a person's key names somebody else.
    """
    caller: Key = request.state.caller
    if actor != caller.writes_as and not caller.acts_for_others:
        raise Refused(403, "not_you", f"this key writes as {caller.writes_as} only", f'"actor": "{caller.writes_as}"')
    return actor


def may(request: Request, permission: Permission) -> bool:
    """Whether the caller could do something else than what they came for."""
    caller: Key = request.state.caller
    return caller.role in ALLOWED[permission]


async def once(request: Request, key: str, work: Callable[[], Awaitable[Answer]]) -> Response:
    """Do a write once for its idempotency key; a repetition gets the same answer."""
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Refused(422, "mistake", "Idempotency-Key is 1 to 64 letters, digits, _ or -", "send a fresh UUID")
    door: Door = request.app.state.door
    caller: Key = request.state.caller
    said = b"\n".join([request.method.encode(), str(request.url.path).encode(), await request.body()])
    try:
        before = door.replays.begin(caller.name, key, hashlib.sha256(said).hexdigest(), now_ms())
    except KeyReused:
        raise Refused(422, "key_reused", "this Idempotency-Key came with another request", "send a fresh one") from None
    except UnderWay:
        raise Refused(409, "under_way", "the same request is being worked on", "wait for its answer") from None
    if before is not None:
        return Json(before.body, before.status, {"Idempotency-Replayed": "true"})
    answer: Answer | None = None
    try:
        answer = await work()
        return Json(answer.body, answer.status)
    except DependencyAway:
        raise
    except HushtagError as error:
        answer = of_error(error)
        return Json(answer.body, answer.status)
    finally:
        door.replays.end(caller.name, key, answer)
