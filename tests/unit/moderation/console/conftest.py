"""A console over services in memory, called without a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from moderation.access.keys import KeyRing, Role
from moderation.access.limits import RateLimit
from moderation.console.app import mount_console
from moderation.http.app import create_app
from streams.log.decisions import Decision
from tests.support.api_calls import KEYS, RING
from tests.support.moderation_world import ApiWorld
from web.headers import CONTENT_SECURITY_POLICY


@pytest.fixture
def console_client() -> Callable[..., TestClient]:
    """Build a client of a console on automated decisions, with the key of a role."""

    def new(*decisions: Decision, role: Role = "moderator", share: float = 0.0) -> TestClient:
        app = create_app(
            ApiWorld(*decisions, share=share).services,
            KeyRing.of(RING),
            RateLimit(1e6, 10**6),
            content_security_policy=CONTENT_SECURITY_POLICY,
        )
        mount_console(app)
        return TestClient(app, headers={"Authorization": f"Bearer {KEYS[role]}", "Accept": "text/html"})

    return new
