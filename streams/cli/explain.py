"""`hushtag explain TAG`: why a hashtag is hidden or shown, for how long, by whom, and its history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.inputs import past_ms
from streams.cli.lists import one_line, printable
from streams.cli.options import Hashtag, Json, Viewers
from streams.cli.output import errors, print_json, quieten
from streams.clock import now_ms
from streams.countries import in_country
from streams.errors import EXIT_NO
from streams.explain.sources import gather_explanation
from streams.naming import country_of, tag_of
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.answers import JsonObject
    from streams.explain.explanation import Explanation


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
    everything: Annotated[
        bool, typer.Option("--all", help="Also print every signal, rule, decision and change.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Explain a hashtag in one sentence: hidden where, by whom, why, until when, and what would end it.

    A hashtag that is shown gets the reason, and what is missing until it would be hidden. At most 15 lines follow:
    signals with the policy line of their threshold, decisions of people, the last changes. Exits with 3 if nothing is
    known of the hashtag.
    """
    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    at_ms = None if at is None else past_ms(at, now_ms())
    quieten()
    with_words = terms or show_terms
    explanation = asyncio.run(gather_explanation(settings, meant.hashtag, where, at_ms, words=with_words))
    for note in (explanation.note, *meant.notes):
        if note:
            errors.print(note, style="yellow")
    if as_json:
        nothing = {"hashtag": meant.hashtag, "known": False}
        print_json(_json(explanation, in_full=show_terms) if explanation.known else nothing)
    elif explanation.known:
        from streams.explain.brief import brief
        from streams.explain.printer import ExplanationPrinter
        from streams.explain.sentence import sentence_of  # slow imports: not for other commands

        printer = ExplanationPrinter(explanation)
        if everything:
            print(one_line(sentence_of(explanation)))
            printer.print()
        else:
            sentence, *lines = brief(explanation)
            print("\n".join([one_line(sentence), *map(printable, lines)]))
        if with_words:
            printer.print_words(in_full=show_terms)
    if not explanation.known:
        errors.print(f"nothing is known of #{meant.hashtag}" + (f" {in_country(where)}" if where else ""))
        raise typer.Exit(EXIT_NO)


def _json(explanation: Explanation, *, in_full: bool) -> JsonObject:
    from streams.explain.answers import explanation_json
    from streams.explain.sentence import sentence_of

    return {"sentence": sentence_of(explanation)} | explanation_json(explanation, in_full=in_full)
