"""Guarded routes of pages."""

from __future__ import annotations

from fastapi import APIRouter

from moderation.access.access import GuardedRoute


def page_router() -> APIRouter:
    """Make the router of one page, whose routes state their permission as those of the API do."""
    return APIRouter(prefix="/console", route_class=GuardedRoute)
