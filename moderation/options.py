"""The options that the moderators' commands share: one spelling and one help text each."""

from __future__ import annotations

from typing import Annotated

import typer

Tags = Annotated[
    list[str],
    typer.Argument(help="Hashtags, with or without #; any spelling that means the same will do.", metavar="TAG..."),
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why: it is kept with the decision and can be published.")]
Surfaces = Annotated[
    list[str] | None,
    typer.Option(
        "--surface", "-s", help="Only on this surface; may be given again.", show_default="all of the policy's"
    ),
]
Country = Annotated[
    str | None,
    typer.Option("--country", "-c", help="Only for viewers in this country, such as IN.", show_default="everywhere"),
]
Lasts = Annotated[
    str | None,
    typer.Option("--for", help="How long it stands: 30m, 2h, 7d, 1d12h.", metavar="DURATION", show_default=False),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", help="When it ends, in ISO 8601; UTC where no offset is given.", metavar="TIME", show_default=False
    ),
]
Default = Annotated[
    str,
    typer.Option(
        "--default-for",
        envvar="HUSHTAG_OVERRIDE_FOR",
        help="How long it stands where neither is given.",
        metavar="DURATION",
    ),
]
Actor = Annotated[str | None, typer.Option("--actor", help="Who decides.", show_default="you, by login name")]
Expected = Annotated[
    str | None,
    typer.Option(
        "--if-version",
        help="Refuse if the scope has moved on from this version.",
        metavar="VERSION",
        show_default=False,
    ),
]
Family = Annotated[
    bool,
    typer.Option("--family", help="Also every look-alike that was used lately, such as h4tetag for #hatetag."),
]
Wait = Annotated[
    float, typer.Option("--wait", help="Seconds to wait until the surfaces see it; 0: do not look.", min=0.0, max=60.0)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
