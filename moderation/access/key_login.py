"""Login with an API key: a page takes the key once, over TLS or on this machine, and opens a session with its rights.

The session never has the rights of an admin. It ends with the key: each call looks the key up again.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from moderation.access.access import AccessControl, refuse_foreign_write
from moderation.access.problems import RefusedCall
from moderation.access.sessions import KEY_PAGE, Session
from streams.settings import variable
from web.callers import host_of, why_forwarded


def takes_keys(access: AccessControl) -> bool:
    """Return whether a person can begin a browser session with an API key."""
    return access.sessions is not None and access.link is None and not access.ring.open


def begin_with_key(access: AccessControl, request: Request, key: str) -> Session:
    """Begin the browser session of a key.

    Raises:
        RefusedCall: the call comes from another site (403) or to another address (421); the key is unknown (401) or
            opens no session (403); too many calls or guesses (429).
    """
    assert access.sessions is not None
    access.limit_logins(request)
    refuse_foreign_write(request, access.sessions.config.url)
    check_public_address(request, access.sessions.config.url)
    api_key = access.ring.find(key)
    if api_key is None:
        access.limit_guesses(request)
        raise RefusedCall("unauthorised", "this key is unknown, or it has ended", "paste the whole key: hush_...")
    return access.sessions.begin_with_key(api_key)


def check_public_address(request: Request, url: str) -> None:
    """Check that a request came to the public address: elsewhere keys could travel without TLS.

    Raises:
        RefusedCall: it came to another host, to the proxy without TLS, or through a proxy to an address without TLS
            (421).
    """
    if url.startswith("https:"):
        without_tls = request.headers.get("x-forwarded-proto", "https") != "https"
    else:
        without_tls = why_forwarded(request) != ""
    if without_tls or host_of(request) != urlsplit(url).hostname:
        raise RefusedCall(
            "wrong_host",
            f"this server takes keys only at {url} ({variable('public_url')})",
            f"open {url}{KEY_PAGE}",
        )
