"""Progress bars of commands and of what they call."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


def progress_bar(what: str = "judging the evidence") -> Progress:
    """On stderr, where that is a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
