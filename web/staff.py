"""Who may see what was held back: until there is authentication, only who sits at this machine.

A loopback peer alone is not enough: a proxy on this machine makes everyone one, and a page of another site can point
its own name at 127.0.0.1. So forwarding headers and foreign host names are refused as well.
"""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import HTTPException, Request

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_staff(request: Request) -> bool:
    """Whether the request comes from this machine, directly, and asked for it by a name of its own."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def require_staff(request: Request) -> None:
    """A dependency of endpoints for staff: 403 for anybody else."""
    if not is_staff(request):
        raise HTTPException(403, "for staff only: ask from the machine that this service runs on, without a proxy")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
