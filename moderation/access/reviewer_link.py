"""Reviewer link: the login of one named person on this machine, where neither keys nor a provider are configured.

The token is 128 random bits, printed where the API was started. The link opens as often as needed until that process
ends. It is not weaker for that: only direct calls of this machine are answered, guesses are limited, and a reader of
the terminal or of this browser's history has the rights of its user already. The next start has another token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from moderation.access.login_settings import local_sessions, session_secret
from moderation.access.oidc import Identity
from moderation.access.problems import RefusedCall
from moderation.access.sessions import OPEN_LINK, Sessions
from streams.clock import steady_ms
from streams.settings import Settings

PATH = "/login/link"
_ROLE = "admin"


class ReviewerLink:
    """Link that begins sessions of one person, with a token of which only the hash is kept."""

    def __init__(self, name: str, token: str) -> None:
        self._person = Identity(name, name, (_ROLE,), "")
        self._digest = _digest_of(token)

    def person_of(self, token: str) -> Identity:
        """Return the person of a token.

        Raises:
            RefusedCall: the token is wrong, or of an earlier start (401).
        """
        if not hmac.compare_digest(self._digest, _digest_of(token)):
            raise RefusedCall("unauthorised", "this link is incomplete, or of an earlier start", OPEN_LINK)
        return self._person


def open_reviewer_link(
    settings: Settings, url: str, name: str, clock: Callable[[], int] = steady_ms
) -> tuple[Sessions, ReviewerLink, str]:
    """Build the sessions of an API on this machine, and the link that begins them.

    Args:
        settings: key and length of sessions.
        url: address of the API, without a path.
        name: person who gets the sessions.
        clock: present time, Unix time in ms.

    Returns:
        The sessions, the link, and its address, which is a secret.

    Raises:
        SettingsError: HUSHTAG_SESSION_KEY is too short.
    """
    token = secrets.token_urlsafe(16)  # short, so that the link fits a terminal
    sessions = Sessions(local_sessions(settings, url), None, session_secret(settings), clock)
    return sessions, ReviewerLink(name, token), f"{url}{PATH}?token={token}"


def _digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
