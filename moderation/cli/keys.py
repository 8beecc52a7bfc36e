"""Command `hushtag api-key`, which makes a key of the API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from streams.naming import country_of


class RoleName(StrEnum):
    """Role of a key."""

    reader = "reader"
    moderator = "moderator"
    legal = "legal"
    admin = "admin"


def register(app: typer.Typer) -> None:
    """Add `api-key` to the command."""
    app.command("api-key")(api_key)


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
    country: Annotated[
        list[str] | None,
        typer.Option(help="Country in which it may decide; repeatable, * is everywhere.", show_default="all"),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Category on which it may decide; repeatable.", show_default="all"),
    ] = None,
    longest: Annotated[
        str, typer.Option(help="Longest override or pause, such as 2d.", show_default="as long as any")
    ] = "",
) -> None:
    """Make an API key: prints it once on stderr, and its line for the key file on stdout."""
    from moderation.access.key_making import make_key
    from moderation.access.keys import Rights

    rights = Rights(
        countries=tuple(map(country_of, country)) if country else None,
        categories=tuple(category) if category else None,
        longest=longest,
    )
    key, line = make_key(name, role.value, acts_for_others=acts_for_others, person=person, rights=rights)
    typer.echo(f"{key}    <- for {name}; it cannot be shown again", err=True)
    print(line)
