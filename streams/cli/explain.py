"""`hushtag explain TAG`: why a hashtag is hidden or shown, for how long, by whom, and what happened to it before."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.cli.moments import moment_ms
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO
from streams.explain.gather import account_of
from streams.naming import country_of, tag_of
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.explain.reading import Terms, Why

_errors = Console(stderr=True, highlight=False, markup=False)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="In any spelling, with or without #.")],
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Only for viewers in this country.", show_default="all known")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="As it was then: 02:04, 2026-11-25 02:04 (UTC), 10m ago. Evidence is kept for a week.",
            metavar="TIME",
            show_default="now",
        ),
    ] = None,
    terms: Annotated[
        bool, typer.Option("--terms", help="Read its tweets back and say which words moved the model, masked.")
    ] = False,
    show_terms: Annotated[bool, typer.Option("--show-terms", help="The same with the words in full.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say all that is known of a hashtag: its state on each surface, the signals, the people, the history.

    Each signal with value, threshold, margin and the line of the policy file that set it; what would end it; how the
    tag stands against every rule, hidden or not; its volume. Exit 3 if nothing is known of it.
    """
    from streams.explain.reading import why_of
    from streams.explain.view import as_dict, tell, tell_terms  # here, so that no other command waits for the model

    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    at_ms = now_ms() if at is None else moment_ms(at, now_ms())
    quieten()
    account, unseen = asyncio.run(account_of(settings, meant.hashtag, where, None if at is None else at_ms))
    countries = [where] if where else ["*", *sorted({said.country for said in account.decisions} - {"*"})]
    why = asyncio.run(why_of(settings, meant.hashtag, countries, at_ms))
    known = account.known or why.seen
    found = asyncio.run(_terms(settings, meant.hashtag, why, at_ms)) if (terms or show_terms) and known else None
    if unseen:
        _errors.print(unseen, style="yellow")
    for note in meant.notes:
        _errors.print(note, style="yellow")
    if as_json:
        told = as_dict(account, why, found, in_full=show_terms) if known else {"hashtag": meant.hashtag, "known": False}
        print(json.dumps(told, ensure_ascii=False))
    elif known:
        tell(account, why)
        if terms or show_terms:
            tell_terms(found, in_full=show_terms)
    if not known:
        _errors.print(f"nothing is known of #{meant.hashtag}" + (f" in {where}" if where else ""))
        raise typer.Exit(EXIT_NO)


async def _terms(settings: Settings, hashtag: str, why: Why, at_ms: int) -> Terms | None:
    from streams.explain.reading import terms_of

    window_ms = max((one.window_ms for one in why.standings), default=600_000)
    return await terms_of(settings, hashtag, at_ms - window_ms, at_ms, model=why.model)
