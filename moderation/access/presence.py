"""Presence of people at a case: the present viewers."""

from __future__ import annotations

from fastapi import Request

from moderation.access.services import present_ms, services_of


def viewers_of(request: Request, case: str) -> list[str]:
    """Return the names of the people who look at a case now, for pages; it reads nothing."""
    return services_of(request).presence.viewers(case, present_ms(request))
