"""`hushtag demo`: the whole system on this machine, with a live view."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `demo` to the application."""
    app.command()(demo)


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=20, help="End by itself after so many seconds; without: on Ctrl-C.")
    ] = None,
) -> None:
    """Run the whole thing on this machine and watch a hate campaign be taken out of trends: real Kafka, real Valkey.

    A live view in a terminal, plain lines elsewhere. At the end it says, from the simulator's ground truth, whether
    everything went as it must; exits with 3 if not.
    """
    from devkit.demo.run import run_demo

    raise typer.Exit(run_demo(seconds))
