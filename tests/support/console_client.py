"""Pages of the console without a server: one application for all tests, with the log and decisions of each."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from moderation.access.access import AccessControl
from moderation.access.keys import ApiKey, KeyRing, Role
from moderation.access.limits import RateLimit
from moderation.access.rights import Caller, Grant
from moderation.console.app import mount_console
from moderation.console.stream import LiveConsole
from moderation.http.app import create_app
from streams.log.decisions import Decision
from tests.support.api_calls import RING
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_policies import InMemoryPolicies
from tests.support.moderation_world import ApiWorld
from web.headers import CONTENT_SECURITY_POLICY


@cache
def _application() -> FastAPI:
    """Build the application once: its document takes a third of a second."""
    limit = RateLimit(1e6, 10**6)
    services = ApiWorld().services
    app = create_app(services, KeyRing.of(RING), limit, content_security_policy=CONTENT_SECURITY_POLICY)
    mount_console(app)
    return app


def console_client(
    decisions: Sequence[Decision] = (),
    log: InMemoryLog | None = None,
    *,
    keys: Sequence[ApiKey] = (),
    share: float = 0,
    policies: InMemoryPolicies | None = None,
) -> TestClient:
    """Return a client of the console; further keys join those of the roles."""
    app = _application()
    app.state.services = ApiWorld(*decisions, log=log, share=share, policies=policies).services
    app.state.live_console = LiveConsole(app.state.services)
    app.state.access = AccessControl(KeyRing.of([*RING, *keys]), RateLimit(1e6, 10**6))
    return TestClient(app, headers={"Accept": "text/html"})


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
