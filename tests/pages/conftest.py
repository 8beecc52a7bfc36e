"""A browser, and both services in this process: a counter that the test fills and the client's in-memory twin.

Run as a pytest process of its own (`pytest tests/pages`): an asyncio test that follows in the same process dies.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hushtag_client.memory import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import Reason, Register, encode
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

from devkit.stack.ports import free_port
from surfaces.search import search_service
from surfaces.service import Service
from surfaces.trending.counter import TrendCounter
from surfaces.trends import trends_service
from web.server import Server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = Path(__file__).parents[2] / ".cache" / "screenshots"
FLAGS = [
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
MINUTE_MS = 60_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Running:
    """One service with a counter and a flags client of its own, on a server in a thread."""

    def __init__(self, make: Callable[..., Service], flag_server: MemoryServer, port: int, **urls: str) -> None:
        self.counter = TrendCounter()
        flags = MemoryFlagsClient(flag_server, max_staleness_seconds=3600)
        self.service = make(self.counter, flags, now_ms, **urls)
        self._server = Server(self.service.app, host="127.0.0.1", port=port, end_streams=self.service.hub.close)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline and self._thread.is_alive(), "the service does not start"
            time.sleep(0.02)

    def call(self, function: Callable[[], None]) -> None:
        """Run it on the service's event loop, as everything that touches a service must."""

        async def called() -> None:
            function()

        assert self._server.loop is not None
        asyncio.run_coroutine_threadsafe(called(), self._server.loop).result(5)

    def close(self) -> None:
        self._server.stop()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the service does not stop while streams are open"


class Platform:
    """Both services over one flag server, with tweets of the last minutes."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        self.server.seed([], settled_ms=now_ms())
        ports = [free_port() for _ in range(2)]
        self.trends_url, self.search_url = (f"http://127.0.0.1:{port}" for port in ports)
        self.trends = Running(trends_service, self.server, ports[0], search_url=self.search_url)
        self.search = Running(search_service, self.server, ports[1], trends_url=self.trends_url)
        self._version = 0

    def tweet(self, hashtag: str, country: str, times: int, *, spread_seconds: int = 1) -> None:
        """Count so many tweets of a tag, spread over the last seconds."""
        rng, now = random.Random(f"{hashtag}{country}"), now_ms()
        when = [now - int(rng.random() * spread_seconds * 1000) for _ in range(times)]

        def count(counter: TrendCounter) -> None:
            for at_ms in when:
                counter.add(country, [(hashtag.casefold(), hashtag)], at_ms, now)

        for running in (self.trends, self.search):
            running.call(partial(count, running.counter))

    def suppress(self, hashtag: str, country: str = "IN", action: str = "suppress", surfaces: Any = None) -> None:
        """Write an automated flag, on both surfaces unless some are named, as the pipeline would."""
        self._version += 1
        registers = [
            flag(hashtag, surface, country, action, f"{self._version:019d}")
            for surface in surfaces or ("trends", "search")
        ]
        self.server.put("0", [(register.field, encode(register)) for register in registers])

    def pause(self, action: str = "allow") -> None:
        """Press the stop button everywhere, or let it go with `clear`."""
        self._version += 1
        stops = [
            Register(
                version=f"{self._version:019d}",
                action=action,  # type: ignore[arg-type]
                hashtag="*",
                surface=surface,
                source="human",
                expires_at_ms=now_ms() + 30 * MINUTE_MS if action == "allow" else 0,
                evidence={"reason": "a spike of false alarms"},
                actor="dana",
            )
            for surface in ("trends", "search")
        ]
        self.server.put("moderation", [(stop.field, encode(stop)) for stop in stops])

    def close(self) -> None:
        for running in (self.trends, self.search):
            running.close()


def flag(hashtag: str, surface: str, country: str, action: str, version: str) -> Register:
    now = now_ms()
    return Register(
        version=version,
        action=action,  # type: ignore[arg-type]
        hashtag=hashtag.casefold(),
        display=hashtag,
        surface=surface,
        country=country,
        category="hateful_conduct",
        expires_at_ms=now + 30 * MINUTE_MS,
        keep_until_ms=now + 60 * MINUTE_MS,
        reasons=(
            Reason(signal="harmful_share_lower", value=0.62, threshold=0.45),
            Reason(signal="copies", value=0.55, threshold=0.3),
            Reason(signal="young", value=0.71, threshold=0.5),
        ),
        evidence={"window_ms": 600_000, "tweets": 214, "authors": 41, "scored": 41, "lower": 0.62, "upper": 0.81},
        actor="hushtag",
        policy_revision="3f9c1a7be204",
        model_revision="b81d02c6ea97",
        provisional=action == "suppress",
        decided_at_ms=now - 12_000,
    )


def filled(platform: Platform) -> None:
    """Ten minutes of a quiet afternoon, and what has just begun."""
    for rank, hashtag in enumerate(
        ["CricketWorldCup", "Diwali2026", "मुंबई", "MondayMotivation", "IndiaVsAustralia", "BharatJodo", "TechTwitter",
         "Bollywood", "MumbaiRains", "Chandrayaan4", "MutualFunds", "স্বাধীনতা", "ChaiTime", "KBC"]
    ):  # fmt: skip
        platform.tweet(hashtag, "IN", 900 // (rank + 2), spread_seconds=580)
    for rank, hashtag in enumerate(["NFL", "MondayMotivation", "Oscars", "TechTwitter"]):
        platform.tweet(hashtag, "US", 500 // (rank + 1), spread_seconds=580)
    platform.tweet("BBCQT", "GB", 120, spread_seconds=500)
    platform.tweet("FarmersProtest", "IN", 160, spread_seconds=40)
    platform.tweet("SendThemBack", "IN", 90, spread_seconds=20)


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


def _launch(playwright: Playwright, flags: list[str]) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.fixture
def open_page(browser: Browser, platform: Platform) -> Iterator[Callable[..., Page]]:
    """Opens pages that fail the test on any console error, script error, or request to another place."""
    contexts, faults = [], []
    ours = (platform.trends_url, platform.search_url)

    def opened(url: str, **options: Any) -> Page:
        context = browser.new_context(
            **{"reduced_motion": "reduce", "viewport": {"width": 1180, "height": 900}} | options
        )
        contexts.append(context)
        page = context.new_page()

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
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


def shot(page: Page, name: str) -> None:
    """Save a screenshot of the whole page for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
