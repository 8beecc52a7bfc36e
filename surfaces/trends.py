"""The trends service: what is trending in a country, without what is held back on the surface `trends`."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from hushtag_client.answers import Answers
from pydantic import BaseModel, Field

from surfaces.listing import Listing
from surfaces.service import Product, Service, ViewerCountry
from surfaces.trending import sparkline
from surfaces.trending.counter import WORLD, TrendCounter

SURFACE = "trends"
LENGTH = 10


class TrendOut(BaseModel):
    """One row of the list."""

    rank: int = Field(ge=1)
    hashtag: str
    """Normalised."""
    display: str
    tweets: int
    velocity: float
    """How many times as fast as by its own past; 1 is steady."""
    sparkline: list[int]
    """Tweets a step, oldest first."""


class TrendsOut(BaseModel):
    """The list for viewers in one country, or `*`."""

    country: str
    at_ms: int
    window_seconds: int
    sparkline_step_seconds: int
    trends: list[TrendOut]


def trends_service(
    counter: TrendCounter, flags: Answers, now_ms: Callable[[], int], *, search_url: str = ""
) -> Service:
    """The service over a counter and flags that others fill; rows link to the search service if its URL is given."""
    listing = Listing(counter, flags, SURFACE, LENGTH)

    def shown(country: str | None) -> dict[str, str]:
        step = sparkline.step_seconds(counter.observed_seconds)
        rows = {}
        for rank, trend in enumerate(listing.trending(country), start=1):
            counts = counter.series(country or WORLD, trend.hashtag, sparkline.POINTS, step)
            values = {"q": trend.display} | ({"country": country} if country else {})
            href = f"{search_url}/?{urlencode(values)}" if search_url else ""
            rows[trend.hashtag] = service.row("trend_row", rank, trend, *sparkline.paths(counts), href)
        return rows

    products: tuple[Product, ...] = (Product("Trends", "/", here=True),)
    if search_url:
        products += (Product("Search", search_url),)
    service = Service(listing, now_ms, title="Trends", products=products, list_name="trends", shown=shown)

    @service.app.get("/", include_in_schema=False)
    async def page(request: Request, country: ViewerCountry, held: str = "") -> HTMLResponse:
        return service.answer("trends.html", request, country, bool(held))

    @service.app.get("/api/trends")
    async def trends(country: ViewerCountry) -> TrendsOut:
        """What is trending for viewers in a country: at most ten tags, best first."""
        step = sparkline.step_seconds(counter.observed_seconds)
        return TrendsOut(
            country=country or WORLD,
            at_ms=now_ms(),
            window_seconds=counter.window_seconds,
            sparkline_step_seconds=step,
            trends=[
                TrendOut(
                    rank=rank,
                    hashtag=trend.hashtag,
                    display=trend.display,
                    tweets=trend.tweets,
                    velocity=round(trend.velocity, 3),
                    sparkline=counter.series(country or WORLD, trend.hashtag, sparkline.POINTS, step),
                )
                for rank, trend in enumerate(listing.trending(country), start=1)
            ],
        )

    return service
