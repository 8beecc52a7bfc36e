"""Command `hushtag api`, which serves the HTTP API and the console."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from moderation.cli.options import Json, Share
from moderation.domain.appeals.items import DEFAULT_SHARE
from streams.errors import CallerMistake
from streams.logs import configure_logging
from streams.settings import load_settings
from web.callers import is_loopback


def register(app: typer.Typer) -> None:
    """Add `api` to the command."""
    app.command("api")(api)


def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8710,
    keys: Annotated[
        Path | None,
        typer.Option(envvar="HUSHTAG_API_KEYS", help="File of the API keys' hashes.", show_default="none"),
    ] = None,
    reviewer: Annotated[
        str,
        typer.Option(
            help="Print a link that logs this person in as admin; on loopback, without keys and login provider.",
            show_default="none",
        ),
    ] = "",
    rate: Annotated[float, typer.Option(min=0.1, help="Average calls per second for each key.")] = 20.0,
    burst: Annotated[int, typer.Option(min=1, help="Calls at once for each key.")] = 100,
    share: Share = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """Serve the moderation API (/openapi.json) and the moderators' console (/console) until stopped.

    It needs keys, a login provider, or --reviewer for browsers that open the printed link. With keys, put a TLS proxy
    in front of it, because keys travel in a header, and name the proxy in HUSHTAG_TRUSTED_PROXIES.
    """
    from moderation.access.keys import KeyRing, check_name
    from moderation.access.login_settings import OidcConfig, session_config
    from moderation.console.app import mount_console
    from moderation.http.app import serve

    settings, ring = load_settings(), KeyRing(keys)
    has_provider = isinstance(session_config(settings), OidcConfig)
    if ring.open and not has_provider and not reviewer:
        raise CallerMistake(
            "no one could call this API: no keys, no login provider and no --reviewer are set",
            fix="for yourself: hushtag api --reviewer NAME. For others: --keys FILE (hushtag api-key NAME makes a line "
            "of it), or a login provider (HUSHTAG_OIDC_ISSUER)",
        )
    if reviewer:
        check_name(reviewer)
        why = "keys are set" if not ring.open else "a login provider is configured" if has_provider else ""
        if why := why or ("" if is_loopback(host) else f"{host} is not loopback"):
            raise CallerMistake(
                f"--reviewer {reviewer}: {why}, and such a link is only for this machine",
                fix="leave out --reviewer, or --keys, HUSHTAG_API_KEYS, the HUSHTAG_OIDC_ variables and --host",
            )
    if keys is not None and not ring.entries() and not has_provider:
        print(f"warning: {keys} holds no key, so every call is refused", file=sys.stderr)
        print("fix: hushtag api-key NAME makes a line of it; the file is read again when it changes", file=sys.stderr)
    configure_logging(settings.log_level)

    def started(url: str, link: str) -> None:
        if as_json:
            print(json.dumps({"url": url} | ({"link": link} if link else {})), flush=True)
            return
        print(f"API on {url}", flush=True)
        if link:
            print(f"{reviewer} logs in with this link, until this process ends: {link}", flush=True)

    asyncio.run(
        serve(
            settings, ring, host=host, port=port, rate=rate, burst=burst, share=share, reviewer=reviewer,
            started=started, mount=mount_console,
        )
    )  # fmt: skip
