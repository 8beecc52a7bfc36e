"""Commands `hushtag api`, which serves the HTTP API, and `hushtag api-key`, which makes a key."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from moderation.options import Json, Share
from moderation.review.items import DEFAULT_SHARE
from moderation.terminal import policy_names
from streams.errors import CallerMistake
from streams.settings import load_settings
from web.callers import is_loopback


class RoleName(StrEnum):
    """Role of a key."""

    reader = "reader"
    moderator = "moderator"
    legal = "legal"
    admin = "admin"


def register(app: typer.Typer) -> None:
    """Add `api` and `api-key` to the command."""
    app.command("api")(api)
    app.command("api-key")(api_key)


def api(
    host: Annotated[str, typer.Option(help="Address to listen on; other than loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8710,
    keys: Annotated[
        Path | None,
        typer.Option(
            envvar="HUSHTAG_API_KEYS", help="File of the API keys' hashes.", show_default="none: loopback only"
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Average calls per second for each key.")] = 20.0,
    burst: Annotated[int, typer.Option(min=1, help="Calls at once for each key.")] = 100,
    share: Share = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """Serve the moderation API until stopped; its OpenAPI document is at /openapi.json.

    Without keys it answers only direct calls of this machine. With keys, put a TLS proxy in front of it, because keys
    travel in a header, and name the proxy in HUSHTAG_TRUSTED_PROXIES.
    """
    from moderation.api.app import serve
    from moderation.api.keys import KeyRing

    settings, ring = load_settings(), KeyRing(keys)
    if ring.open and not is_loopback(host):
        raise CallerMistake(
            f"{host} is not loopback, and no keys are set", fix="give --keys FILE: hushtag api-key NAME"
        )

    def started(url: str) -> None:
        print(json.dumps({"url": url}) if as_json else f"API on {url}", flush=True)

    names = policy_names(settings)
    asyncio.run(
        serve(settings, ring, names, host=host, port=port, rate=rate, burst=burst, share=share, started=started)
    )


def api_key(
    name: Annotated[str, typer.Argument(help="Person or service that gets the key.")],
    role: Annotated[RoleName, typer.Option(help="reader, moderator, legal or admin.")] = RoleName.reader,
    acts_for_others: Annotated[
        bool,
        typer.Option("--acts-for-others", help="For a service that authenticates people and names them as actors."),
    ] = False,
    person: Annotated[
        str,
        typer.Option(help="Owner of the key, for a person with several; records name the owner.", show_default="NAME"),
    ] = "",
) -> None:
    """Make an API key: prints it once on stderr, and its line for the key file on stdout."""
    import msgspec

    from moderation.api.keys import ApiKey, new_key, parse_keys

    key, digest = new_key()
    entry = ApiKey(name=name, role=role.value, sha256=digest, acts_for_others=acts_for_others, person=person)
    line = msgspec.json.encode(entry).decode()
    parse_keys(f'{{"keys": [{line}]}}'.encode(), "NAME")
    typer.echo(f"{key}    <- for {name}; it cannot be shown again", err=True)
    print(line)
