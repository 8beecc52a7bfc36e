"""Makes the README's picture: starts everything, waits until a campaign was taken out of trends, opens the page.

    .venv/bin/python -m benchmarks.screenshot [--out docs/images/trends.png] [--url http://127.0.0.1:8701]

With --url the picture is taken of a trends service that runs already, such as the demo's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Annotated

import httpx
import typer
from playwright.async_api import async_playwright
from rich.console import Console

from devkit.demo.prepare import PREPARED
from devkit.demo.run import SEED
from devkit.demo.start import running_demo
from devkit.demo.state import COUNTRY
from devkit.demo.traffic import Traffic

VIEWPORT = (1180, 930)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
AFTER_FLAG_SECONDS = 30
DEADLINE_SECONDS = 120


def main(
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("docs/images/trends.png"),
    url: Annotated[str, typer.Option(help="A trends service that runs; without: the demo's parts are started.")] = "",
) -> None:
    """Take the picture of the trends page."""
    if url:
        asyncio.run(_take(url.rstrip("/"), out))
        return
    with running_demo(Console(stderr=True)) as running:

        async def play_and_take() -> None:
            playing = asyncio.create_task(Traffic(running.settings, seed=SEED).play())
            await _until_held(running.trends.url)
            await asyncio.sleep(AFTER_FLAG_SECONDS)
            await _take(running.trends.url, out)
            playing.cancel()

        asyncio.run(play_and_take())


async def _until_held(url: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), httpx.AsyncClient() as client:
        while True:
            held = (await client.get(f"{url}/api/held", params={"country": COUNTRY})).json()["held"]
            if any(hashtag["hashtag"] not in PREPARED for hashtag in held):
                return
            await asyncio.sleep(0.5)


async def _take(url: str, out: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no chromium on this machine: apt-get install chromium fonts-lohit-deva")
    out.parent.mkdir(parents=True, exist_ok=True)
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=flags)
        width, height = VIEWPORT
        page = await chromium.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        await page.goto(f"{url}/?country={COUNTRY}&held=on")
        await page.wait_for_selector("[data-live=live]")
        await page.wait_for_selector("[data-list=held] > li")
        await page.screenshot(path=out)
        await chromium.close()
    typer.echo(f"{out}: {out.stat().st_size // 1024} KB", err=True)


if __name__ == "__main__":
    typer.run(main)
