"""Resolving of handles with a bar on a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.progress import Progress

from moderation.cli.terminal import errors
from moderation.domain.orders.handles import HandleResult
from moderation.outward.handle_resolver import resolve_handles

if TYPE_CHECKING:
    from streams.settings import Settings

_SHOWN_FROM = 50
"""Number of handles from which a terminal shows the progress."""


def resolve_on_terminal(handles: Sequence[str], settings: Settings) -> dict[str, HandleResult]:
    """Resolve handles with a bar on stderr for long lists."""
    with Progress(console=errors, transient=True, disable=len(handles) < _SHOWN_FROM) as progress:
        task = progress.add_task("resolving handles", total=len(handles))
        return asyncio.run(resolve_handles(handles, settings, on_done=lambda: progress.advance(task)))
