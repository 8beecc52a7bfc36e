"""`hushtag trends` and `hushtag search`: run one surface each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from surfaces.run import Kind

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Add `trends` and `search` to the command."""
    app.command()(trends)
    app.command()(search)


def trends(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8701,
    search_url: Annotated[str, typer.Option(help="URL of the search service, for links.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Serve the reference trends page and its JSON until stopped; it reads tweets from Kafka and flags from Redis."""
    _run("trends", host, port, search_url, as_json)


def search(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8702,
    trends_url: Annotated[str, typer.Option(help="URL of the trends service, for links.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Serve the reference search suggestions and their JSON until stopped; reads as `hushtag trends`."""
    _run("search", host, port, trends_url, as_json)


def _run(kind: Kind, host: str, port: int, other_url: str, as_json: bool) -> None:
    import asyncio

    from streams.settings import load_settings
    from surfaces.run import listen, run_surface

    def started(url: str) -> None:
        print(json.dumps({"url": url}) if as_json else f"{kind} on {url}", flush=True)

    settings = load_settings()
    with listen(host, port) as listening:
        asyncio.run(run_surface(kind, settings, listening, other_url=other_url.rstrip("/"), started=started))
