"""Draw the pictures of the console in docs/images: each screen on a desktop and a phone, light and dark.

    .venv/bin/python -m tests.console_pictures [FOLDER]

The console runs on a log in memory with the cases of `tests.support.console_scenes`.
"""

from __future__ import annotations

import base64
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.sessions import Sessions
from streams.clock import now_ms
from tests.pages.conftest import CHROMIUM, FLAGS
from tests.support.console_scenes import CASE, decide_elsewhere, new_scene, order_under_review
from tests.support.console_world import ConsoleWorld

SCHEMES = ("light", "dark")
SIZES = ((1280, 900), (390, 844))
"""Desktop and phone."""
FOLDER = Path("docs/images")
FRAME = """<!doctype html><style>body{{margin:0;display:inline-flex;gap:20px;align-items:flex-start}}
img{{border:1px solid {line};border-radius:8px;display:block}}</style><body>{images}"""
LINES = {"light": "#c9ced6", "dark": "#3a424e"}
MOST_BYTES = 150_000


def main(folder: Path) -> None:
    """Draw all pictures into a folder."""
    if CHROMIUM is None:
        raise SystemExit("no chromium on this machine: apt-get install chromium fonts-lohit-deva")
    logging.disable(logging.ERROR)  # servers that are killed
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sessions = Sessions(SessionConfig(url="http://127.0.0.1", session_seconds=3_600), None, "k" * 32, now_ms)
    cookie = sessions.encrypt(sessions.begin(Identity("asha", "asha", ("admin",), "")))
    flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        for scheme in SCHEMES:
            shots: dict[str, list[bytes]] = {}
            for size in SIZES:
                world = new_scene(sessions=sessions)
                context = _context(browser, scheme, size)
                context.add_cookies([{"name": sessions.cookie, "value": cookie, "url": world.url}])
                for name, picture in _screens(world, context, size == SIZES[1]):
                    shots.setdefault(name, []).append(picture)
                context.close()
                world.stop()
            for name, pictures in shots.items():
                _write(browser, folder / f"console-{name}-{scheme}.webp", pictures, scheme)
        browser.close()


def _context(browser: Browser, scheme: str, size: tuple[int, int]) -> BrowserContext:
    width, height = size
    return browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )  # fmt: skip


def _screens(world: ConsoleWorld, context: BrowserContext, phone: bool) -> Iterator[tuple[str, bytes]]:
    page = context.new_page()
    page.set_default_timeout(30_000)

    def opened(path: str, ready: str) -> Page:
        page.goto(world.url + path)
        page.wait_for_selector('[data-live="live"]')
        page.wait_for_selector(ready)
        return page

    opened("/console/queue", "[data-row]").keyboard.press("j")
    world.run(decide_elsewhere)
    page.locator("[data-row]", has_text="shown again by ben").wait_for()
    page.keyboard.press("j")
    yield "queue", page.screenshot()
    case = world.run(lambda services: services.cases.log.find(CASE)).id
    opened(f"/console/cases/{case}", "svg.chart")
    page.get_by_role("button", name="Open tweet 2").click()
    page.locator(".tweet .words:visible").wait_for()
    page.mouse.move(0, 0)
    yield "case", page.screenshot()
    page.locator("[data-first] button").first.click()
    page.locator("#machine-title").wait_for()
    page.mouse.move(0, 0)
    page.locator("#machine-title").evaluate("one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 90)")
    yield "numbers", page.screenshot()
    opened("/console/orders", "main a[href*='/orders/']")
    if phone:
        yield "orders", page.screenshot()
    opened(f"/console/orders/{world.run(order_under_review)}", "#targets")
    if not phone:
        yield "orders", page.screenshot()
    opened("/console/policy", "svg.thresholds rect")
    yield "policy", page.screenshot()


def _write(browser: Browser, out: Path, pictures: list[bytes], scheme: str) -> None:
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(one).decode()}">' for one in pictures)
    page = browser.new_page()
    page.set_content(FRAME.format(line=LINES[scheme], images=images), wait_until="load")
    box = page.locator("body").bounding_box()
    assert box is not None
    page.set_viewport_size({"width": round(box["width"]), "height": round(box["height"])})
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setDefaultBackgroundColorOverride", {"color": {"r": 0, "g": 0, "b": 0, "a": 0}})
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": 80})
    out.write_bytes(base64.b64decode(shot["data"]))
    page.close()
    size = out.stat().st_size
    assert size <= MOST_BYTES, f"{out} has {size:,} bytes, more than {MOST_BYTES:,}"
    print(f"{out}: {size // 1024} KB", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
