"""HTML of the queue's rows, each rendered once for all who see it the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moderation.console.queue_entries import QueueEntry
from moderation.console.render import templates

MOST_KEPT = 20_000
"""Rows that are kept; beyond them all are rendered again."""


def row_html(entry: QueueEntry, at_ms: int) -> str:
    """Render a row at a time; its countdown is right then, and the page lets it tick."""
    parts: Any = templates().get_template("queue_row.html").module
    return str(parts.row(entry, at_ms))


class RowCache:
    """Rows by entry. Their countdowns are those of the first rendering, at the time of `clock` (Unix time in ms)."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._rows: dict[QueueEntry, str] = {}

    def rows(self, entries: Iterable[QueueEntry]) -> dict[str, str]:
        """Return the rows of some entries by id, in their order."""
        return {entry.id: self._row(entry) for entry in entries}

    def _row(self, entry: QueueEntry) -> str:
        if (html := self._rows.get(entry)) is None:
            if len(self._rows) >= MOST_KEPT:
                self._rows.clear()
            html = self._rows[entry] = row_html(entry, self._clock())
        return html
