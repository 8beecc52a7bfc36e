"""Pages of the console without a server: one application for all tests, with the log and decisions of each."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from moderation.access.access import AccessControl
from moderation.access.keys import ApiKey, KeyRing, Role
from moderation.access.limits import RateLimit
from moderation.access.rights import Caller, Grant
from moderation.access.sessions import Sessions
from moderation.console.app import mount_console
from moderation.console.stream import LiveConsole
from moderation.http.app import create_app
from streams.log.decisions import Decision
from tests.support.api_calls import KEYS, RING
from tests.support.moderation_world import ApiWorld
from web.headers import CONTENT_SECURITY_POLICY


@cache
def _application() -> FastAPI:
    """Build the application once: its document takes a third of a second."""
    return console_app(ApiWorld())


def console_app(world: ApiWorld, keys: Sequence[ApiKey] = RING, sessions: Sessions | None = None) -> FastAPI:
    """Build an application with the console, for a test that changes it or serves it."""
    app = create_app(
        world.services, KeyRing.of(keys), RateLimit(1e6, 10**6), sessions=sessions,
        content_security_policy=CONTENT_SECURITY_POLICY,
    )  # fmt: skip
    mount_console(app)
    return app


def console_client(
    *decisions: Decision, keys: Sequence[ApiKey] = (), role: Role | None = None, **options: Any
) -> TestClient:
    """Return a client of the console in an `ApiWorld`.

    Args:
        decisions: automated decisions.
        keys: keys beside those of the roles.
        role: role whose key the calls have; None: no key.
        options: arguments of the world.
    """
    app = _application()
    app.state.services = ApiWorld(*decisions, **options).services
    app.state.live_console = LiveConsole(app.state.services)
    app.state.access = AccessControl(KeyRing.of([*RING, *keys]), RateLimit(1e6, 10**6))
    headers = {"Accept": "text/html"} | ({} if role is None else {"Authorization": f"Bearer {KEYS[role]}"})
    return TestClient(app, headers=headers)


def read_page(client: TestClient, path: str, role: str = "moderator") -> Response:
    """Read a page as a role."""
    return client.get(path, headers={"Authorization": f"Bearer hush_{role}"})


def words_of_page(answer: Response) -> str:
    """Return the visible words of a page, without its markup."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text.partition("<main")[2], flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def caller_of(role: Role) -> Caller:
    """Return the caller that the key of a role authenticates."""
    return Caller(name=role, writes_as=role, grants=(Grant(role=role),))
