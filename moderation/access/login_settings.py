"""Settings of sessions and of the login by OpenID Connect, and the grants that a person's groups give."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

from moderation.access.keys import Role
from moderation.access.rights import Grant
from streams.errors import CallerMistake, SettingsError
from streams.settings import Settings, variable
from web.callers import is_loopback

_SESSION = ("public_url", "session_key")
_PROVIDER = ("oidc_issuer", "oidc_client_id", "oidc_client_secret")


class _GroupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: dict[str, Grant]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Settings of browser sessions, with any login."""

    url: str
    """Address of this API as browsers reach it, without a path."""
    session_seconds: float
    recheck_seconds: float = 0.0
    """Time after which the identity provider is asked again for a person's groups."""
    rights_file: Path | None = None

    @property
    def secure(self) -> bool:
        """Whether cookies are sent over TLS only."""
        return self.url.startswith("https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig(SessionConfig):
    """Complete settings of the login by OpenID Connect."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    groups_claim: str
    name_claim: str

    @property
    def redirect_uri(self) -> str:
        """Address that the provider sends browsers back to."""
        return f"{self.url}/login/callback"


def session_config(settings: Settings) -> SessionConfig | None:
    """Check the settings of the logins; None if none is configured, `OidcConfig` if an identity provider is.

    Raises:
        SettingsError: some are set and others missing, or an address cannot be used.
        CallerMistake: the file of rights cannot be used.
    """
    values = {name: _value(settings, name) for name in (*_SESSION, *_PROVIDER)}
    with_provider = any(values[name] for name in _PROVIDER)
    if not with_provider and not values["public_url"]:
        return None
    needed = (*_SESSION, "oidc_issuer", "oidc_client_id") if with_provider else _SESSION
    if missing := [variable(name) for name in needed if not values[name]]:
        present = next(variable(name) for name, value in values.items() if value)
        raise SettingsError(
            f"{present} is set, but the login also needs {', '.join(missing)}",
            fix=f"set {' and '.join(missing)}, or unset HUSHTAG_PUBLIC_URL and every HUSHTAG_OIDC_ variable",
        )
    url = _checked_address("public_url", values["public_url"])
    if urlsplit(url).path.strip("/"):
        raise SettingsError(f"{variable('public_url')}={url}: it has a path", fix="scheme, host and port")
    check_session_key(values["session_key"])
    session_seconds = settings.session_hours * 3_600
    if not with_provider:
        return SessionConfig(url=url.rstrip("/"), session_seconds=session_seconds)
    issuer = _checked_address("oidc_issuer", values["oidc_issuer"])
    if urlsplit(issuer).scheme == "http" and not _is_this_machine(url):
        raise SettingsError(
            f"{variable('oidc_issuer')}={issuer}: a provider without TLS is only for browsers on its own machine, and "
            f"{variable('public_url')}={url} is for others too",
            fix="name an identity provider with an https address",
        )
    config = OidcConfig(
        issuer=issuer.rstrip("/"),
        client_id=values["oidc_client_id"],
        client_secret=values["oidc_client_secret"],
        url=url.rstrip("/"),
        scopes=settings.oidc_scopes,
        groups_claim=settings.oidc_groups_claim,
        name_claim=settings.oidc_name_claim,
        rights_file=settings.oidc_rights,
        recheck_seconds=settings.oidc_recheck_seconds,
        session_seconds=session_seconds,
    )
    if config.rights_file is not None:
        read_groups(config.rights_file)
    return config


def _checked_address(name: str, address: str) -> str:
    if urlsplit(address).scheme != "https" and not (urlsplit(address).scheme == "http" and _is_this_machine(address)):
        raise SettingsError(f"{variable(name)}={address}: not https", fix="https, or http on this machine")
    return address


def _is_this_machine(address: str) -> bool:
    """Return whether an address names the machine of the browser: loopback, or a name under localhost (RFC 6761)."""
    host = urlsplit(address).hostname or ""
    return is_loopback(host) or host.endswith(".localhost")


def local_sessions(settings: Settings, url: str) -> SessionConfig:
    """Return the settings of sessions that need none: those of an API on this machine, at its own address."""
    return SessionConfig(url=url, session_seconds=settings.session_hours * 3_600)


def session_secret(settings: Settings) -> str:
    """Return the secret of the cookies: HUSHTAG_SESSION_KEY, with which sessions survive a restart, else a new one.

    Raises:
        SettingsError: HUSHTAG_SESSION_KEY is too short.
    """
    if key := settings.session_key.get_secret_value():
        check_session_key(key)
    return key or secrets.token_urlsafe(32)


def check_session_key(key: str) -> None:
    """Check the secret of the cookies.

    Raises:
        SettingsError: it is too short.
    """
    if len(key) < 32:
        raise SettingsError(f"{variable('session_key')} is shorter than 32 characters", fix="openssl rand -base64 32")


def _value(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return value.get_secret_value() if hasattr(value, "get_secret_value") else str(value or "")


def read_groups(path: Path) -> dict[str, Grant]:
    """Read the file that maps groups to roles and rights.

    Raises:
        CallerMistake: the file cannot be read, or a group has an unknown member or value.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=_GroupFile).groups
    except OSError as error:
        raise CallerMistake(
            f"{path} cannot be read: {error.strerror}", fix="name the file in HUSHTAG_OIDC_RIGHTS"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallerMistake(
            f"{path}: {error}", fix='{"groups": {"GROUP": {"role": "moderator", "rights": {"countries": ["IN"]}}}}'
        ) from None


def grants_of(config: SessionConfig, groups: tuple[str, ...]) -> tuple[Grant, ...]:
    """Return the grants of a person's groups: by the file in its present state, else groups that are role names."""
    if config.rights_file is None:
        return tuple(Grant(role=role) for role in get_args(Role) if role in groups)
    grants = read_groups(config.rights_file)
    return tuple(grants[group] for group in groups if group in grants)


def groups_in(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the groups in a claim: a list, or a text separated by spaces; dots enter objects.

    >>> groups_in({"realm_access": {"roles": ["legal", "uma"]}}, "realm_access.roles")
    ('legal', 'uma')
    """
    claim: Any = claims.get(path)
    if claim is None:
        claim = claims
        for part in path.split("."):
            claim = claim.get(part) if isinstance(claim, Mapping) else None
    if isinstance(claim, str):
        claim = claim.split()
    return tuple(group for group in claim if isinstance(group, str)) if isinstance(claim, list) else ()
