"""Options and arguments that several commands share: one name, one type and one help text each."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer


def parse_share(text: str | float) -> float:
    """Parse a share from 0 to 1.

    Raises:
        BadParameter: it is another number, or a percentage; the error has what to write instead.
    """
    number = str(text).strip()
    try:
        value = float(number.removesuffix("%").replace(",", "."))
    except ValueError:
        value = math.nan
    if number.endswith("%") or not 0 <= value <= 1:
        meant = f": write {value / 100:g}" if 0 <= value <= 100 else ""
        raise typer.BadParameter(f"{number[:40]!r} is not a share from 0 to 1{meant}")
    return value


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, one object a line.")]
AlwaysJson = Annotated[
    bool, typer.Option("--json", help="Accepted for uniformity: the output is always JSON, one object a line.")
]

Hashtag = Annotated[str, typer.Argument(metavar="TAG", help="Hashtag in any spelling, with or without #.")]
Viewers = Annotated[
    str | None,
    typer.Option(
        "--country", "-c", metavar="CODE", help="Only for viewers in this country, such as IN.", show_default="all"
    ),
]

NewPolicy = Annotated[Path, typer.Argument(metavar="NEW.yaml", help="Policy file to try or to apply.")]
Reason = Annotated[str, typer.Option(help="Why the change is made; kept with it.", show_default=False)]
Actor = Annotated[str, typer.Option(help="Who is responsible for the change; kept with it.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking for confirmation.")]
ShowImpact = Annotated[
    bool, typer.Option("--impact/--no-impact", help="First show what the policy would have changed in the past.")
]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write an HTML page with plots to FILE.")]
EvidenceFile = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        help="Read evidence from FILE, written by `hushtag replay --evidence` or `hushtag dump hashtag-evidence`.",
        show_default="the topic hashtag-evidence",
    ),
]
