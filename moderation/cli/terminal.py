"""Shared parts of the moderation commands: consoles, the actor, the live policy's names, files and services."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moderation.domain.orders.service import OrderService
from moderation.domain.tables import MOST_BYTES, RowProblem
from moderation.log.drafts import End, end_of
from moderation.log.present_time import open_moderation
from streams.cli.output import quieten
from streams.console import PlainConsole
from streams.errors import CallerMistake
from streams.flags.publish_time import present_ms
from streams.log.policy_names import read_policy_names
from streams.policy.names import PolicyNames
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.answers import AnswerModel

_SHOWN_PROBLEMS = 20


class _Terminal(PlainConsole):
    """Console that never wraps lines of text, so that they can be searched and copied; tables fit the width."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*objects, **{"soft_wrap": all(isinstance(text, str) for text in objects)} | options)


errors = _Terminal(stderr=True)
out = _Terminal()


def run_with_orders(work: Callable[[OrderService], Awaitable[None]]) -> None:
    """Run one piece of work with the order service on the configured Kafka."""
    quieten()

    async def run() -> None:
        async with open_moderation(load_settings()) as service:
            await work(OrderService(service))

    asyncio.run(run())


def print_json(answer: AnswerModel, **more: Any) -> None:
    """Print an answer as a line of JSON, with further members."""
    print(json.dumps(answer.members() | more, ensure_ascii=False))


def one_of(what: str, word: str, words: Sequence[Any]) -> Any:
    """Return a word of a closed set unchanged.

    Raises:
        CallerMistake: the set does not have it; `what` is the noun of the error.
    """
    if word in words:
        return word
    raise CallerMistake(f"unknown {what} {word[:40]!r}", fix=f"one of {', '.join(words)}")


def end_option(lasts: str | None, until: str | None, default: str) -> End:
    """Check the options `--for` and `--until`, of which the second must lie ahead of the log's time.

    Raises:
        CallerMistake: both are given, or the end is not a time that lies ahead.
    """
    return end_of(lasts, until, default, asyncio.run(present_ms(load_settings().redis_url)) if until else 0)


def actor_of(name: str | None) -> str:
    """Return the given actor, else the login name."""
    if name is not None:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def policy_names(settings: Settings) -> PolicyNames:
    """Read the surfaces and categories of the live policy; raises the errors of `LivePolicyNames.read`."""
    quieten()
    return asyncio.run(read_policy_names(settings))


def read_file(file: Path) -> tuple[bytes, str]:
    """Read a file and return its bytes and name; `-` reads stdin.

    At most one byte more than `MOST_BYTES` is read, so that a parser can reject a larger file.

    Raises:
        CallerMistake: the file cannot be read.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read(MOST_BYTES + 1), "stdin"
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1), str(file)
    except OSError as error:
        raise CallerMistake(f"{file} cannot be read: {error.strerror}", fix="a path to a file") from None


def refuse_rows(problems: Sequence[RowProblem], as_json: bool, *, strict: bool) -> None:
    """Report the bad rows of a file: all of them as JSON, or the first 20 as text.

    Raises:
        CallerMistake: `strict` is set.
    """
    if as_json:
        for problem in problems:
            print(json.dumps({"problem": asdict(problem)}, ensure_ascii=False))
    else:
        for problem in problems[:_SHOWN_PROBLEMS]:
            errors.print(str(problem), style="yellow")
        if len(problems) > _SHOWN_PROBLEMS:
            errors.print(
                f"and {len(problems) - _SHOWN_PROBLEMS:,} more bad rows: --json reports all of them", style="yellow"
            )
    if strict:
        raise CallerMistake(f"{len(problems):,} bad rows", fix="nothing was imported (--strict); correct them")
