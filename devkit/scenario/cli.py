"""`hushtag scenario`: play a whole story on the local stack and verify its documents against the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.errors import CallerMistake

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Add `scenario` to the application."""
    app.command()(scenario)


def scenario(
    name: Annotated[str, typer.Argument(help="india-2021: three orders on 1,239 accounts.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the update, the replies, the report.",
                                  show_default="scenario-NAME")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the account ids; the story stays the same.")] = 2021,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Play three legal orders that overlap: decisions, an interim that ends, a revocation, an appeal, publications.

    Writes the public update, the replies to the authority, the transparency report and a statement of reasons. A third
    party, another process, verifies statement and report by keys and the published log, and finds twelve forgeries.
    Exits with 3 if it does not, a number differs from an independent count, or a surface does not apply the decisions.
    """
    from devkit.scenario.run import run_india

    if name != "india-2021":
        raise CallerMistake(f"there is no scenario {name[:40]!r}", fix="use india-2021")
    raise typer.Exit(run_india(out or Path(f"scenario-{name}"), seed=seed, as_json=as_json))
