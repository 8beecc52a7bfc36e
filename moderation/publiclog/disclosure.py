"""Salted disclosure: an entry commits to each of its fields, and each can be opened without the others.

A leaf is a list of digests in the fixed order of `FIELDS`. A digest is the SHA-256 of the canonical JSON (RFC 8785)
of `[salt, name, value]`. The salt, 128 random bits for each field, keeps values that are easy to guess closed. Every
leaf has every field, with the value null where a record has none, so that the number of digests reveals nothing.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from moderation.publiclog.tlog.errors import ProofCode, ProofError, malformed

FIELDS = (
    "type", "period", "time", "source", "key", "record", "note", "hashtag", "country", "action", "reason",
    "policy_revision", "facts",
)  # fmt: skip
"""Fields of a leaf, in their order."""
PREFIX = b"hushtag-leaf-1\n"
SALT_BYTES = 16
MAX_INTEGER = 2**53 - 1
"""Greatest whole number that every JSON parser keeps exact."""
_DIGEST_BYTES = 32
_LEAF_BYTES = len(PREFIX) + len(FIELDS) * _DIGEST_BYTES
_SURROGATE = re.compile("[\ud800-\udfff]")
_SALT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)

Value = str | int | None
_quoted = json.encoder.encode_basestring
_openings = msgspec.json.Decoder(tuple[tuple[str | None, ...], tuple[Value, ...]])


@dataclass(frozen=True, slots=True)
class Opening:
    """Salts and values of an entry's fields, in the order of `FIELDS`. It is as confidential as the record."""

    salts: tuple[str | None, ...]
    """Salts; None for a field that was erased."""
    values: tuple[Value, ...]

    def value(self, name: str) -> Value:
        """Return the value of a field."""
        return self.values[FIELDS.index(name)]

    def erased(self, keep: Iterable[str] = ("type", "period")) -> Opening:
        """Return the opening without the salts and values of all fields but `keep`, which nothing can open again."""
        kept = set(keep)
        salts = (salt if name in kept else None for name, salt in zip(FIELDS, self.salts, strict=True))
        values = (value if name in kept else None for name, value in zip(FIELDS, self.values, strict=True))
        return Opening(tuple(salts), tuple(values))

    def encode(self) -> bytes:
        """Write the opening as JSON."""
        return canonical_json([list(self.salts), list(self.values)])


def decode_opening(data: bytes) -> Opening:
    """Read what `Opening.encode` wrote.

    Raises:
        ValueError: The data is another.
    """
    try:
        salts, values = _openings.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not the opening of an entry: {error}") from None
    if len(salts) != len(FIELDS) or len(values) != len(FIELDS):
        raise ValueError("not the opening of an entry")
    return Opening(salts, values)


def make_opening(values: Mapping[str, Value], salt_source: Callable[[int], bytes] = secrets.token_bytes) -> Opening:
    """Give each field a fresh salt; fields that `values` lacks are null.

    Args:
        values: values by name.
        salt_source: returns that many random bytes.
    """
    unknown = set(values) - set(FIELDS)
    assert not unknown, unknown
    random = salt_source(SALT_BYTES * len(FIELDS))
    salts = (_salt(random[at : at + SALT_BYTES]) for at in range(0, len(random), SALT_BYTES))
    return Opening(tuple(salts), tuple(values.get(name) for name in FIELDS))


def leaf_of(opening: Opening) -> bytes:
    """Compute the leaf that commits to an opening, which has no erased field."""
    parts = [PREFIX]
    for name, salt, value in zip(FIELDS, opening.salts, opening.values, strict=True):
        assert salt is not None, name
        parts.append(digest_of(salt, name, value))
    return b"".join(parts)


def digest_of(salt: str, name: str, value: Value) -> bytes:
    """Compute the digest of one field."""
    words = "null" if value is None else _quoted(value) if type(value) is str else canonical_json(value).decode()
    return sha256(f"[{_quoted(salt)},{_quoted(name)},{words}]".encode()).digest()


def disclose(opening: Opening, names: Sequence[str]) -> list[dict[str, Value]]:
    """Open fields by name, in the order of `FIELDS`.

    Raises:
        ProofError: A field was erased.
    """
    opened: list[dict[str, Value]] = []
    for name, salt, value in zip(FIELDS, opening.salts, opening.values, strict=True):
        if name not in names:
            continue
        if salt is None:
            raise ProofError(
                ProofCode.omitted_entry, f"the field {name} was erased and cannot be opened again", field=name
            )
        opened.append({"name": name, "salt": salt, "value": value})
    return opened


def check(leaf: bytes, disclosed: Any) -> dict[str, Value]:
    """Check opened fields against a leaf; return their values by name.

    Args:
        leaf: entry of the log.
        disclosed: list of `{"name", "salt", "value"}`, as read from a file.

    Raises:
        ProofError: `malformed`; `wrong_field`: the leaf does not commit to this value of the field that it names.
    """
    if len(leaf) != _LEAF_BYTES or not leaf.startswith(PREFIX):
        raise malformed(f"the entry is not {PREFIX.decode().strip()} with {len(FIELDS)} digests")
    if not isinstance(disclosed, list):
        raise malformed("the opened fields are not a list")
    values: dict[str, Value] = {}
    for opened in disclosed:
        name, salt, value = _field(opened)
        if name in values:
            raise malformed(f"the field {name} is opened twice")
        if digest_of(salt, name, value) != digest_at(leaf, FIELDS.index(name)):
            raise ProofError(
                ProofCode.wrong_field,
                f"the field {name} was changed: the log does not contain this value with this salt",
                "do not rely on this file; ask its publisher for a new proof",
                field=name,
            )
        values[name] = value
    return values


def fits(leaf: bytes, opening: Opening) -> bool:
    """Return whether a leaf commits to an opening of which nothing was erased; as strict as `check`, and faster."""
    values = zip(opening.salts, opening.values, strict=True)
    return all(is_salt(salt) and is_value(value) for salt, value in values) and leaf_of(opening) == leaf


def digest_at(leaf: bytes, position: int) -> bytes:
    """Return a digest of a leaf by the position of its field."""
    start = len(PREFIX) + position * _DIGEST_BYTES
    return leaf[start : start + _DIGEST_BYTES]


def is_salt(text: object) -> bool:
    """Return whether a value is 16 bytes in the one spelling of base64url without padding."""
    return isinstance(text, str) and _SALT.fullmatch(text) is not None


def is_value(value: object) -> bool:
    """Return whether a field can have this value: a string of Unicode, a whole number up to 2^53 - 1, or null."""
    if isinstance(value, str):
        return value.isascii() or _SURROGATE.search(value) is None
    return value is None or (type(value) is int and abs(value) <= MAX_INTEGER)


def canonical_json(value: Any) -> bytes:
    """Write strings, whole numbers, nulls and lists as RFC 8785 does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _salt(random: bytes) -> str:
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def _field(opened: Any) -> tuple[str, str, Value]:
    if not isinstance(opened, Mapping) or set(opened) != {"name", "salt", "value"}:
        raise malformed("an opened field has not exactly a name, a salt and a value")
    name, salt, value = opened["name"], opened["salt"], opened["value"]
    if name not in FIELDS:
        raise malformed(f"the log has no field {ascii(name)[:40]}")
    if not is_salt(salt):
        raise malformed(f"the salt of the field {name} is not 16 bytes of base64url")
    if not is_value(value):
        raise malformed(f"the value of the field {name} is neither a string, nor a whole number, nor null")
    return name, salt, value
