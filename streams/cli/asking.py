"""A question before something is applied."""

from __future__ import annotations

import typer

from streams.errors import CallerMistake


def agreed(question: str) -> bool:
    """Whether somebody at the terminal says yes.

    Raises:
        CallerMistake: there is nobody.
    """
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        raise CallerMistake("nobody answered", fix="--yes applies it without asking") from None
