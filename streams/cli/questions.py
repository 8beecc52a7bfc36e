"""Questions for what a command line lacks: a person at a terminal is asked, a script gets the error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer._click.exceptions import MissingParameter  # typer has no public name for it


def ask_for_missing(command: Any) -> None:
    """Let a command, or each command of a group, ask for required options and arguments that are missing."""
    if inner := getattr(command, "commands", None):
        for subcommand in inner.values():
            ask_for_missing(subcommand)
        return
    parse = command.parse_args

    def parse_or_ask(context: Any, words: Sequence[str]) -> list[str]:
        while True:
            try:
                rest: list[str] = parse(context, list(words))
                return rest
            except MissingParameter as error:
                if error.param is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
                    raise
                words = [*_with_answer(words, error.param, _answer(error))]
                context.params.clear()

    command.parse_args = parse_or_ask


def _answer(error: MissingParameter) -> str:
    """Ask until the answer has words.

    Raises:
        MissingParameter: the person gives up (Ctrl-C, Ctrl-D).
    """
    parameter: Any = error.param
    name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar or parameter.name.upper()
    try:
        answer: str = typer.prompt(f"{name}: {parameter.help}\n", prompt_suffix="> ", err=True)
    except typer.Abort:
        raise error from None
    return answer


def _with_answer(words: Sequence[str], parameter: Any, answer: str) -> list[str]:
    if parameter.param_type_name == "option":
        return [f"{max(parameter.opts, key=len)}={answer}", *words]
    answers = answer.split() if parameter.nargs == -1 else [answer]
    return [*words, *(() if "--" in words else ("--",)), *answers]
