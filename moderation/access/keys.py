"""API keys and their roles, from a file that holds only hashes.

A key is 256 random bits, so its SHA-256 reveals nothing and needs no salt or slow hash. The file is read again whenever
it changes: a removed key stops working with the next request.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from moderation.log.drafts import check_actor
from streams.errors import CallerMistake
from streams.policy.look_alikes import visual_form

Role = Literal["reader", "moderator", "legal", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Permission = Literal["read", "decide", "lead", "appeals", "speakers", "orders", "audit"]
ALLOWED: dict[Permission, frozenset[Role]] = {
    "read": frozenset(ROLES),
    "decide": frozenset({"moderator", "admin"}),
    "lead": frozenset({"admin"}),
    "appeals": frozenset({"moderator", "legal", "admin"}),
    "speakers": frozenset({"moderator", "legal", "admin"}),
    "orders": frozenset({"legal", "admin"}),
    "audit": frozenset({"legal", "admin"}),
}
"""Roles with each permission. Orders may be confidential and the audit log shows them, so both need `legal`."""
PREFIX = "hush_"
NAME = r"^[A-Za-z0-9._@-]{1,80}$"
"""Names of people and services."""


class Rights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Limits of what a key or a group may write; None: no limit."""

    countries: tuple[Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2}|\*)$")], ...] | None = None
    """ISO 3166-1 codes; decisions everywhere need `*`."""
    categories: tuple[str, ...] | None = None
    """Categories of the policy: of pauses, and of the automated decisions that an override answers."""
    longest: Annotated[str, msgspec.Meta(pattern=r"^(\d{1,6}[smhdw])*$")] = ""
    """Longest duration of a decision, such as 2d; "": as long as any."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key; its name is the person or service that holds it."""

    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    role: Role
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    acts_for_others: bool = False
    """True for a service that authenticates people itself and names them as actors."""
    person: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._@-]{0,80}$")] = ""
    """Owner of the key if its name is another; a person with two keys is still one actor."""
    rights: Rights = Rights()

    @property
    def writes_as(self) -> str:
        """Actor in every record that the key writes."""
        return self.person or self.name

    @property
    def why_no_session(self) -> str:
        """Reason why the key opens no browser session; "" if it does."""
        if self.role == "admin":
            return "an admin's key opens no session"
        return "the key of a service opens no session" if self.acts_for_others else ""


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[ApiKey]


def new_key() -> tuple[str, str]:
    """Make a key; return it and its hash for the file."""
    key = PREFIX + secrets.token_urlsafe(32)
    return key, hash_of(key)


def hash_of(key: str) -> str:
    """Compute the hash of a key that the file holds."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def check_name(name: str) -> None:
    """Check the name of a person or service.

    Raises:
        CallerMistake: it has other characters, is too long, or stands for the software.
    """
    if not re.fullmatch(NAME, name):
        raise CallerMistake(f"the name {name[:80]!r} cannot be used", fix="1 to 80 letters, digits, dots, _, @ and -")
    check_actor(name)


def parse_keys(text: bytes, name: str) -> dict[str, ApiKey]:
    """Parse a key file to keys by hash.

    Raises:
        CallerMistake: the file is malformed, a name or hash occurs twice, a name stands for the software, or two
            people's names look alike. Two-person approval would take such names for one person.
    """
    try:
        keys = msgspec.json.decode(text, type=_KeyFile).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallerMistake(
            f"{name}: {error}", fix='{"keys": [{"name", "role", "sha256"}]}; `hushtag api-key NAME` makes a line'
        ) from None
    for field in ("name", "sha256"):
        values = [getattr(key, field) for key in keys]
        if repeated := [value for value in values if values.count(value) > 1]:
            raise CallerMistake(f"{name}: the {field} {repeated[0][:80]!r} occurs twice", fix="one key for each name")
    people: dict[str, str] = {}
    for key in keys:
        check_actor(key.writes_as)
        if (other := people.setdefault(visual_form(key.writes_as), key.writes_as)) != key.writes_as:
            raise CallerMistake(
                f"{name}: {other!r} and {key.writes_as!r} look alike",
                fix='change one name; or, if they are one person, give both the same "person"',
            )
    return {key.sha256: key for key in keys}


class KeyRing:
    """Keys of a file in its present state; without a file no key is required, and only localhost may call.

    Raises:
        CallerMistake: the file cannot be read.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: object = None
        self._keys: dict[str, ApiKey] = {}
        if path is not None:
            self._read(path)

    @classmethod
    def of(cls, keys: Iterable[ApiKey]) -> KeyRing:
        """Build a ring without a file."""
        ring = cls(None)
        ring._keys = {key.sha256: key for key in keys}
        return ring

    @property
    def open(self) -> bool:
        """True if no key is required."""
        return self._path is None and not self._keys

    def find(self, key: str) -> ApiKey | None:
        """Look up a key; a file that has become unreadable admits no caller."""
        return self.find_hash(hash_of(key))

    def find_hash(self, sha256: str) -> ApiKey | None:
        """Look up a key by its hash."""
        self._renew()
        return self._keys.get(sha256)

    def entries(self) -> list[ApiKey]:
        """List the keys in the order of the file."""
        self._renew()
        return list(self._keys.values())

    def _renew(self) -> None:
        if self._path is not None:
            try:
                self._read(self._path)
            except CallerMistake:
                self._stamp, self._keys = None, {}

    def _read(self, path: Path) -> None:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp != self._stamp:
                self._keys = parse_keys(path.read_bytes(), str(path))
                self._stamp = stamp
        except OSError as error:
            raise CallerMistake(f"{path}: {error.strerror}", fix="name the key file with --keys") from None
