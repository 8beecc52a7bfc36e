"""`hushtag explain TAG`: why a hashtag is hidden or shown, for how long, by whom, and its history."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from streams.cli.inputs import past_ms
from streams.cli.options import Hashtag, Json, Viewers
from streams.cli.output import errors, print_json, quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO
from streams.explain.gather import gather_explanation
from streams.naming import country_of, tag_of
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `explain` to the command."""
    app.command()(explain)


def explain(
    tag: Hashtag,
    country: Viewers = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="State at a time in the past: 02:04, 2026-11-25 02:04 (UTC), 10m ago. Evidence is kept for a week.",
            show_default="now",
        ),
    ] = None,
    terms: Annotated[
        bool, typer.Option("--terms", help="Read its tweets and print the words that moved the model, masked.")
    ] = False,
    show_terms: Annotated[bool, typer.Option("--show-terms", help="Like --terms, with unmasked words.")] = False,
    as_json: Json = False,
) -> None:
    """Explain a hashtag: its state on each surface, its signals, the decisions of people, its history.

    Each signal comes with value, threshold, margin and the line of the policy file that sets it. Also printed: what
    would end a flag, the signals against every rule, and the volume. Exits with 3 if nothing is known of the hashtag.
    """
    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    at_ms = None if at is None else past_ms(at, now_ms())
    quieten()
    with_words = terms or show_terms
    found = asyncio.run(gather_explanation(settings, meant.hashtag, where, at_ms, words=with_words))
    for note in (found.note, *meant.notes):
        if note:
            errors.print(note, style="yellow")
    if as_json:
        print_json(found.as_dict(in_full=show_terms) if found.known else {"hashtag": meant.hashtag, "known": False})
    elif found.known:
        from streams.explain.as_text import ExplanationPrinter

        printer = ExplanationPrinter(found)
        printer.print()
        if with_words:
            printer.print_words(in_full=show_terms)
    if not found.known:
        errors.print(f"nothing is known of #{meant.hashtag}" + (f" in {where}" if where else ""))
        raise typer.Exit(EXIT_NO)
