"""Routers of all pages."""

from __future__ import annotations

from moderation.console import case, closed, finder, held, queue, queue_bulk, stop, stream

ROUTERS = (
    case.router,
    closed.router,
    finder.router,
    held.router,
    queue.router,
    queue_bulk.router,
    stop.router,
    stream.router,
)
