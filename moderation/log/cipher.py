"""Encryption of kept texts: AES-256-GCM, bound to the id of the tweet."""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from streams.errors import SettingsError

MIN_CHARACTERS = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class TextContent(msgspec.Struct, frozen=True, kw_only=True):
    """Text of a tweet as a person has read it."""

    text: str
    lang: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(TextContent).decode


class TextCipher:
    """Encrypts texts with a key from the settings.

    A text is bound to its tweet: under the id of another tweet it cannot be decrypted.

    Raises:
        SettingsError: the key is too short.
    """

    def __init__(self, key: str) -> None:
        if len(key) < MIN_CHARACTERS:
            raise SettingsError(
                f"HUSHTAG_TEXTS_KEY has {len(key)} characters, fewer than {MIN_CHARACTERS}",
                fix="openssl rand -base64 32",
            )
        self._aes = AESGCM(hashlib.blake2b(key.encode(), digest_size=32, person=b"shown texts").digest())

    def encrypt(self, tweet: str, content: TextContent) -> bytes:
        """Encrypt the text of a tweet."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._aes.encrypt(nonce, _encode(content), tweet.encode())

    def decrypt(self, tweet: str, value: bytes) -> TextContent | None:
        """Decrypt the text of a tweet; None for a value of another key, another tweet or another format."""
        nonce, sealed = value[1 : 1 + _NONCE_BYTES], value[1 + _NONCE_BYTES :]
        if value[:1] != _VERSION or len(nonce) < _NONCE_BYTES:
            return None
        try:
            return _decode(self._aes.decrypt(nonce, sealed, tweet.encode()))
        except (InvalidTag, msgspec.MsgspecError):
            return None

    def accepts(self, tweet: str, value: bytes) -> bool:
        """Return whether a value is a text of the tweet under this key."""
        return self.decrypt(tweet, value) is not None
