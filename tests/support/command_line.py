"""Commands that a text of the documentation names, checked against the command line of `hushtag`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import typer.main

from streams.cli.main import make_app


def inline_code(text: str) -> list[str]:
    """Return the inline code of a text, each with single spaces."""
    return [" ".join(one.split()) for one in re.findall(r"`([^`]+)`", text)]


@cache
def command() -> Any:
    """Return the command `hushtag` with all its subcommands."""
    return typer.main.get_command(make_app())


def unknown_part(words: list[str]) -> str:
    """Return the first word of a call of `hushtag` that is neither a command nor an option; "" if all are known."""
    found, rest = command(), words
    while hasattr(found, "commands"):
        if found.invoke_without_command and (not rest or rest[0].startswith("-")):
            break
        if not rest or rest[0] not in found.commands:
            return rest[0] if rest else "(no command)"
        found, rest = found.commands[rest[0]], rest[1:]
    options = {name for parameter in found.params for name in parameter.opts}
    return next((word for word in rest if word.startswith("-") and word not in options), "")


def unknown_calls(text: str) -> dict[str, str]:
    """Return the calls of `hushtag` in the inline code of a text that have an unknown part, with that part."""
    calls = [one.split()[1:] for one in inline_code(text) if one.startswith("hushtag ") and "COMMAND" not in one]
    return {" ".join(one): part for one in calls if (part := unknown_part(one))}
