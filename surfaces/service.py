"""The common part of both services: the application with headers, health, live streams and the staff view.

It runs on one event loop and answers from memory. `surfaces.run`, or a test, fills the counter and keeps the flags
current. The service advances the counter's time and sends changes to all viewers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse
from fastapi.staticfiles import StaticFiles
from hushtag_client.answers import Status
from hushtag_client.presentable import presentable
from hushtag_client.registers import Register
from jinja2 import Environment

from streams import countries
from streams.errors import CallerMistake
from streams.explain import flag_text
from surfaces.listing import HeldTag, Listing
from surfaces.trending.counter import Trend
from web.assets import STATIC, asset_url, missing_vendor_files
from web.headers import SecuredApp
from web.hub import EventHub
from web.live import LivePage
from web.staff import is_staff, require_staff
from web.svg import sparkline
from web.templates import page_templates

REFRESH_SECONDS = 0.5
TABS = 12

Country = Annotated[
    str | None,
    Query(pattern=r"^([A-Za-z]{2}|\*)?$", description="the viewer's country, ISO 3166-1 alpha-2; absent: the world"),
]
View = tuple[str | None, bool]
"""(country, held): the viewer's country, and whether flagged hashtags are listed too."""


def viewer_country(country: Country = None) -> str | None:
    """Return the country in upper case, None for the world; a dependency of the endpoints."""
    return country.upper() if country and country != "*" else None


ViewerCountry = Annotated[str | None, Depends(viewer_country)]


@dataclass(frozen=True, slots=True)
class ProductLink:
    """A link in the navigation bar."""

    name: str
    url: str
    here: bool = False


