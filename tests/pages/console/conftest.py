"""Pages of a console in this process; console errors, outside requests and unexpected statuses fail the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.console_world import ConsoleWorld


class Faults(list[str]):
    """What went wrong in the pages of a test; a test that provokes a fault clears it."""


@pytest.fixture
def faults() -> Iterator[Faults]:
    found = Faults()
    yield found
    assert found == []


@pytest.fixture
def open_console(browser: Browser, faults: Faults) -> Iterator[Callable[..., Page]]:
    """Open a path of a console in a browser of its own, with options of the context."""
    contexts = []

    def opened(world: ConsoleWorld, path: str, **options: Any) -> Page:
        viewport = {"width": 1180, "height": 900}
        context = browser.new_context(**{"reduced_motion": "reduce", "viewport": viewport} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5_000)
        page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        context.on("request", lambda r: None if r.url.startswith(world.url) else faults.append(f"outside: {r.url}"))
        page.on("response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.goto(world.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
