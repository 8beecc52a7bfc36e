"""Access of staff to hidden hashtags: until there is authentication, only from the machine of the service."""

from __future__ import annotations

from fastapi import HTTPException, Request

from web.callers import why_not_direct


def is_staff(request: Request) -> bool:
    """Whether a request comes directly from this machine and names it by a loopback host."""
    return not why_not_direct(request)


def require_staff(request: Request) -> None:
    """Refuse other requests with 403; a dependency of endpoints for staff."""
    if not is_staff(request):
        raise HTTPException(403, "for staff only: send the request from the machine of this service, without a proxy")
