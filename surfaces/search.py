"""The search-suggestion service: recommended hashtags, without those hidden on the surface `search`.

Only recommendations are filtered. A viewer who types a whole hashtag finds it, flagged or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from hushtag_client.answers import Answers
from hushtag_client.normalise import normalise
from pydantic import BaseModel

from surfaces.listing import Listing
from surfaces.service import ProductLink, SurfaceService, ViewerCountry
from surfaces.trending.counter import WORLD, TrendCounter

SURFACE = "search"
LENGTH = 8
CHART_POINTS = 120

Typed = Annotated[str, Query(max_length=140, description="the typed text, with or without #")]


class SuggestionOut(BaseModel):
    """One suggested hashtag with its count."""

    hashtag: str
    """Hashtag in normal form, without #."""
    display: str
    tweets: int
    """Tweets in the window; of a contested hashtag, those of its established authors."""


class SuggestionsOut(BaseModel):
    """Suggestions for viewers in one country, or `*`."""

    q: str
    country: str
    at_ms: int
    suggestions: list[SuggestionOut]


class TagOut(BaseModel):
    """A hashtag requested by its whole name; `tweets` is 0 if it was not used in the window."""

    hashtag: str
    display: str
    country: str
    tweets: int
    window_seconds: int


def search_service(
    counter: TrendCounter, flags: Answers, now_ms: Callable[[], int], *, trends_url: str = ""
) -> SurfaceService:
    """Create the service over a counter and flags that the caller keeps current."""
    listing = Listing(counter, flags, SURFACE, LENGTH)

    def shown(country: str | None) -> dict[str, str]:
        rows = {}
        for rank, trend in enumerate(listing.suggestions(country, ""), start=1):
            values = {"q": trend.display} | ({"country": country} if country else {})
            rows[trend.hashtag] = service.trend_row(country, rank, trend, f"/?{urlencode(values)}")
        return rows

    products: tuple[ProductLink, ...] = (ProductLink("Search", "/", here=True),)
    if trends_url:
        products = (ProductLink("Trends", trends_url), *products)
    service = SurfaceService(listing, now_ms, title="Search", products=products, list_name="recommended", shown=shown)

    @service.app.get("/", include_in_schema=False)
    async def page(request: Request, country: ViewerCountry, q: Typed = "", held: str = "") -> HTMLResponse:
        hashtag = normalise(q.strip())
        step = max(counter.window_seconds // CHART_POINTS, 1)
        return service.answer(
            "search.html",
            request,
            country,
            bool(held),
            query=q.strip().removeprefix("#"),
            found=counter.find(country or WORLD, hashtag) if hashtag else None,
            series=counter.series(country or WORLD, hashtag, CHART_POINTS, step),
            step_seconds=step,
            window_minutes=counter.window_seconds // 60,
        )

    @service.app.get("/suggest", include_in_schema=False)
    async def suggest_rows(country: ViewerCountry, q: Typed = "") -> HTMLResponse:
        rows = service.templates.get_template("suggestions.html")
        return HTMLResponse(
            rows.render(suggestions=listing.suggestions(country, normalise(q.strip())), window=service.window)
        )

    @service.app.get("/api/suggest")
    async def suggest(country: ViewerCountry, q: Typed = "") -> SuggestionsOut:
        """List the most used hashtags that begin with `q`; the trending ones if it is empty."""
        return SuggestionsOut(
            q=q,
            country=country or WORLD,
            at_ms=now_ms(),
            suggestions=[
                SuggestionOut(hashtag=trend.hashtag, display=trend.display, tweets=trend.tweets)
                for trend in listing.suggestions(country, normalise(q.strip()))
            ],
        )

    @service.app.get("/api/tag")
    async def tag(q: Typed, country: ViewerCountry) -> TagOut:
        """Return a hashtag by its whole name, flagged or not."""
        hashtag = normalise(q.strip())
        trend = counter.find(country or WORLD, hashtag)
        return TagOut(
            hashtag=hashtag,
            display=trend.display if trend else q.strip().removeprefix("#"),
            country=country or WORLD,
            tweets=trend.tweets if trend else 0,
            window_seconds=counter.window_seconds,
        )

    return service
