"""The documentation as a site: every page opens without a request to another host and without an error."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.paths import ROOT

pytestmark = [pytest.mark.pages, pytest.mark.long]


class QuietHandler(SimpleHTTPRequestHandler):
    """File server without a log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The site's folder and its URL on loopback."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visit(browser: Browser, site: tuple[Path, str]) -> Iterator[Callable[[str], str]]:
    """Open a page of the site and return its title; fail on faults and on requests to another host."""
    _, url = site
    context, faults = browser.new_context(), []
    page = context.new_page()
    context.on("request", lambda r: None if r.url.startswith((url, "blob:")) else faults.append(f"outside: {r.url}"))
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def opened(name: str) -> str:
        page.goto(f"{url}/{name}")
        expect(page.locator("article h1").first).to_be_visible()
        return page.title()

    yield opened
    context.close()
    assert faults == []


def test_docs_pages_make_no_outside_request(visit: Callable[[str], str], site: tuple[Path, str]) -> None:
    folder, _ = site
    pages = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html") if path.name != "404.html")
    assert len(pages) > 30
    titles = {visit(name) for name in pages}
    assert len(titles) == len(pages)
