"""Consoles with cases, and pages of named people that fail a test on what no page of the console may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.sessions import Session, Sessions
from streams.clock import now_ms
from tests.support.console_world import ConsoleWorld


class People:
    """Sessions of named people, with the role `admin` unless a test names another."""

    def __init__(self) -> None:
        self.sessions = Sessions(SessionConfig(url="http://127.0.0.1", session_seconds=3_600), None, "k" * 32, now_ms)
        self.of: dict[str, Session] = {}

    def cookie(self, name: str, role: str = "admin") -> tuple[str, str]:
        """Log a person in, and return the name and value of the cookie."""
        self.of[name] = session = self.sessions.begin(Identity(name, name, (role,), ""))
        return self.sessions.cookie, self.sessions.encrypt(session)


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def new_console(people: People) -> Iterator[Callable[..., ConsoleWorld]]:
    """Start consoles on automated decisions, with the people's sessions; all are stopped at the end."""
    worlds: list[ConsoleWorld] = []

    def new(*decisions: Any, **options: Any) -> ConsoleWorld:
        worlds.append(ConsoleWorld(decisions, sessions=people.sessions, **options))
        return worlds[-1]

    yield new
    for world in worlds:
        world.stop()


@pytest.fixture
def expected() -> set[int]:
    """Error statuses that the test provokes; it adds them."""
    return set()


class Faults(list[str]):
    """What went wrong in the pages of a test; a test that provokes a fault clears it."""


@pytest.fixture
def faults() -> Iterator[Faults]:
    found = Faults()
    yield found
    assert found == []


@pytest.fixture
def open_console(browser: Browser, faults: Faults, expected: set[int]) -> Iterator[Callable[..., Page]]:
    """Open a path of a console in a new browser context, with options of the context.

    Console errors, outside requests and unexpected statuses fail the test.
    """
    contexts = []

    def opened(world: ConsoleWorld, path: str, cookies: Sequence[tuple[str, str]] = (), **options: Any) -> Page:
        context = browser.new_context(
            **{"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}} | options
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        context.add_cookies([{"name": name, "value": value, "url": world.url} for name, value in cookies])
        page = context.new_page()

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not (expected and "Failed to load resource" in message.text):
                faults.append(f"console: {message.text} at {message.location}")

        def response(one: Response) -> None:
            if one.status >= 400 and one.status not in expected:
                faults.append(f"{one.status}: {one.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        context.on("request", lambda r: None if r.url.startswith(world.url) else faults.append(f"outside: {r.url}"))
        page.on("response", response)
        page.goto(world.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def open_as(open_console: Callable[..., Page], people: People) -> Callable[..., Page]:
    """Open a path of a console as a named person."""

    def opened(world: ConsoleWorld, path: str, person: str = "asha", *, role: str = "admin", **options: Any) -> Page:
        return open_console(world, path, [people.cookie(person, role)], **options)

    return opened
