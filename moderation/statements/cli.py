"""`hushtag statement TAG`: the statement of reasons of everything that holds a hashtag back."""

from __future__ import annotations

import asyncio
import json
import logging
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from moderation.options import Json
from streams.errors import EXIT_NO
from streams.flags.naming import country_of, tag_of
from streams.settings import load_settings

_errors = Console(stderr=True, highlight=False, markup=False)


class Language(StrEnum):
    """Languages of the text to the user."""

    en = "en"
    hi = "hi"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(statement)


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
    from moderation.statements.render import statement_as_dict  # here, so that no other command waits for Babel
    from moderation.statements.restriction import ever, in_force
    from moderation.statements.text import user_text
    from streams.flags.gather import account_of

    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what fails is told by our own errors
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
