"""Text that a terminal shows of a rendering."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def drawn(what: Any, width: int = 110, height: int = 34) -> str:
    """Render at a width and height, and return the text."""
    console = Console(record=True, width=width, height=height, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(what, soft_wrap=False)
    return console.export_text()
