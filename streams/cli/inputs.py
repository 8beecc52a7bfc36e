"""Input of commands: policy files, times and durations, and the answer to a question."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from streams.errors import CallerMistake

if TYPE_CHECKING:
    from streams.policy import Policy


def load_policy_file(path: Path, shards: int | None = None) -> Policy:
    """Read and check a policy file.

    Args:
        path: YAML file of the policy.
        shards: number of shards that share the policy's caps; None skips this check.

    Raises:
        PolicyError: every problem with its line.
        CallerMistake: the file cannot be read.
    """
    from streams.policy import parse_policy

    try:
        return parse_policy(path.read_bytes(), str(path), shards=shards)
    except OSError as error:
        raise CallerMistake(f"cannot read the policy {path}: {error.strerror}", fix="name an existing file") from error


def standard_input(lines: str) -> BinaryIO:
    """Return standard input; on a terminal say first that the command waits for these lines."""
    if sys.stdin.isatty():
        typer.echo(f"type {lines}, one a line; Ctrl-D ends", err=True)
    return sys.stdin.buffer


def past_ms(text: str, now_ms: int) -> int:
    """Parse a time in the past, in milliseconds. Times are UTC; a time of day is the last such.

    >>> past_ms("10m", 3_600_000), past_ms("1970-01-01 00:30", 3_600_000), past_ms("00:30", 3_600_000)
    (3000000, 1800000, 1800000)

    Raises:
        CallerMistake: the text is not a time, or not in the past.
    """
    from streams.policy.durations import parse_duration

    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    ago_ms = parse_duration(text)
    if ago_ms is not None:
        return now_ms - ago_ms
    try:
        if "-" not in text:
            clock = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")
            past = datetime.combine(now.date(), clock.time(), UTC)
            past = past if past <= now else past - timedelta(days=1)
        else:
            past = datetime.fromisoformat(text)
            past = past if past.tzinfo else past.replace(tzinfo=UTC)
    except ValueError:
        raise CallerMistake(f"--at {text!r} is not a time", fix="write 02:04, 2026-11-25 02:04 (UTC), or 10m") from None
    if past > now:
        raise CallerMistake(f"--at {text!r} is not in the past", fix="leave --at out to ask about now")
    return int(past.timestamp() * 1000)


def since_ms(text: str) -> int:
    """Parse the duration of a `--since`, in milliseconds.

    Raises:
        CallerMistake: the text is not a duration.
    """
    from streams.policy.durations import parse_duration

    duration_ms = parse_duration(text)
    if not duration_ms:
        raise CallerMistake(f"--since {text!r} is not a duration", fix="write 30m, 24h or 168h")
    return duration_ms


def require_account(reason: str, actor: str) -> None:
    """Check that a change comes with a reason and an actor.

    Raises:
        CallerMistake: one of the two is empty.
    """
    for name, value in (("--reason", reason), ("--actor", actor)):
        if not value.strip():
            raise CallerMistake(f"{name} is empty", fix="write a few words: they are kept with the change")


def confirm(question: str) -> bool:
    """Ask on the terminal; true for yes.

    Raises:
        CallerMistake: there is no terminal, or no answer.
    """
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        raise CallerMistake("the question was not answered", fix="--yes applies the change without asking") from None
