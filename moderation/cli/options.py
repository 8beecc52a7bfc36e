"""Command-line options that the moderation commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import parse_share

Tags = Annotated[
    list[str],
    typer.Argument(help="Hashtags, with or without #, in any equivalent spelling.", metavar="TAG"),
]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Reason; it is kept with the decision and may be published.")
]
Surfaces = Annotated[
    list[str] | None,
    typer.Option("--surface", "-s", help="Only on this surface; repeatable.", show_default="all of the policy's"),
]
Country = Annotated[
    str | None,
    typer.Option("--country", "-c", help="Only for viewers in this country, such as IN.", show_default="everywhere"),
]
Lasts = Annotated[
    str | None,
    typer.Option("--for", help="Duration of the decision: 30m, 2h, 7d, 1d12h.", metavar="DURATION", show_default=False),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", help="End of the decision in ISO 8601; UTC without an offset.", metavar="TIME", show_default=False
    ),
]
Default = Annotated[
    str,
    typer.Option(
        "--default-for",
        envvar="HUSHTAG_OVERRIDE_FOR",
        help="Duration if neither --for nor --until is given.",
        metavar="DURATION",
    ),
]
Actor = Annotated[str | None, typer.Option("--actor", help="Person who decides.", show_default="you, by login name")]
Expected = Annotated[
    str | None,
    typer.Option(
        "--if-version",
        help="Refuse if the scope has a newer version than this.",
        metavar="VERSION",
        show_default=False,
    ),
]
Family = Annotated[
    bool,
    typer.Option("--family", help="Include every look-alike in recent use, such as h4tetag for #hatetag."),
]
Wait = Annotated[
    float,
    typer.Option("--wait", help="Seconds to wait until the surfaces see it; 0 does not wait.", min=0.0, max=60.0),
]
MetricsPort = Annotated[
    int,
    typer.Option(
        "--metrics-port",
        envvar="HUSHTAG_METRICS_PORT",
        help="Port of /metrics, /healthz and /readyz; 0: any free one.",
        min=0,
        max=65535,
    ),
]
Share = Annotated[
    float,
    typer.Option(
        envvar="HUSHTAG_SECOND_LOOK_SHARE",
        parser=parse_share,
        metavar="SHARE",
        help="Share of suppressions sampled for a second look, from 0 to 1.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
