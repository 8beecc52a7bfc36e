"""What the two services are made of in common: the app with its headers, health, live stream and staff's view.

Everything here runs on one event loop and answers from memory. The counter is filled and the flags are kept by others
(`surfaces.run`, or a test); the service lets time pass in the counter and sends what changed to whoever looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse
from fastapi.staticfiles import StaticFiles
from hushtag_client.registers import Register
from jinja2 import Environment, PackageLoader, StrictUndefined

from streams import countries
from streams.explain import flag_text
from surfaces.listing import Listing
from web.assets import STATIC, asset_url, require_vendor_files
from web.headers import SecurityHeaders
from web.hub import Hub
from web.live import Page
from web.staff import is_staff, require_staff

REFRESH_SECONDS = 0.5
TABS = 12

Country = Annotated[
    str | None,
    Query(pattern=r"^([A-Za-z]{2}|\*)?$", description="the viewer's country, ISO 3166-1 alpha-2; absent: the world"),
]
View = tuple[str | None, bool]
"""What a page shows: the viewer's country, and whether what was held back is shown too."""


def viewer_country(country: Country = None) -> str | None:
    """A dependency: the country in upper case, None for the world."""
    return country.upper() if country and country != "*" else None


ViewerCountry = Annotated[str | None, Depends(viewer_country)]


@dataclass(frozen=True, slots=True)
class Product:
    """A link in the bar."""

    name: str
    url: str
    here: bool = False


class Service:
    """One surface's web application: `app`, and `hub` whose streams must be closed before it stops.

    Args:
        listing: what is shown.
        now_ms: the clock.
        title: the product's name.
        products: links to it and to its sister service.
        list_name: the name of its live list in the pages.
        shown: renders the rows that a viewer from a country sees, by key.
    """

    def __init__(
        self,
        listing: Listing,
        now_ms: Callable[[], int],
        *,
        title: str,
        products: tuple[Product, ...],
        list_name: str,
        shown: Callable[[str | None], dict[str, str]],
    ) -> None:
        require_vendor_files()
        self.listing = listing
        self.now_ms = now_ms
        self.title = title
        self.products = products
        self.ready: Callable[[], str] = lambda: ""
        """Says what is still missing before answers can be trusted; "" if nothing."""
        self._list_name = list_name
        self._shown = shown
        self.hub: Hub[View] = Hub(self.page)
        self.templates = _templates()
        self._parts: Any = self.templates.get_template("parts.html").module
        self.app = self._make_app()

    def row(self, macro: str, *values: Any) -> str:
        """One row of a live list, by a macro of parts.html."""
        return str(getattr(self._parts, macro)(*values))

    def page(self, view: View) -> Page:
        """The live parts of a page as they are now."""
        country, held = view
        flags = self.listing.flags.check_many(["x"], self.listing.surface, country)[0].why
        texts = {
            "summary": f"Counted over the last {self.listing.counter.window_seconds // 60} minutes, "
            f"as of {flag_text.time_of(self.now_ms())}",
            "flags": {
                "stale": "The flags are out of date: the pipeline or Redis is away. Automated ones hold nothing back; "
                "those of people and orders do as long as Redis answers.",
                "unavailable": "There are no flags yet: nothing is held back.",
            }.get(flags, "The flags are up to date."),
        }
        texts["paused"] = flag_text.paused(self.listing.flags.paused(self.listing.surface, country), staff=held)
        lists = {"tabs": self._tabs(view), self._list_name: self._shown(country)}
        if held:
            tags = self.listing.held(country)
            texts["held"] = f"{len(tags)} held back" if tags else "Nothing is held back"
            lists["held"] = {
                tag.register.hashtag: self.row("held_row", tag, tag.register, self.now_ms()) for tag in tags
            }
        return Page(lists, texts)

    def answer(self, template: str, request: Request, country: str | None, held: bool, **values: Any) -> HTMLResponse:
        """A whole page; `held` asks for staff's view and is refused to others."""
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
        found: list[str | None] = [None, *sorted(codes, key=countries.name_of)]
        return {
            code or "world": self.row("tab", code, countries.name_of(code), code == country, "/" + _query(code, held))
            for code in found
        }

    def _make_app(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            loop = asyncio.get_running_loop()

            def flags_changed(registers: list[Register]) -> None:
                # At once, not at the next turn; the client calls from whichever thread follows Redis.
                loop.call_soon_threadsafe(self.hub.refresh)

            stop = self.listing.flags.listen(flags_changed)
            app.state.refresh = asyncio.create_task(self._refresh())
            yield
            stop()
            app.state.refresh.cancel()

        app = FastAPI(title=f"hushtag: {self.title}", docs_url=None, redoc_url=None, lifespan=lifespan)
        app.add_middleware(SecurityHeaders)
        app.mount("/static", StaticFiles(directory=STATIC))

        @app.get("/healthz", include_in_schema=False)
        async def healthz() -> JSONResponse:
            """Whether the live loop turns."""
            dead = app.state.refresh.done()
            return JSONResponse({"ok": not dead}, status_code=500 if dead else 200)

        @app.get("/readyz", include_in_schema=False)
        async def readyz() -> JSONResponse:
            """Whether counts and flags are there."""
            missing = self.ready()
            return JSONResponse({"ok": not missing, "missing": missing}, status_code=503 if missing else 200)

        @app.get("/stream", include_in_schema=False)
        async def stream(request: Request, country: ViewerCountry, held: str = "") -> EventSourceResponse:
            if held:
                require_staff(request)
            return EventSourceResponse(self.hub.stream((country, bool(held))))

        @app.get("/api/held", dependencies=[Depends(require_staff)])
        async def held(country: ViewerCountry) -> dict[str, Any]:
            """Staff only: what is held back from viewers in a country, and why, with the numbers."""
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


def _query(country: str | None, held: bool) -> str:
    values = {"country": country} if country else {}
    if held:
        values["held"] = "on"
    return f"?{urlencode(values)}" if values else ""


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("surfaces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        asset_url=asset_url,
        name_of=countries.name_of,
        action_of=flag_text.action_of,
        category_of=flag_text.category_of,
        reason_in_words=flag_text.reason_in_words,
        sources=flag_text.SOURCES,
        time_of=flag_text.time_of,
        machine_time=flag_text.machine_time,
        until=flag_text.until,
    )
    return environment
