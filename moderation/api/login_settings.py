"""Settings of sessions and of the login by OpenID Connect, and the grants that a person's groups give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

from moderation.api.keys import Role
from moderation.api.rights import Grant
from streams.errors import CallerMistake, SettingsError
from streams.settings import Settings, variable
from web.callers import is_loopback

_NEEDED = ("oidc_issuer", "oidc_client_id", "oidc_url", "session_key")
_OPTIONAL = ("oidc_client_secret", "oidc_rights")


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


def oidc_config(settings: Settings) -> OidcConfig | None:
    """Check the settings of the login; None if none of them is set.

    Raises:
        SettingsError: some are set and others missing, or an address cannot be used.
        CallerMistake: the file of rights cannot be used.
    """
    given = {name: _value(settings, name) for name in (*_NEEDED, *_OPTIONAL)}
    if not any(value for name, value in given.items() if name != "session_key"):
        return None
    if missing := [variable(name) for name in _NEEDED if not given[name]]:
        known = next(variable(name) for name, value in given.items() if value)
        raise SettingsError(
            f"{known} is set, but the login also needs {', '.join(missing)}",
            fix=f"set {' and '.join(missing)}, or unset every HUSHTAG_OIDC_ variable to use keys alone",
        )
    for name in ("oidc_issuer", "oidc_url"):
        url = urlsplit(given[name])
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
            raise SettingsError(f"{variable(name)}={given[name]}: not https", fix="https, or http on this machine")
    if urlsplit(given["oidc_url"]).path.strip("/"):
        raise SettingsError(f"{variable('oidc_url')}={given['oidc_url']}: it has a path", fix="scheme, host and port")
    check_session_key(given["session_key"])
    config = OidcConfig(
        issuer=given["oidc_issuer"].rstrip("/"),
        client_id=given["oidc_client_id"],
        client_secret=given["oidc_client_secret"],
        url=given["oidc_url"].rstrip("/"),
        scopes=settings.oidc_scopes,
        groups_claim=settings.oidc_groups_claim,
        name_claim=settings.oidc_name_claim,
        rights_file=settings.oidc_rights,
        recheck_seconds=settings.oidc_recheck_seconds,
        session_seconds=settings.session_hours * 3_600,
    )
    if config.rights_file is not None:
        read_groups(config.rights_file)
    return config


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
        return tuple(Grant(role=one) for one in get_args(Role) if one in groups)
    known = read_groups(config.rights_file)
    return tuple(known[one] for one in groups if one in known)


def groups_in(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the groups in a claim: a list, or a text separated by spaces; dots enter objects.

    >>> groups_in({"realm_access": {"roles": ["legal", "uma"]}}, "realm_access.roles")
    ('legal', 'uma')
    """
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = found.split()
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()
