"""The options that the orders' commands share: one spelling and one help text each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from moderation.tables import BadCell, one_of
from streams.errors import CallerMistake
from streams.orders.states import GROUNDS_OF

Order = Annotated[str, typer.Argument(help="The order's id, such as IN-3f9a2c71b0.", metavar="ORDER")]
Source = Annotated[Path, typer.Argument(help="CSV or JSON; - reads CSV from stdin.", metavar="FILE")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only accounts, hashtags or tweets.", metavar="KIND")]
Targets = Annotated[
    list[str] | None, typer.Option("--target", help="Only this target; may be given again.", metavar="TARGET")
]
Outcomes = Annotated[list[str] | None, typer.Option("--with", help="Only with this outcome now.", metavar="OUTCOME")]
Undecided = Annotated[bool, typer.Option("--undecided", help="Only without an outcome.")]
Waiting = Annotated[bool, typer.Option("--waiting", help="Only those that wait for a second person.")]
Protected = Annotated[
    bool | None, typer.Option("--protected/--not-protected", help="Only, or without, protected speakers.")
]
Categories = Annotated[
    list[str] | None,
    typer.Option("--speaker", help="Only protected speakers of this category.", metavar="CATEGORY"),
]
First = Annotated[int | None, typer.Option("--first", help="At most so many, in the order of intake.", min=1)]
GroundOption = Annotated[
    str | None,
    typer.Option(
        "--ground",
        help=f"Why, as it may be published; declined: {', '.join(GROUNDS_OF['declined'])}.",
        metavar="GROUND",
        show_default="protected_speech where all are protected, else other",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do; write nothing.")]
Version = Annotated[
    str | None,
    typer.Option(
        "--if-version",
        help="Refuse if the order has moved on from this version.",
        metavar="VERSION",
        show_default=False,
    ),
]


def word(field: str, written: str, known: Sequence[str]) -> str:
    """One of some words, as typed with an option.

    Raises:
        CallerMistake: it is none of them; the nearest is named.
    """
    try:
        return one_of(field, written, known)
    except BadCell as bad:
        raise CallerMistake(f"{bad.field}: {bad.value!r} is {bad.problem}", fix=bad.fix) from None
