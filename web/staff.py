"""Access of staff to hidden hashtags: until there is authentication, only from the machine of the service.

A loopback peer is not sufficient: behind a proxy on this machine every request is one, and another site can resolve its
own name to 127.0.0.1. Forwarding headers and other host names are therefore refused as well.
"""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import HTTPException, Request

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_staff(request: Request) -> bool:
    """Whether a request comes directly from this machine and names it by a loopback host."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def require_staff(request: Request) -> None:
    """Refuse other requests with 403; a dependency of endpoints for staff."""
    if not is_staff(request):
        raise HTTPException(403, "for staff only: send the request from the machine of this service, without a proxy")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
