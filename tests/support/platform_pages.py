"""Both services in this process, over counters and in-memory flags that the test fills; screenshots and axe."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from hushtag_client.http_limits import HttpLimits, limited_http
from hushtag_client.memory import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import Reason, Register, encode
from playwright.sync_api import Page

from devkit.stack.ports import free_port
from surfaces.search import search_service
from surfaces.service import SurfaceService
from surfaces.trending.counter import TrendCounter
from surfaces.trends import trends_service
from tests.support.paths import ROOT
from web.server import StreamingServer

SCREENSHOTS = ROOT / ".cache" / "screenshots"
MINUTE_MS = 60_000
SURFACES = ("trends", "search")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Running:
    """One service with its own counter and flags client, on a server in a thread."""

    def __init__(self, make: Callable[..., SurfaceService], flag_server: MemoryServer, port: int, **urls: str) -> None:
        self.counter = TrendCounter()
        flags = MemoryFlagsClient(flag_server, max_staleness_seconds=3600)
        self.service = make(self.counter, flags, now_ms, **urls)
        protocol = limited_http(HttpLimits(per_address=500))
        self._server = StreamingServer(
            self.service.app, host="127.0.0.1", port=port, protocol=protocol, end_streams=self.service.hub.close
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline and self._thread.is_alive(), "the service did not start"
            time.sleep(0.02)

    def call(self, function: Callable[[], None]) -> None:
        """Run a function on the service's event loop."""

        async def called() -> None:
            function()

        assert self._server.loop is not None
        asyncio.run_coroutine_threadsafe(called(), self._server.loop).result(5)

    def close(self) -> None:
        self._server.stop()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the service did not stop while streams were open"


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
        """Count `times` tweets of a tag, spread over the last seconds."""
        rng, now = random.Random(f"{hashtag}{country}"), now_ms()
        when = [now - int(rng.random() * spread_seconds * 1000) for _ in range(times)]

        def count(counter: TrendCounter) -> None:
            for at_ms in when:
                counter.add(country, [(hashtag.casefold(), hashtag)], at_ms, now)

        for running in (self.trends, self.search):
            running.call(partial(count, running.counter))

    def suppress(self, hashtag: str, country: str = "IN", action: str = "suppress", surfaces: Any = None) -> None:
        """Write an automated flag as the pipeline would, on both surfaces by default."""
        self._version += 1
        registers = [
            flag(hashtag, surface, country, action, f"{self._version:019d}") for surface in surfaces or SURFACES
        ]
        self.server.put("0", [(register.field, encode(register)) for register in registers])

    def discount(self, hashtag: str, weight: float, country: str = "IN") -> None:
        """Write the flag of a contested hashtag as the pipeline would, on both surfaces."""
        self._version += 1
        plain = [flag(hashtag, surface, country, "discount", f"{self._version:019d}") for surface in SURFACES]
        evidence = dict(plain[0].evidence) | {"authors": 120, "established": 41}
        reasons = (Reason(signal="coordinated_share_lower", value=0.84, threshold=0.45),)
        registers = [replace(one, weight=weight, evidence=evidence, reasons=reasons) for one in plain]
        self.server.put("0", [(register.field, encode(register)) for register in registers])

    def pause(self, action: str = "allow") -> None:
        """Press the stop button everywhere, or release it with `clear`."""
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
            for surface in SURFACES
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
    """Count ten minutes of ordinary tags and two new ones."""
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


def shot(page: Page, name: str) -> None:
    """Save a screenshot of the whole page for review."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def assert_accessible(page: Page) -> None:
    """Assert that axe finds no violation on the page."""
    results = Axe().run(page, options={"preload": False})  # it would fetch style sheets, which pages may forbid
    assert results.violations_count == 0, results.generate_report()
