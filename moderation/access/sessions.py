"""Browser sessions: an encrypted cookie, renewed from the identity provider, with a token against forged writes.

A session begins with a login at the provider, with an API key, or with the link of `hushtag api --reviewer`, which has
no provider to ask again: its groups stay as they are. A session of a key has the present rights of the key.

The cookie holds the whole session (JWE, A256GCM), so it survives a restart with the same login. With another kind of
login or another provider no earlier cookie counts: no one would ask again for its groups. The process keeps the newest
state of each session, and those that ended here until they would have ended anyway; a record tells other processes
(`session_ends`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.responses import Response

from moderation.access.keys import ApiKey
from moderation.access.login_settings import OidcConfig, SessionConfig, grants_of
from moderation.access.oidc import Identity, Provider
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller, Grant
from streams.errors import CallerMistake, DependencyAway

MOST_COOKIE_BYTES = 3_900
"""Browsers keep cookies of 4,096 bytes, name included."""
LOGIN_MS = 600_000
"""Time in which a login must be finished."""
OPEN_LINK = "open the link that `hushtag api --reviewer` printed at its last start"
KEY_PAGE = "/console/login"
"""Page that takes an API key."""
_log = structlog.get_logger("hushtag.api")
_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Session(msgspec.Struct, frozen=True, kw_only=True, tag="session"):
    """Session of a person."""

    id: str
    subject: str
    name: str
    groups: tuple[str, ...]
    csrf: str
    refresh_token: str
    checked_ms: int
    """Time at which the provider gave the groups."""
    ends_ms: int
    key: str = ""
    """SHA-256 of the API key that began the session; "" without one."""


class LoginState(msgspec.Struct, frozen=True, kw_only=True, tag="login"):
    """State of a login between its redirects."""

    state: str
    nonce: str
    verifier: str
    next: str
    ends_ms: int


Content = TypeVar("Content", Session, LoginState)


class Sessions:
    """Sessions of one process.

    Args:
        config: settings of the sessions.
        provider: identity provider; None: a reviewer link or an API key begins a session.
        key: secret of the cookies.
        clock: present time, Unix time in ms.
        how_to_begin: instruction for a caller without a session and without a provider.
    """

    def __init__(
        self,
        config: SessionConfig,
        provider: Provider | None,
        key: str,
        clock: Callable[[], int],
        how_to_begin: str = OPEN_LINK,
    ) -> None:
        self.config = config
        self.provider = provider
        self.how_to_begin = how_to_begin if provider is None else "log in: GET /login"
        """Instruction for a caller without a session."""
        self._clock = clock
        login = config.issuer if isinstance(config, OidcConfig) else self.how_to_begin
        self._key = OctKey.import_key(hashlib.sha256(f"{login}\n{key}".encode()).digest())
        self._head = jwe.encrypt_compact(_HEADER, b"", self._key).partition(".")[0]
        self._newest: dict[str, Session] = {}
        self._ended: dict[str, int] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def cookie(self) -> str:
        """Name of the session's cookie; browsers accept `__Host-` only with Secure, Path=/ and no domain."""
        return "__Host-hushtag_session" if self.config.secure else "hushtag_session"

    @property
    def login_cookie(self) -> str:
        """Name of the cookie of an unfinished login."""
        return "__Host-hushtag_login" if self.config.secure else "hushtag_login"

    def begin_login(self, path: str) -> LoginState:
        """Make the state of a login that ends at a path of this server."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        return LoginState(state=state, nonce=nonce, verifier=verifier, next=path, ends_ms=self._clock() + LOGIN_MS)

    def begun_login(self, cookie: str) -> LoginState | None:
        """Return the unfinished login of a cookie; None if it was not begun in this browser, or too long ago."""
        login = self.decrypt(cookie, LoginState)
        return None if login is None or self._clock() >= login.ends_ms else login

    async def finish_login(self, login: LoginState, code: str) -> Session:
        """Exchange a code for a session.

        Raises:
            RefusedCall: the provider refused (401), or no group of the person has a role here (403).
            DependencyAway: the provider does not answer.
        """
        assert self.provider is not None
        return self.begin(await self.provider.exchange(code, verifier=login.verifier, nonce=login.nonce))

    def begin(self, person: Identity) -> Session:
        """Begin the session of an authenticated person.

        Raises:
            RefusedCall: no group of the person has a role here (403).
        """
        session = self._new_session(person)
        self.caller_of(session)
        self._newest[session.id] = session
        return session

    def begin_with_key(self, key: ApiKey) -> Session:
        """Begin the session of the owner of an API key.

        Raises:
            RefusedCall: a key of this kind opens no session (403).
        """
        if key.why_no_session:
            raise RefusedCall("forbidden", key.why_no_session, "log in with the key of a person who is no admin")
        session = self._new_session(Identity(key.name, key.writes_as, (), ""))
        session = self._newest[session.id] = msgspec.structs.replace(session, key=key.sha256)
        return session

    async def open(self, cookie: str) -> tuple[Session, bool]:
        """Return the session of a cookie, renewed if its groups are older than allowed, and whether it is newer.

        Raises:
            RefusedCall: the cookie is forged or expired, or the session was logged out or withdrawn (401).
            DependencyAway: the provider does not answer; the session stays closed until it does.
        """
        session = self.decrypt(cookie, Session)
        self._prune()
        if session is None or session.id in self._ended or self._clock() >= session.ends_ms:
            raise self._expired()
        given_ms = session.checked_ms
        async with self._locks[session.id]:
            newest = self._newest.get(session.id)
            if newest is not None and newest.checked_ms > given_ms:  # else another process has renewed the cookie
                session = newest
            self._newest[session.id] = session
            is_fresh = self._clock() < session.checked_ms + self.config.recheck_seconds * 1000
            if self.provider is None or session.key or is_fresh:
                return session, session.checked_ms > given_ms
            if not session.refresh_token:
                raise self._expired()
            try:
                person = await self.provider.renew(session.subject, session.refresh_token)
            except RefusedCall:
                self.end(session)
                raise
            if session.id in self._ended:
                raise self._expired()
            self._newest[session.id] = renewed = self._session(session.id, person, session.csrf, session.ends_ms)
            return renewed, True

    def open_now(self) -> list[Session]:
        """List the open sessions that this process has seen, the oldest first."""
        self._prune()
        return sorted(self._newest.values(), key=lambda session: session.ends_ms)

    def began_ms(self, session: Session) -> int:
        """Return the time at which a session began."""
        return session.ends_ms - round(self.config.session_seconds * 1000)

    def caller_of(self, session: Session) -> Caller:
        """Return the caller of a session, by the present file of rights.

        Raises:
            RefusedCall: none of the person's groups has a role here (403).
            DependencyAway: the file of rights cannot be used.
        """
        grants = self._grants(session.groups)
        if not grants:
            raise RefusedCall(
                "forbidden", f"no group of {session.name} has a role here", "ask an admin for a group with a role"
            )
        return Caller(name=session.name, writes_as=session.name, grants=grants, session=session.id)

    def _grants(self, groups: tuple[str, ...]) -> tuple[Grant, ...]:
        try:
            return grants_of(self.config, groups)
        except CallerMistake as error:  # of the operator; its words name files of the server
            _log.error("the file of rights cannot be used", error=str(error))
            raise DependencyAway("the file of rights cannot be used", fix="ask an admin to correct it") from None

    def end(self, session: Session) -> None:
        """Log a session out."""
        self._ended[session.id] = session.ends_ms
        self._newest.pop(session.id, None)

    def encrypt(self, content: Session | LoginState) -> str:
        """Encrypt a cookie; a refresh token that does not fit is left out, and the session then ends earlier."""
        text = str(jwe.encrypt_compact(_HEADER, msgspec.json.encode(content), self._key))
        if len(text) > MOST_COOKIE_BYTES and isinstance(content, Session) and content.refresh_token:
            return self.encrypt(msgspec.structs.replace(content, refresh_token=""))
        return text

    def decrypt(self, cookie: str, kind: type[Content]) -> Content | None:
        """Decrypt a cookie; None if it is forged or of another kind. A foreign header is not even parsed."""
        if not cookie.startswith(f"{self._head}."):
            return None
        try:
            return msgspec.json.decode(jwe.decrypt_compact(cookie, self._key).plaintext or b"", type=kind)
        except (JoseError, ValueError):
            return None

    def put(self, response: Response, session: Session) -> None:
        """Give the browser the present state of its session."""
        seconds = max(1, (session.ends_ms - self._clock()) // 1000)
        self.set_cookie(response, self.cookie, self.encrypt(session), seconds)

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that no script and no other site can read; no seconds delete it."""
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self.config.secure, httponly=True, samesite="lax"
        )

    def check_csrf(self, session: Session, token: str) -> None:
        """Check the token of a write.

        Raises:
            RefusedCall: it is missing or wrong (403).
        """
        if not hmac.compare_digest(session.csrf.encode(), token.encode("utf-8", "surrogateescape")):
            raise RefusedCall(
                "csrf", "a write of a browser session needs the header X-CSRF-Token", "take it from GET /v1/me"
            )

    def _new_session(self, person: Identity) -> Session:
        ends_ms = self._clock() + round(self.config.session_seconds * 1000)
        return self._session(secrets.token_urlsafe(24), person, secrets.token_urlsafe(32), ends_ms)

    def _session(self, session: str, person: Identity, csrf: str, ends_ms: int) -> Session:
        return Session(
            id=session,
            subject=person.subject,
            name=person.name,
            groups=person.groups,
            csrf=csrf,
            refresh_token=person.refresh_token,
            checked_ms=self._clock(),
            ends_ms=ends_ms,
        )

    def _expired(self) -> RefusedCall:
        return RefusedCall("unauthorised", "the session has ended", self.how_to_begin)

    def _prune(self) -> None:
        at_ms = self._clock()
        for ended in [session_id for session_id, ends_ms in self._ended.items() if ends_ms <= at_ms]:
            del self._ended[ended]
        for over in [session_id for session_id, session in self._newest.items() if session.ends_ms <= at_ms]:
            self._newest.pop(over)
        for free in [key for key, lock in self._locks.items() if key not in self._newest and not lock.locked()]:
            del self._locks[free]
