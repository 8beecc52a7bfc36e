"""`hushtag statement TAG`: statements of reasons; `hushtag notice ORDER`: a legal order for the Lumen archive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from moderation.cli.options import Json
from streams.cli.output import quieten
from streams.console import PlainConsole
from streams.errors import EXIT_NO, CallerMistake
from streams.naming import country_of, tag_of
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from moderation.domain.restrictions.restriction import Restriction

_errors = PlainConsole(stderr=True)


class NoticeKind(StrEnum):
    """Types of a Lumen notice."""

    government = "GovernmentRequest"
    court = "CourtOrder"


class Language(StrEnum):
    """Languages of the user's text."""

    en = "en"
    hi = "hi"


Submit = Annotated[
    bool,
    typer.Option(
        "--submit",
        help="Print the bodies for the EU's database instead (POST /api/v1/statements), at most 100 statements a line.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `statement` and `notice` to the command."""
    app.command()(statement)
    app.command()(notice)


def statement(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="In any spelling, with or without #.")],
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Only for viewers in this country.", show_default="all known")
    ] = None,
    language: Annotated[Language, typer.Option("--lang", help="Language of the user's text.")] = Language.en,
    history: Annotated[
        bool, typer.Option("--all", help="Include statements that have ended or are overruled.")
    ] = False,
    submit: Submit = False,
    as_json: Json = False,
) -> None:
    """Print why a hashtag is hidden: the text for the affected user; with --json also the one for the EU's database.

    Prints one statement per decision in force. With --json each has its proof in the public log, for `hushtag proof
    verify`. Exits with 3 if there is none.
    """
    from moderation.domain.restrictions.collection import active_restrictions, all_restrictions
    from moderation.outward.statements.text import user_text  # Babel is slow to import
    from streams.explain.sources import gather_report

    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    quieten()
    account, unseen = asyncio.run(gather_report(settings, meant.hashtag, where))
    if unseen:
        _errors.print(unseen, style="yellow")
    restrictions = all_restrictions(account) if history else active_restrictions(account)
    if restrictions and submit:
        _print_batches(restrictions, settings.account_rules)
        return
    if as_json:
        _print_statements(settings, restrictions)
    for number, restriction in enumerate(() if as_json else restrictions):
        print(("\n" if number else "") + user_text(restriction, language.value))
    if not restrictions:
        _errors.print(f"no decision hides #{meant.hashtag}" + (f" in {where}" if where else ""))
        raise typer.Exit(EXIT_NO)


def notice(
    order: Annotated[str, typer.Argument(help="The order's id, such as IN-3f9a2c71b0.", metavar="ORDER")],
    recipient: Annotated[str, typer.Option(help="The platform's name.")],
    site: Annotated[str, typer.Option(help="Its address, for the targets' URLs, such as https://x.com.")],
    statements: Annotated[
        bool,
        typer.Option(
            "--statements", help="Print the statements of the targets that are held back instead, one a line."
        ),
    ] = False,
    submit: Submit = False,
    notice_type: Annotated[
        NoticeKind, typer.Option("--type", help="Type of the notice; a lawyer decides whether a court issued it.")
    ] = NoticeKind.government,
    principal: Annotated[
        str, typer.Option(help="Body on whose behalf the authority acts.", show_default="the authority")
    ] = "",
) -> None:
    """Print a legal order as a notice for Lumen; a confidential order gives only its numbers."""
    from moderation.domain.orders.errors import no_such_order
    from moderation.domain.restrictions.collection import order_restrictions, with_present_states
    from moderation.outward.statements.lumen import lumen_notice, order_request
    from streams.explain.sources import read_overrides
    from streams.flags.publish_time import present_ms

    quieten()
    settings = load_settings()
    fold = asyncio.run(read_overrides(settings)).fold
    legal_order, at_ms = fold.orders.by_id.get(order), asyncio.run(present_ms(settings.redis_url))
    if legal_order is None:
        raise no_such_order(order)
    if submit:
        _print_batches(order_restrictions(legal_order, at_ms), settings.account_rules)
        return
    if statements:
        _print_statements(settings, with_present_states(order_restrictions(legal_order, at_ms), fold, at_ms))
        return
    body = lumen_notice(
        order_request(legal_order, at_ms),
        recipient=recipient,
        site=site.rstrip("/"),
        notice_type=notice_type.value,
        principal=principal,
    )
    print(json.dumps(body, ensure_ascii=False, indent=2))


def _print_statements(settings: Settings, restrictions: Sequence[Restriction]) -> None:
    """Print statements as JSON with their proofs, one a line."""
    from moderation.outward.statements.answers import statement_answer
    from moderation.outward.statements.proofs import prove_statements
    from moderation.publiclog.proving import KafkaLog

    proofs = asyncio.run(prove_statements(KafkaLog(settings), restrictions))
    for restriction in restrictions:
        answer = statement_answer(
            restriction, account_rules=settings.account_rules, proof=proofs[restriction.reference]
        )
        print(json.dumps(answer.members(), ensure_ascii=False))


def _print_batches(restrictions: Sequence[Restriction], account_rules: str) -> None:
    """Print the statements for the EU's database in batches, and count those that it does not take.

    Raises:
        CallerMistake: there is a suspension, and no clause of the rules is set.
        typer.Exit: the database takes none of them.
    """
    from moderation.outward.statements.dsa import dsa_batches, dsa_statement, is_reported

    reported = [restriction for restriction in restrictions if is_reported(restriction)]
    if not account_rules and any(restriction.measure == "suspended" for restriction in reported):
        raise CallerMistake(
            "a suspension has no statement: HUSHTAG_ACCOUNT_RULES is not set",
            fix="set it to the clause of your rules under which accounts are suspended",
        )
    statements = (dsa_statement(restriction, account_rules=account_rules) for restriction in reported)
    for batch in dsa_batches(entry for entry in statements if entry is not None):
        print(json.dumps(batch.submission(), ensure_ascii=False))
    if omitted := len(restrictions) - len(reported):
        _errors.print(f"{omitted:,} without a statement: restricted by a legal order, or without effect in the EU")
    if not restrictions:
        _errors.print("nothing is restricted now, so there is no statement")
    if not reported:
        raise typer.Exit(EXIT_NO)
