"""One-time link: the login of one named person on this machine, where neither keys nor a provider are configured.

The token is 128 random bits, printed where the API was started. A wrong token does not use the link up, so another
page cannot take it away; a prefetch does not use it up either.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from moderation.api.login_settings import local_sessions, session_secret
from moderation.api.oidc import Identity
from moderation.api.problems import RefusedCall
from moderation.api.sessions import START_AGAIN, Sessions
from streams.clock import now_ms
from streams.settings import Settings

LINK_MS = 600_000
"""Time in which the link must be opened."""
PATH = "/login/once"
_ROLE = "admin"


class OneTimeLink:
    """Link that begins one session.

    Args:
        name: person who gets the session.
        clock: present time, Unix time in ms.
    """

    def __init__(self, name: str, clock: Callable[[], int]) -> None:
        self._person = Identity(name, name, (_ROLE,), "")
        self._clock = clock
        self._ends_ms = clock() + LINK_MS
        self._digest = b""

    def issue(self) -> str:
        """Make the token; only its hash is kept."""
        token = secrets.token_urlsafe(16)  # short, so that the link fits a terminal
        self._digest = _digest_of(token)
        return token

    def redeem(self, token: str) -> Identity:
        """Return the person of a token, and use the link up.

        Raises:
            RefusedCall: the token is wrong, was used already, or is too old (401).
        """
        if not self._digest or not hmac.compare_digest(self._digest, _digest_of(token)):
            raise RefusedCall("unauthorised", "this link is unknown, or it was used already", START_AGAIN)
        self._digest = b""
        if self._clock() >= self._ends_ms:
            raise RefusedCall("unauthorised", "this link is older than ten minutes", START_AGAIN)
        return self._person


def open_one_time_link(settings: Settings, url: str, name: str) -> tuple[Sessions, OneTimeLink, str]:
    """Build the sessions of an API on this machine, and the link that begins the only one.

    Args:
        settings: key and length of sessions.
        url: address of the API, without a path.
        name: person who gets the session.

    Returns:
        The sessions, the link, and its address, which is a secret until it is opened.

    Raises:
        SettingsError: HUSHTAG_SESSION_KEY is too short.
    """
    sessions = Sessions(local_sessions(settings, url), None, session_secret(settings), now_ms)
    link = OneTimeLink(name, now_ms)
    return sessions, link, f"{url}{PATH}?token={link.issue()}"


def _digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
