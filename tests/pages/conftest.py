"""A browser, and both services in this process over counters and in-memory flags that the test fills.

Run as a separate pytest process (`pytest tests/pages`): later asyncio tests in the same process would fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.support.platform_pages import Platform, filled

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

expect.set_options(timeout=15_000)  # other suites run beside this one


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that no other suite runs it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.pages)


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    filled(platform)
    yield platform
    platform.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium fonts-lohit-deva fonts-lohit-beng-bengali`")
    flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        launched = _launch(playwright, flags)
        yield launched
        launched.close()


REPLACED = ("htmx:afterRequest", "htmx:sendAbort")
"""Logged where a request takes the place of one that runs, as when a person types on. Failed ones log `sendError`."""


def _launch(playwright: Playwright, flags: list[str]) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.fixture
def open_page(browser: Browser, platform: Platform) -> Iterator[Callable[..., Page]]:
    """Open pages that fail the test on a console error, a script error or a request to another host."""
    contexts, faults = [], []
    ours = (platform.trends_url, platform.search_url)

    def opened(url: str, **options: Any) -> Page:
        context = browser.new_context(
            **{"reduced_motion": "reduce", "viewport": {"width": 1180, "height": 900}} | options
        )
        contexts.append(context)
        page = context.new_page()

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not message.text.startswith(REPLACED):
                faults.append(f"console: {message.text} at {message.location}")

        page.on("console", console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        context.on("request", lambda r: faults.append(f"outside: {r.url}") if not r.url.startswith(ours) else None)
        page.on("response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []
