"""The console of the commands, on which the words of people stay as they are."""

from __future__ import annotations

from typing import Any

from rich.console import Console


class PlainConsole(Console):
    """Console without markup, emoji codes and highlights; `options` are those of `Console`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)
