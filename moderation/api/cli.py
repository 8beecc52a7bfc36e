"""`hushtag api`: the HTTP API as a process. `hushtag api-key`: a key, and its line for the file of keys."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from moderation.options import Json
from moderation.review.items import DEFAULT_SHARE
from streams.errors import CallerMistake, PolicyError
from streams.settings import Settings, load_settings


class RoleName(StrEnum):
    """Roles of keys."""

    reader = "reader"
    moderator = "moderator"
    legal = "legal"
    admin = "admin"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("api")(api)
    app.command("api-key")(api_key)


def api(
    host: Annotated[str, typer.Option(help="Address to listen on; another than loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8710,
    keys: Annotated[
        Path | None,
        typer.Option(
            envvar="HUSHTAG_API_KEYS", help="File of the API keys' hashes.", show_default="none: loopback only"
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Calls a second for each key, in the long run.")] = 20.0,
    burst: Annotated[int, typer.Option(min=1, help="Calls at once for each key.")] = 100,
    share: Annotated[
        float,
        typer.Option(
            envvar="HUSHTAG_SECOND_LOOK_SHARE",
            min=0.0,
            max=1.0,
            help="Share of suppressions that people look at again.",
        ),
    ] = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """Serve the moderation API until stopped; its OpenAPI document is at /openapi.json.

    Put a TLS proxy in front of it where it listens on more than loopback: keys travel in a header.
    """
    from moderation.api.keys import KeyRing
    from moderation.api.serve import serve

    settings, ring = load_settings(), KeyRing(keys)
    if ring.open and not _is_loopback(host):
        raise CallerMistake(
            f"{host} is not loopback, and no keys are set", fix="give --keys FILE: hushtag api-key NAME"
        )

    def started(url: str) -> None:
        print(json.dumps({"url": url}) if as_json else f"API on {url}", flush=True)

    surfaces, categories = _of_policy(settings)
    asyncio.run(
        serve(
            settings, ring, host=host, port=port, rate=rate, burst=burst, share=share, surfaces=surfaces,
            categories=categories, started=started,
        )
    )  # fmt: skip


def api_key(
    name: Annotated[str, typer.Argument(help="The person or service that gets it.")],
    role: Annotated[RoleName, typer.Option(help="reader, moderator, legal or admin.")] = RoleName.reader,
    acts_for_others: Annotated[
        bool, typer.Option("--acts-for-others", help="A service that logs people in itself and names them as actors.")
    ] = False,
    person: Annotated[
        str,
        typer.Option(
            help="Whose key it is, for somebody who has several: records bear this name.", show_default="NAME"
        ),
    ] = "",
) -> None:
    """Make an API key: it is printed once, on stderr; the line for the file of keys is on stdout."""
    import msgspec

    from moderation.api.keys import Key, new_key, parse_keys

    key, digest = new_key()
    entry = Key(name=name, role=role.value, sha256=digest, acts_for_others=acts_for_others, person=person)
    line = msgspec.json.encode(entry).decode()
    parse_keys(f'{{"keys": [{line}]}}'.encode(), "NAME")
    typer.echo(f"{key}    <- for {name}; it cannot be shown again", err=True)
    print(line)


def _of_policy(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Surfaces and categories of the policy; this machine need not have one, or a sound one."""
    from moderation.drafts import SURFACES
    from streams.policy.parse import parse_policy

    try:
        policy = parse_policy(settings.policy.read_bytes(), str(settings.policy))
    except (OSError, PolicyError):
        return SURFACES, None
    return policy.surfaces, tuple(policy.categories)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
