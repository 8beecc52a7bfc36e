"""`hushtag demo`: run the whole system on this machine with a live view."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `demo` to the application."""
    app.command()(demo)


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=20, help="Seconds after which the demo ends; default: on Ctrl-C.")
    ] = None,
) -> None:
    """Run the whole system on a local Kafka and Valkey, and watch it remove a hate campaign from trends.

    Shows a live view in a terminal, else plain lines. At the end it compares the result with the simulator's ground
    truth, and exits with 3 if they differ.
    """
    from devkit.demo.run import run_demo

    raise typer.Exit(run_demo(seconds))
