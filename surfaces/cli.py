"""`hushtag trends` and `hushtag search`: one surface each. `hushtag demo`: everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.errors import CallerMistake

if TYPE_CHECKING:
    from surfaces.run import Kind

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(trends)
    app.command()(search)
    app.command()(scenario)


def trends(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8701,
    search_url: Annotated[str, typer.Option(help="Where the search service is, for links.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Serve the reference trends page and its JSON until stopped: reads tweets from Kafka, asks the flags in Redis."""
    _run("trends", host, port, search_url, as_json)


def search(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8702,
    trends_url: Annotated[str, typer.Option(help="Where the trends service is, for links.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Serve the reference search suggestions and their JSON until stopped."""
    _run("search", host, port, trends_url, as_json)


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=20, help="End by itself after so many seconds; without: on Ctrl-C.")
    ] = None,
) -> None:
    """Run the whole thing on this machine and watch a hate campaign be taken out of trends: real Kafka, real Valkey.

    A live view in a terminal, plain lines elsewhere. At the end it says, from the simulator's ground truth, whether
    everything went as it must; exits with 3 if not.
    """
    from surfaces.demo.run import run_demo

    raise typer.Exit(run_demo(seconds))


def scenario(
    name: Annotated[str, typer.Argument(help="india-2021: 1,178 accounts are to be blocked.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the update, the reply and the report.",
                                  show_default="scenario-NAME")
    ] = None,
    seed: Annotated[int, typer.Option(help="Other accounts, the same story.")] = 2021,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Play a whole story on the local stack: order, review, decisions, what the surfaces do, and what is told to whom.

    Writes the public update, the reply to the authority and the transparency report. Exits with 3 if a number in them
    is not the log's, or a surface does not do what was decided.
    """
    from surfaces.scenario.run import run_india

    if name != "india-2021":
        raise CallerMistake(f"there is no scenario {name[:40]!r}", fix="india-2021")
    raise typer.Exit(run_india(out or Path(f"scenario-{name}"), seed=seed, as_json=as_json))


def _run(kind: Kind, host: str, port: int, other_url: str, as_json: bool) -> None:
    import asyncio

    from streams.settings import load_settings
    from surfaces.run import listen, run_surface

    def started(url: str) -> None:
        print(json.dumps({"url": url}) if as_json else f"{kind} on {url}", flush=True)

    settings = load_settings()
    with listen(host, port) as listening:
        asyncio.run(run_surface(kind, settings, listening, other_url=other_url.rstrip("/"), started=started))
