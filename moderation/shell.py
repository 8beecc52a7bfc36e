"""What the moderation commands share beside their options: a desk for one piece of work, files, and who is at it."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from moderation.drafts import SURFACES, surfaces_of
from moderation.orders.desk import OrdersDesk
from moderation.tables import MOST_BYTES, RowProblem
from moderation.writer import Desk
from streams.cli.quiet import quieten
from streams.errors import CallerMistake, PolicyError
from streams.policy.parse import parse_policy
from streams.settings import Settings, load_settings


class _Shell(Console):
    """Lines are as long as they are, whatever the width: they are searched, copied and mailed on. Tables are fitted."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As Console's."""
        super().print(*objects, **{"soft_wrap": all(isinstance(one, str) for one in objects)} | options)


errors = _Shell(stderr=True, highlight=False, markup=False)
out = _Shell(highlight=False, markup=False)
_MOST_TOLD = 20


def at_desk(work: Callable[[OrdersDesk], Awaitable[None]]) -> None:
    """Do one piece of work with orders or the registry on the settings' Kafka."""
    quieten()

    async def run() -> None:
        async with Desk(load_settings()) as desk:
            await work(OrdersDesk(desk))

    asyncio.run(run())


def actor_of(given: str | None) -> str:
    """Who is at it: as given, or by login name."""
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def named_surfaces(given: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    """The surfaces meant. A moderator's machine need not have a policy, or a sound one; then any may be named."""
    try:
        policy = parse_policy(settings.policy.read_bytes(), str(settings.policy))
    except OSError:
        return surfaces_of(given or (), SURFACES, closed=False)
    except PolicyError:
        errors.print(f"{settings.policy} has mistakes: surfaces are taken to be {', '.join(SURFACES)}", style="yellow")
        return surfaces_of(given or (), SURFACES, closed=False)
    return surfaces_of(given or (), policy.surfaces, closed=True)


def read_file(file: Path) -> tuple[bytes, str]:
    """A file's bytes and its name; `-` is stdin.

    Raises:
        CallerMistake: it cannot be read, or is larger than any list of ours.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read(MOST_BYTES + 1), "stdin"
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1), str(file)
    except OSError as error:
        raise CallerMistake(f"{file} cannot be read: {error.strerror}", fix="a path to a file") from None


def refuse_rows(problems: Sequence[RowProblem], as_json: bool, *, strict: bool) -> None:
    """Tell the bad rows: all as JSON, the first for eyes. With `strict` that is the end.

    Raises:
        CallerMistake: `strict`.
    """
    if as_json:
        for problem in problems:
            print(json.dumps({"problem": problem.as_dict()}, ensure_ascii=False))
    else:
        for problem in problems[:_MOST_TOLD]:
            errors.print(str(problem), style="yellow")
        if len(problems) > _MOST_TOLD:
            errors.print(f"and {len(problems) - _MOST_TOLD:,} more bad rows: --json tells all", style="yellow")
    if strict:
        raise CallerMistake(f"{len(problems):,} bad rows", fix="nothing was taken in (--strict); correct them")
