"""Options of the order commands, with one spelling and one help text each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from moderation.domain.orders.errors import cell_error
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.shown_outcomes import SHOWN_OUTCOMES, ShownOutcome
from moderation.domain.tables import BadCell, one_of
from streams.orders.records import CATEGORIES, TARGET_KINDS, SpeakerCategory, TargetKind
from streams.orders.states import GROUNDS_OF

Order = Annotated[str, typer.Argument(help="Order id, such as IN-3f9a2c71b0.", metavar="ORDER")]
Source = Annotated[Path, typer.Argument(help="CSV or JSON file; - reads CSV from stdin.", metavar="FILE")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only accounts, hashtags or tweets.", metavar="KIND")]
Targets = Annotated[list[str] | None, typer.Option("--target", help="Only this target; repeatable.", metavar="TARGET")]
Outcomes = Annotated[
    list[str] | None, typer.Option("--with", help="Only targets with this outcome now.", metavar="OUTCOME")
]
Undecided = Annotated[bool, typer.Option("--undecided", help="Only targets without an outcome.")]
Waiting = Annotated[bool, typer.Option("--waiting", help="Only targets that wait for a second person.")]
Protected = Annotated[
    bool | None, typer.Option("--protected/--not-protected", help="Only protected speakers, or all others.")
]
Categories = Annotated[
    list[str] | None,
    typer.Option("--speaker", help="Only protected speakers of this category.", metavar="CATEGORY"),
]
First = Annotated[int | None, typer.Option("--first", help="Maximum number, in the order of intake.", min=1)]
GroundOption = Annotated[
    str | None,
    typer.Option(
        "--ground",
        help=f"Publishable ground; for declined: {', '.join(GROUNDS_OF['declined'])}.",
        metavar="GROUND",
        show_default="protected_speech where all are protected, else other",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Import nothing if any row is bad.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the effect; write nothing.")]
Version = Annotated[
    str | None,
    typer.Option(
        "--if-version",
        help="Refuse if the order has changed since this version.",
        metavar="VERSION",
        show_default=False,
    ),
]


def word(field: str, written: str, words: Sequence[str]) -> str:
    """Parse one of some words, as typed with an option.

    Raises:
        CallerMistake: the word is unknown; the error names the nearest one.
    """
    try:
        return one_of(field, written, words)
    except BadCell as bad:
        raise cell_error(bad) from None


def selection(
    kinds: Iterable[str] | None,
    targets: Iterable[str] | None,
    outcomes: Iterable[str] | None,
    undecided: bool,
    waiting: bool,
    protected: bool | None,
    speakers: Iterable[str] | None,
    first: int | None,
) -> Selection:
    """Build the filter of targets from the options of a command."""
    return Selection(
        kinds=tuple(cast(TargetKind, word("--kind", kind.removesuffix("s"), TARGET_KINDS)) for kind in kinds or ()),
        targets=tuple(targets or ()),
        outcomes=tuple(cast(ShownOutcome, word("--with", outcome, SHOWN_OUTCOMES)) for outcome in outcomes or ()),
        undecided=undecided,
        waiting=waiting,
        protected=protected,
        categories=tuple(cast(SpeakerCategory, word("--speaker", category, CATEGORIES)) for category in speakers or ()),
        first=first,
    )