class SurfaceService:
    """One surface's web application: `app`, and `hub`, whose streams must be closed before it stops.

    Args:
        listing: visible and flagged hashtags.
        now_ms: wall clock in ms.
        title: name of the product.
        products: links to this and the other service.
        list_name: name of the live list in the pages.
        shown: renders the rows for a viewer's country, by key.

    Raises:
        CallerMistake: the browser libraries are missing.
    """

    def __init__(
        self,
        listing: Listing,
        now_ms: Callable[[], int],
        *,
        title: str,
        products: tuple[ProductLink, ...],
        list_name: str,
        shown: Callable[[str | None], dict[str, str]],
    ) -> None:
        require_browser_files()
        self.listing = listing
        self.now_ms = now_ms
        self.title = title
        self.products = products
        self.ready: Callable[[], str] = lambda: ""
        """Returns the dependency that is still missing, or ""."""
        self._list_name = list_name
        self._shown = shown
        self.hub: EventHub[View] = EventHub(self.page)
        self.templates = _templates()
        self._parts: Any = self.templates.get_template("parts.html").module
        self.app = self._make_app()

    def trend_row(self, country: str | None, rank: int, trend: Trend, href: str) -> str:
        """Render a trend with its sparkline as a row of a live list."""
        line_and_area = sparkline(self.listing.sparkline(country, trend.hashtag))
        return self._row("trend_row", rank, trend, self.window, *line_and_area, href)

    @property
    def window(self) -> str:
        """Time over which tweets are counted, in words."""
        return f"{self.listing.counter.window_seconds // 60} min"

    def _row(self, macro: str, *values: Any) -> str:
        """Render one row of a live list by a macro of parts.html."""
        return str(getattr(self._parts, macro)(*values))

    def page(self, view: View) -> LivePage:
        """Render the live parts of a page."""
        country, held = view
        texts = {
            "summary": f"Counted over the last {self.listing.counter.window_seconds // 60} minutes, "
            f"as of {flag_text.time_of(self.now_ms())}",
            "flags": _state_of_flags(self.listing.flags.status()),
        }
        stop = self.listing.flags.paused(self.listing.surface, country)
        texts["paused"] = flag_text.paused(presentable(stop) if stop else None, staff=held)
        lists = {"tabs": self._tabs(view), self._list_name: self._shown(country)}
        if held:
            tags = self.listing.held(country)
            texts["held"] = _count_held(tags, country)
            lists["held"] = {
                tag.register.hashtag: self._row("held_row", tag, tag.register, self.window, self.now_ms())
                for tag in tags
            }
        return LivePage(lists, texts)

    def answer(self, template: str, request: Request, country: str | None, held: bool, **values: Any) -> HTMLResponse:
        """Render a whole page; with `held` the staff view, which is refused to others."""
        if held:
            require_staff(request)
        view = (country, held)
        return HTMLResponse(
            self.templates.get_template(template).render(
                service=self,
                page=self.page(view),
                country=country,
                held=held,
                staff=is_staff(request),
                stream="/stream" + _query(country, held),
                now_ms=self.now_ms(),
                **values,
            )
        )

    def _tabs(self, view: View) -> dict[str, str]:
        country, held = view
        codes = set(self.listing.counter.countries()[:TABS]) | ({country} if country else set())
        choices: list[str | None] = [None, *sorted(codes, key=countries.country_name)]
        return {
            code or "world": self._row(
                "tab", code, countries.country_name(code), code == country, "/" + _query(code, held)
            )
            for code in choices
        }

    def _make_app(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            loop = asyncio.get_running_loop()

            def flags_changed(registers: list[Register]) -> None:
                # Send at once and not at the next refresh; the client calls from the thread that follows Redis.
                loop.call_soon_threadsafe(self.hub.refresh)

            stop = self.listing.flags.listen(flags_changed)
            app.state.refresh = asyncio.create_task(self._refresh())
            yield
            stop()
            app.state.refresh.cancel()

        app = SecuredApp(title=f"hushtag: {self.title}", docs_url=None, redoc_url=None, lifespan=lifespan)
        app.mount("/static", StaticFiles(directory=STATIC))

        @app.get("/healthz", include_in_schema=False)
        async def healthz() -> JSONResponse:
            """Return whether the refresh loop runs."""
            dead = app.state.refresh.done()
            return JSONResponse({"ok": not dead}, status_code=500 if dead else 200)

        @app.get("/readyz", include_in_schema=False)
        async def readyz() -> JSONResponse:
            """Return whether counts and flags are available."""
            missing = self.ready()
            return JSONResponse({"ok": not missing, "missing": missing}, status_code=503 if missing else 200)

        @app.get("/stream", include_in_schema=False)
        async def stream(request: Request, country: ViewerCountry, held: str = "") -> EventSourceResponse:
            if held:
                require_staff(request)
            return EventSourceResponse(self.hub.stream((country, bool(held))))

        @app.get("/api/held", dependencies=[Depends(require_staff)])
        async def held(country: ViewerCountry) -> dict[str, Any]:
            """List the hashtags hidden from viewers in a country, or discounted, with reasons and counts; for staff."""
            return {
                "country": country or "*",
                "surface": self.listing.surface,
                "at_ms": self.now_ms(),
                "held": [
                    {
                        **tag.register.as_dict(),
                        "would_be_rank": tag.would_be_rank,
                        "tweets": tag.trend.tweets if tag.trend else 0,
                    }
                    for tag in self.listing.held(country)
                ],
            }

        @app.exception_handler(HTTPException)
        async def refused(request: Request, error: HTTPException) -> JSONResponse:
            return JSONResponse({"error": error.detail}, status_code=error.status_code)

        return app

    async def _refresh(self) -> None:
        while True:
            self.listing.counter.advance(self.now_ms())
            self.hub.refresh()
            await asyncio.sleep(REFRESH_SECONDS)


def require_browser_files() -> None:
    """Check that the pages can work.

    Raises:
        CallerMistake: the browser libraries are missing.
    """
    if missing := missing_vendor_files():
        raise CallerMistake(
            f"the pages' browser files are missing: {', '.join(missing)}",
            fix="run `make install`: the package's build puts them into web/static/vendor",
        )


def _state_of_flags(status: Status) -> str:
    """Describe in words whether the flags are current."""
    if not status.synced:
        return "There are no flags yet: nothing is hidden."
    if status.fresh:
        return "The flags are up to date."
    behind = len(status.behind_shards) + len(status.missing_shards)
    if behind < status.shards:
        return f"The flags of some hashtags are out of date: {behind} of {status.shards} shards are behind."
    return (
        "The flags are out of date: the pipeline or Redis is down. Automated flags hide nothing; "
        "flags of people and orders still apply while Redis answers."
    )


def _count_held(tags: Sequence[HeldTag], country: str | None) -> str:
    """Count the hidden and the contested hashtags in words; those without tweets in the country count apart."""
    used = [tag for tag in tags if tag.trend is not None]
    contested = sum(tag.contested for tag in used)
    hidden, unused = len(used) - contested, len(tags) - len(used)
    parts = [f"{hidden} held back"] * bool(hidden) + [f"{contested} contested"] * bool(contested)
    here = f" in {countries.country_name(country)}" if country else ""
    return ", ".join(parts + [f"{unused} without tweets{here}"] * bool(unused)) or "Nothing is held back"


def _query(country: str | None, held: bool) -> str:
    values = {"country": country} if country else {}
    if held:
        values["held"] = "on"
    return f"?{urlencode(values)}" if values else ""


def _templates() -> Environment:
    environment = page_templates("surfaces")
    environment.globals.update(
        asset_url=asset_url,
        name_of=countries.country_name,
        numbers_of=flag_text.numbers_of,
        read_part=flag_text.read_part,
        action_of=flag_text.action_of,
        category_of=flag_text.category_of,
        reason_in_words=flag_text.reason_in_words,
        sources=flag_text.SOURCES,
        time_of=flag_text.time_of,
        machine_time=flag_text.machine_time,
        until=flag_text.until,
    )
    return environment
