"""The trends service: trending hashtags of a country, without those hidden on the surface `trends`."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from hushtag_client.answers import Answers
from pydantic import BaseModel, Field

from surfaces.listing import Listing
from surfaces.service import ProductLink, SurfaceService, ViewerCountry
from surfaces.trending.counter import WORLD, TrendCounter

SURFACE = "trends"
LENGTH = 10


class TrendOut(BaseModel):
    """One row of the list."""

    rank: int = Field(ge=1)
    hashtag: str
    """Hashtag in normal form, without #."""
    display: str
    tweets: int
    """Tweets in the window; of a contested hashtag, those of its established authors."""
    velocity: float
    """Present rate as a multiple of the hashtag's own past; 1 is steady, or contested."""
    sparkline: list[int]
    """Tweets of all authors per step, oldest first."""


class TrendsOut(BaseModel):
    """The list for viewers in one country, or `*`."""

    country: str
    at_ms: int
    window_seconds: int
    sparkline_step_seconds: int
    trends: list[TrendOut]


def trends_service(
    counter: TrendCounter, flags: Answers, now_ms: Callable[[], int], *, search_url: str = ""
) -> SurfaceService:
    """Create the service over a counter and flags that the caller keeps current; rows link to `search_url`."""
    listing = Listing(counter, flags, SURFACE, LENGTH)

    def shown(country: str | None) -> dict[str, str]:
        rows = {}
        for rank, trend in enumerate(listing.trending(country), start=1):
            values = {"q": trend.display} | ({"country": country} if country else {})
            href = f"{search_url}/?{urlencode(values)}" if search_url else ""
            rows[trend.hashtag] = service.trend_row(country, rank, trend, href)
        return rows

    products: tuple[ProductLink, ...] = (ProductLink("Trends", "/", here=True),)
    if search_url:
        products += (ProductLink("Search", search_url),)
    service = SurfaceService(listing, now_ms, title="Trends", products=products, list_name="trends", shown=shown)

    @service.app.get("/", include_in_schema=False)
    async def page(request: Request, country: ViewerCountry, held: str = "") -> HTMLResponse:
        return service.answer("trends.html", request, country, bool(held))

    @service.app.get("/api/trends")
    async def trends(country: ViewerCountry) -> TrendsOut:
        """List the trending hashtags for viewers in a country: at most ten, best first."""
        return TrendsOut(
            country=country or WORLD,
            at_ms=now_ms(),
            window_seconds=counter.window_seconds,
            sparkline_step_seconds=listing.step_seconds,
            trends=[
                TrendOut(
                    rank=rank,
                    hashtag=trend.hashtag,
                    display=trend.display,
                    tweets=trend.tweets,
                    velocity=round(trend.velocity, 3),
                    sparkline=listing.sparkline(country, trend.hashtag),
                )
                for rank, trend in enumerate(listing.trending(country), start=1)
            ],
        )

    return service
