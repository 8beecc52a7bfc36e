"""Fixtures of the API tests: one application, with a log, keys and limits for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.access import AccessControl
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.http.app import create_app
from tests.support.api_answers import conformity_check
from tests.support.api_calls import (
    RING,
    SERVICE,
    Configure,
    decision,
)
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld


@pytest.fixture
def log() -> InMemoryLog:
    return InMemoryLog()


@pytest.fixture(scope="module")
def running() -> Iterator[TestClient]:
    """One application for all tests: building its document takes a third of a second."""
    app = create_app(ApiWorld().services, KeyRing.of([]), RateLimit(1, 1))
    peer = ("127.0.0.1", 50_000)
    with TestClient(app, base_url="http://127.0.0.1:8710", raise_server_exceptions=False, client=peer) as client:
        client.event_hooks["response"] = [conformity_check(app)]
        yield client


@pytest.fixture
def configure(running: TestClient, log: InMemoryLog) -> Configure:
    """Put the log, keys and limits of a test behind the application."""

    def configured(ring: KeyRing, limit: RateLimit) -> TestClient:
        cast(FastAPI, running.app).state.access = AccessControl(ring, limit)
        return ApiWorld(decision(), decision("held", "hold"), log=log, share=1.0).serve(running)

    return configured


@pytest.fixture
def client(configure: Configure) -> TestClient:
    return configure(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 1_000_000))
