"""Write decisions, wait until the surfaces see them, and report those that they do not see yet.

A decision in the log is final, even if no surface sees it yet. The command then exits with 1, so that a script does
not take a pressed stop button for an effective one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import typer

from moderation.cli.terminal import errors
from moderation.domain.publication import PublicationStatus, wait_published
from moderation.log.drafts import AcceptedRecord
from moderation.log.errors import StaleEdit
from moderation.log.present_time import open_moderation
from moderation.log.service import ModerationService
from streams.cli.output import quieten
from streams.clock import monotonic_seconds
from streams.errors import EXIT_AWAY
from streams.settings import Settings

Write = Callable[[ModerationService], Awaitable[Sequence[AcceptedRecord]]]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Accepted records of a command and their publication."""

    accepted: tuple[AcceptedRecord, ...]
    statuses: tuple[PublicationStatus | None, ...]
    """One for each record; None without a wait."""
    stale: StaleEdit | None
    """Error of the decisions that were refused, if the others were accepted."""
    seconds: float
    """Time from the decision until it was published or the wait ended."""


def write_and_wait(settings: Settings, write: Write, wait_seconds: float) -> WriteResult:
    """Write decisions and wait until they are published; 0 seconds skips the wait.

    Raises:
        StaleEdit: nothing was accepted.
        DependencyAway, CallerMistake: raised by `ModerationService`.
    """

    async def run() -> WriteResult:
        stale = None
        async with open_moderation(settings) as service:
            began = monotonic_seconds()
            try:
                accepted = tuple(await write(service))
            except StaleEdit as error:
                if not error.accepted:
                    raise
                accepted, stale = error.accepted, error
            if wrong := service.log_clock.why_wrong():
                errors.print(f"{wrong}; decisions keep their time, by the broker's", style="yellow")
        statuses: tuple[PublicationStatus | None, ...] = (None,) * len(accepted)
        if wait_seconds:
            statuses = tuple(await wait_published(settings, accepted, wait_seconds=wait_seconds))
        return WriteResult(accepted, statuses, stale, monotonic_seconds() - began)

    quieten()
    return asyncio.run(run())


def finish(result: WriteResult, name_of: Callable[[AcceptedRecord], str]) -> None:
    """Report unpublished decisions and set the exit code.

    Raises:
        StaleEdit: a part was refused.
        typer.Exit: 1 if a decision is not published yet.
    """
    pairs = zip(result.accepted, result.statuses, strict=True)
    unpublished = [(accepted, status) for accepted, status in pairs if status and status.note]
    for accepted, status in unpublished:
        errors.print(
            f"{name_of(accepted)} is decided, but not published to the surfaces yet: {status.note}", style="yellow"
        )
    if result.stale is not None:
        raise result.stale
    if unpublished:
        raise typer.Exit(EXIT_AWAY)
