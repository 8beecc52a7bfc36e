"""Who calls: API keys and their roles, from a file that holds only hashes.

A key is 256 random bits, so its SHA-256 gives nothing away and needs no salt or slow hashing. The file is read again
whenever it changes: a key that is taken out stops working with the next request.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from streams.errors import CallerMistake
from streams.policy.terms import imitated

Role = Literal["reader", "moderator", "legal", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Permission = Literal["read", "decide", "appeals", "orders", "audit"]
ALLOWED: dict[Permission, frozenset[Role]] = {
    "read": frozenset(ROLES),
    "decide": frozenset({"moderator", "admin"}),
    "appeals": frozenset({"moderator", "legal", "admin"}),
    "orders": frozenset({"legal", "admin"}),
    "audit": frozenset({"legal", "admin"}),
}
"""Which roles may do what. Orders may be confidential, and the audit log tells of them: both are legal's."""
PREFIX = "hush_"


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key. Its name is the person or the service that holds it."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._@-]{1,80}$")]
    role: Role
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    acts_for_others: bool = False
    """A service that has logged people in itself may name them as actors; a person's key writes in that name only."""
    person: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._@-]{0,80}$")] = ""
    """Whose key it is, where that is not its name: somebody with two keys is still one person."""

    @property
    def writes_as(self) -> str:
        """The actor that stands in every record that it writes."""
        return self.person or self.name


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Key]


def new_key() -> tuple[str, str]:
    """A fresh key, and its hash for the file."""
    key = PREFIX + secrets.token_urlsafe(32)
    return key, hash_of(key)


def hash_of(key: str) -> str:
    """What the file holds of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def parse_keys(text: bytes, name: str) -> dict[str, Key]:
    """Keys by hash.

    Raises:
        CallerMistake: it is no file of keys; one name or hash is there twice; or two people's names look alike, so that
            the rule of two would take them for one, and readers of the log, too.
    """
    try:
        found = msgspec.json.decode(text, type=_File).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallerMistake(
            f"{name}: {error}", fix='{"keys": [{"name", "role", "sha256"}]}; `hushtag api-key NAME` makes a line'
        ) from None
    for field in ("name", "sha256"):
        values = [getattr(key, field) for key in found]
        if twice := [value for value in values if values.count(value) > 1]:
            raise CallerMistake(f"{name}: the {field} {twice[0][:80]!r} is there twice", fix="one key for each name")
    known: dict[str, str] = {}
    for key in found:
        if (other := known.setdefault(imitated(key.writes_as), key.writes_as)) != key.writes_as:
            raise CallerMistake(
                f"{name}: {other!r} and {key.writes_as!r} look alike",
                fix='another name; or, if they are one person, the same "person" in both',
            )
    return {key.sha256: key for key in found}


class KeyRing:
    """The keys of a file, as it is now. Without a file: nobody needs a key, and nobody but this machine may call.

    Raises:
        CallerMistake: the file cannot be read.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: object = None
        self._keys: dict[str, Key] = {}
        if path is not None:
            self._read(path)

    @classmethod
    def of(cls, keys: Iterable[Key]) -> KeyRing:
        """A ring without a file."""
        ring = cls(None)
        ring._keys = {key.sha256: key for key in keys}
        return ring

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return self._path is None and not self._keys

    def find(self, key: str) -> Key | None:
        """Whose key it is. A file that has become unreadable lets nobody in."""
        if self._path is not None:
            try:
                self._read(self._path)
            except CallerMistake:
                self._stamp, self._keys = None, {}
        return self._keys.get(hash_of(key))

    def _read(self, path: Path) -> None:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp != self._stamp:
                self._keys = parse_keys(path.read_bytes(), str(path))
                self._stamp = stamp
        except OSError as error:
            raise CallerMistake(f"{path}: {error.strerror}", fix="name the file of keys with --keys") from None
