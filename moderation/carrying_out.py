"""From a command to the log to the surfaces: writes at a desk, and waits until surfaces see it. Shared by all verbs.

A decision that is in the log for good and that no surface sees yet is told by exit code 1: whoever presses the stop
button from a script must not take it for pressed when nothing is lifted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from moderation.drafts import Tag, UndoDraft, country_of, words_of
from moderation.errors import StaleEdit
from moderation.shell import actor_of, errors, named_surfaces
from moderation.writer import Desk
from moderation.written import Written
from streams.cli.quiet import quieten
from streams.clock import monotonic_seconds
from streams.errors import EXIT_AWAY
from streams.settings import Settings

if TYPE_CHECKING:
    from moderation.visible import Visible

Write = Callable[[Desk], Awaitable[Sequence[Written]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did. `seen`: None for each where nobody waited; `stale`: what was refused, the rest counts."""

    written: tuple[Written, ...]
    seen: tuple[Visible | None, ...]
    stale: StaleEdit | None
    seconds: float
    """From the decision to when surfaces saw it, or to the end of patience."""


def undo_draft(
    tag: Tag, country: str | None, surface: Sequence[str] | None, actor: str | None, reason: str, settings: Settings
) -> UndoDraft:
    """An undo as it was typed.

    Raises:
        CallerMistake: something cannot be used.
    """
    who, why = words_of(actor_of(actor), reason)
    return UndoDraft(
        tag=tag,
        country=None if country is None else country_of(country),
        surfaces=named_surfaces(surface, settings) if surface else None,
        actor=who,
        reason=why,
    )


def carry_out(settings: Settings, write: Write, wait_seconds: float) -> Outcome:
    """Write, then wait until surfaces see it; 0: do not look.

    Raises:
        StaleEdit: nothing was written. Others: those of `Desk`.
    """

    async def run() -> Outcome:
        stale = None
        async with Desk(settings) as desk:
            began = monotonic_seconds()
            try:
                written = tuple(await write(desk))
            except StaleEdit as error:
                if not error.written:
                    raise
                written, stale = error.written, error
        seen: tuple[Visible | None, ...] = (None,) * len(written)
        if wait_seconds:
            from moderation.visible import wait_visible  # here, so that no other command waits for its imports

            seen = tuple(await wait_visible(settings, written, wait_seconds=wait_seconds))
        return Outcome(written, seen, stale, monotonic_seconds() - began)

    quieten()
    return asyncio.run(run())


def finish(outcome: Outcome, name_of: Callable[[Written], str]) -> None:
    """Tell what no surface sees yet, and end the command.

    Raises:
        StaleEdit: a part was refused.
        typer.Exit: 1, something is not seen yet.
    """
    unseen = [(one, seen) for one, seen in zip(outcome.written, outcome.seen, strict=True) if seen and seen.note]
    for one, seen in unseen:
        errors.print(f"{name_of(one)} is decided, but no surface has it yet: {seen.note}", style="yellow")
    if outcome.stale is not None:
        raise outcome.stale
    if unseen:
        raise typer.Exit(EXIT_AWAY)
