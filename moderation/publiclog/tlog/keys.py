"""Keys of signed notes (C2SP signed-note): names, identifiers, and Ed25519.

A public key is written `NAME+8 hex digits+base64(type || public key)`, a private one
`PRIVATE+KEY+NAME+8 hex digits+base64(type || seed)`, as Go's `sumdb/note` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from moderation.publiclog.tlog.encoding import from_base64, to_base64
from moderation.publiclog.tlog.errors import ProofError
from streams.errors import CallerMistake

_PRIVATE = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+]+")
_KEY_BYTES = 32
Key = TypeVar("Key", "PublicKey", "PrivateKey")


class KeyKind(IntEnum):
    """Signature types of signed notes that are used here."""

    log = 1
    """Ed25519 over the note's text."""
    witness = 4
    """Timestamped Ed25519 cosignature (cosignature/v1)."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Public key with its name."""

    name: str
    kind: KeyKind
    public: bytes
    """Ed25519 public key, 32 bytes."""

    @property
    def key_id(self) -> bytes:
        """First four bytes of the hash of name, type and key; an abbreviation, no fingerprint."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether the Ed25519 signature is of this key and message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Private key with its name."""

    name: str
    kind: KeyKind
    seed: bytes = field(repr=False)
    """Ed25519 seed of 32 bytes."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies this key's signatures."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return PublicKey(self.name, self.kind, key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign a message with Ed25519."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def encode(self) -> str:
        """Write the key as text. It is a secret."""
        secret = to_base64(bytes([self.kind]) + self.seed)
        return f"{_PRIVATE}{self.name}+{self.public_key.key_id.hex()}+{secret}"


def new_key(name: str, kind: KeyKind) -> PrivateKey:
    """Generate a key.

    Raises:
        CallerMistake: The name is empty, or has a space or a plus sign.
    """
    if not _NAME.fullmatch(name):
        raise CallerMistake(
            f"a key cannot have the name {name!r}",
            fix="use a name without spaces and plus signs, such as example.com/hushtag",
        )
    return PrivateKey(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())


def read_public_key(text: str, kind: KeyKind) -> PublicKey:
    """Read a public key of the kind that is expected.

    Raises:
        CallerMistake: The text is not such a key.
    """
    name, key_id, kind_read, material = _parts(text, "public key")
    key = PublicKey(name, kind_read, material)
    if key.key_id != key_id:
        raise CallerMistake(f"the key {text!r} is damaged: its name, identifier and key do not fit", fix=_FIX)
    return _of_kind(key, kind)


def read_private_key(text: str, kind: KeyKind) -> PrivateKey:
    """Read a private key of the kind that is expected.

    Raises:
        CallerMistake: The text is not such a key. The message does not repeat it.
    """
    if not text.startswith(_PRIVATE):
        raise CallerMistake(f"a private key begins with {_PRIVATE}; this text does not", fix=_NEW)
    name, key_id, kind_read, seed = _parts(text.removeprefix(_PRIVATE), "private key")
    key = PrivateKey(name, kind_read, seed)
    if key.public_key.key_id != key_id:
        raise CallerMistake(f"the private key of {name} is damaged: name, identifier and key do not fit", fix=_NEW)
    return _of_kind(key, kind)


_NEW = "make a key with: hushtag audit key new NAME"
_FIX = "copy the whole key, such as example.com/log+1a2b3c4d+AQ..., from a source other than the published folder"


def _parts(text: str, what: str) -> tuple[str, bytes, KeyKind, bytes]:
    shown = repr(text) if what == "public key" else "this text"
    mistake = CallerMistake(f"{shown} is not a {what}", fix=_FIX if what == "public key" else _NEW)
    parts = text.split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not re.fullmatch("[0-9a-f]{8}", parts[1]):
        raise mistake
    try:
        material = from_base64(parts[2], what)
        kind = KeyKind(material[0])
    except (ProofError, ValueError, IndexError):
        raise mistake from None
    if len(material) != 1 + _KEY_BYTES:
        raise mistake
    return parts[0], bytes.fromhex(parts[1]), kind, material[1:]


def _of_kind(key: Key, kind: KeyKind) -> Key:
    if key.kind is not kind:
        raise CallerMistake(
            f"the key {key.name} is a {key.kind.name}'s key, and a {kind.name}'s key is needed here",
            fix="a log's key has type 1, a witness's key type 4",
        )
    return key
