"""`hushtag statement TAG`: why a hashtag is held back, for its users and the public database.

`hushtag notice ORDER`: a legal order for the archive.
"""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from moderation.options import Json
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO
from streams.naming import country_of, tag_of
from streams.settings import load_settings

_errors = Console(stderr=True, highlight=False, markup=False)


class Language(StrEnum):
    """Languages of the text to the user."""

    en = "en"
    hi = "hi"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(statement)
    app.command()(notice)


def statement(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="In any spelling, with or without #.")],
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Only for viewers in this country.", show_default="all known")
    ] = None,
    language: Annotated[Language, typer.Option("--lang", help="Of the text to the user.")] = Language.en,
    history: Annotated[bool, typer.Option("--all", help="Those that have ended or are overruled, too.")] = False,
    as_json: Json = False,
) -> None:
    """Say why a hashtag is held back: what the affected user is told, and with --json what the EU's database is.

    One statement for each decision in force. Exit 3 if there is none.
    """
    from moderation.statements.hashtag import ever, in_force
    from moderation.statements.render import statement_as_dict  # here, so that no other command waits for Babel
    from moderation.statements.text import user_text
    from streams.explain.gather import account_of

    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    quieten()
    account, unseen = asyncio.run(account_of(settings, meant.hashtag, where))
    if unseen:
        _errors.print(unseen, style="yellow")
    found = ever(account) if history else in_force(account)
    for number, one in enumerate(found):
        if as_json:
            print(json.dumps(statement_as_dict(one), ensure_ascii=False))
        else:
            print(("\n" if number else "") + user_text(one, language.value))
    if not found:
        _errors.print(f"nothing holds #{meant.hashtag} back" + (f" in {where}" if where else ""))
        raise typer.Exit(EXIT_NO)


def notice(
    order: Annotated[str, typer.Argument(help="The order's id, such as IN-3f9a2c71b0.", metavar="ORDER")],
    recipient: Annotated[str, typer.Option(help="The platform's name.")],
    site: Annotated[str, typer.Option(help="Its address, for the targets' URLs, such as https://x.com.")],
    statements: Annotated[
        bool, typer.Option("--statements", help="Instead: the statement for each target that is held back, one a line.")
    ] = False,
) -> None:
    """Print a legal order as a notice in the shape that Lumen takes; of a confidential one, only the numbers."""
    from moderation.orders.errors import no_such_order
    from moderation.statements.lumen import lumen_notice
    from moderation.statements.orders import request_of, restrictions_of
    from moderation.statements.render import statement_as_dict
    from streams.explain.gather import people_view

    quieten()
    case = asyncio.run(people_view(load_settings())).fold.cases.cases.get(order)
    if case is None:
        raise no_such_order(order)
    if statements:
        for one in restrictions_of(case, now_ms()):
            print(json.dumps(statement_as_dict(one), ensure_ascii=False))
        return
    told = lumen_notice(request_of(case, now_ms()), recipient=recipient, site=site.rstrip("/"))
    print(json.dumps(told, ensure_ascii=False, indent=2))
