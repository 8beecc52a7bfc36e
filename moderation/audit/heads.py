"""Heads: signed statements that the log reached a certain entry with a certain hash.

A chain alone cannot show that its end was cut off, nor that all of it was written anew. A head kept elsewhere can:
whoever holds the log but not the key cannot make one, and whoever holds both cannot take back what was exported.
The signature is HMAC-SHA-256 (RFC 2104) over the head's canonical JSON, which names the topic, so that a head of one
deployment says nothing about another.

A key is changed by signing with a new one and keeping the old one for verifying. Keys have an order, and heads may only
go forward in it: whoever got hold of a retired key cannot use it for what was written after it retired.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from moderation.audit.chain import Natural, Sha256
from streams.errors import CallerMistake, SettingsError

LEAST_KEY_CHARACTERS = 16
_PURPOSE = b"hushtag audit head v1\n"


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entry `seq` of `topic` had this hash at `at_ms`."""

    topic: str
    """With the prefix."""
    seq: Natural
    hash: Sha256
    at_ms: Natural
    signature: Sha256 = "0" * 64


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Head)


def keys_of(secret: str, retired: str = "") -> tuple[bytes, ...]:
    """The keys of HUSHTAG_AUDIT_RETIRED_KEYS (comma-separated, oldest first) and HUSHTAG_AUDIT_KEY, which signs, last.

    Raises:
        SettingsError: the last is unset, or one is too short to keep anyone out, or given twice.
    """
    if not secret:
        raise SettingsError(
            "HUSHTAG_AUDIT_KEY is not set: the heads of the audit log are signed with it",
            fix="make one with `openssl rand -hex 32`, and keep it away from whoever can write to Kafka",
        )
    keys = [*(key.strip() for key in retired.split(",") if key.strip()), secret]
    if any(len(key) < LEAST_KEY_CHARACTERS for key in keys):
        name = "HUSHTAG_AUDIT_KEY" if len(secret) < LEAST_KEY_CHARACTERS else "one of HUSHTAG_AUDIT_RETIRED_KEYS"
        raise SettingsError(
            f"{name} is shorter than {LEAST_KEY_CHARACTERS} characters: the heads of the audit log are signed with it",
            fix="make one with `openssl rand -hex 32`, and keep it away from whoever can write to Kafka",
        )
    if len(set(keys)) < len(keys):
        raise SettingsError(
            "a key of the audit log is given twice",
            fix="HUSHTAG_AUDIT_KEY signs; HUSHTAG_AUDIT_RETIRED_KEYS has only those from before it, oldest first",
        )
    return tuple(key.encode() for key in keys)


def signed(head: Head, key: bytes) -> Head:
    """The head with its signature."""
    return msgspec.structs.replace(head, signature=_signature(head, key))


def is_genuine(head: Head, key: bytes) -> bool:
    """Whether the signature was made with this key for this head."""
    return hmac.compare_digest(head.signature, _signature(head, key))


def signer_of(head: Head, keys: Sequence[bytes]) -> int | None:
    """The place in `keys` of the key that signed a head; None: none of them."""
    return next((place for place, key in enumerate(keys) if is_genuine(head, key)), None)


def append_head(path: Path, head: Head) -> None:
    """Add a head to the file, on disk before this returns.

    Raises:
        CallerMistake: the file cannot be written.
    """
    try:
        with path.open("a+b") as file:
            # A crash while writing has left half a line: what comes next must not be glued to it.
            torn = file.tell() > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write((b"\n" if torn else b"") + _encoder.encode(head) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _cannot(path, error) from None


def read_heads(path: Path) -> list[tuple[int, Head]]:
    """The heads of a file with their line numbers. Half a line (a crash while writing) is left out.

    Raises:
        CallerMistake: the file cannot be read, or a line is no head.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _cannot(path, error) from None
    return list(_parse(text.split(b"\n")[:-1], path))


def _parse(lines: Iterable[bytes], path: Path) -> Iterable[tuple[int, Head]]:
    for number, line in enumerate(lines, 1):
        if line.startswith(b"{") and not line.endswith(b"}"):
            continue
        try:
            yield number, _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CallerMistake(
                f"{path}, line {number} is not a head of the audit log: {error}",
                fix="give the file that `hushtag audit run --heads` writes",
            ) from None


def _signature(head: Head, key: bytes) -> str:
    plain = msgspec.to_builtins(head)
    del plain["signature"]
    return hmac.new(key, _PURPOSE + _encoder.encode(plain), hashlib.sha256).hexdigest()


def _cannot(path: Path, error: OSError) -> CallerMistake:
    return CallerMistake(f"{path}: {error.strerror}", fix="name a file of yours with --heads or HUSHTAG_AUDIT_HEADS")
