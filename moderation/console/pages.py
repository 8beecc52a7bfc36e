"""Routers of all pages."""

from __future__ import annotations

from moderation.console import queue

ROUTERS = (queue.router,)
