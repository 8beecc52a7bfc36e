"""Signed heads: statements that the log reached an entry with a certain hash.

The hash chain alone cannot show that its end was cut off, or that all of it was rewritten. A head kept elsewhere can:
an attacker with the log but without the key cannot make one, and one with both cannot withdraw an exported head. The
signature is HMAC-SHA-256 (RFC 2104) over the head's canonical JSON. It covers the topic's name, so that a head of one
deployment is invalid for another.

To rotate the key, sign with a new key and keep the old one for verification. Keys have an order in which heads may
only go forward. A stolen retired key is therefore useless for entries written after it retired.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from moderation.audit.chain import Sha256
from moderation.audit.inputs import Natural
from streams.errors import CallerMistake, SettingsError

MIN_KEY_CHARACTERS = 16
_PURPOSE = b"hushtag audit head v1\n"
_MAKE_KEY = "make one with `openssl rand -hex 32`, and keep it away from everyone who can write to Kafka"


class SignedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Statement that entry `seq` of `topic` had this hash at `at_ms`."""

    topic: str
    """Name with the prefix."""
    seq: Natural
    hash: Sha256
    at_ms: Natural
    signature: Sha256 = "0" * 64


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(SignedHead)


def keys_of(secret: str, retired: str = "") -> tuple[bytes, ...]:
    """Return the retired keys, oldest first, and then the signing key.

    Args:
        secret: HUSHTAG_AUDIT_KEY.
        retired: HUSHTAG_AUDIT_RETIRED_KEYS, comma-separated, oldest first.

    Raises:
        SettingsError: the signing key is unset, or a key is too short or given twice.
    """
    if not secret:
        raise SettingsError("HUSHTAG_AUDIT_KEY is not set: it signs the heads of the audit log", fix=_MAKE_KEY)
    keys = [*(key.strip() for key in retired.split(",") if key.strip()), secret]
    if any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        name = "HUSHTAG_AUDIT_KEY" if len(secret) < MIN_KEY_CHARACTERS else "one of HUSHTAG_AUDIT_RETIRED_KEYS"
        raise SettingsError(f"{name} is shorter than {MIN_KEY_CHARACTERS} characters", fix=_MAKE_KEY)
    if len(set(keys)) < len(keys):
        raise SettingsError(
            "a key of the audit log is given twice",
            fix="HUSHTAG_AUDIT_KEY signs; HUSHTAG_AUDIT_RETIRED_KEYS has only the keys before it, oldest first",
        )
    return tuple(key.encode() for key in keys)


def signed(head: SignedHead, key: bytes) -> SignedHead:
    """Return the head with its signature."""
    return msgspec.structs.replace(head, signature=_signature(head, key))


def is_genuine(head: SignedHead, key: bytes) -> bool:
    """Return whether this key made the signature of the head."""
    return hmac.compare_digest(head.signature, _signature(head, key))


def signer_of(head: SignedHead, keys: Sequence[bytes]) -> int | None:
    """Return the index of the key that signed a head; None if none of them did."""
    return next((index for index, key in enumerate(keys) if is_genuine(head, key)), None)


def append_head(path: Path, head: SignedHead) -> None:
    """Append a head to the file and flush it to disk.

    Raises:
        CallerMistake: the file cannot be written.
    """
    try:
        with path.open("a+b") as file:
            # A crash during a write leaves half a line, to which the next line must not be appended.
            torn = file.tell() > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write((b"\n" if torn else b"") + _encoder.encode(head) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _file_error(path, error) from None


def read_heads(path: Path) -> list[tuple[int, SignedHead]]:
    """Read the heads of a file with their line numbers; half a line from a crash is skipped.

    Raises:
        CallerMistake: the file cannot be read, or a line is not a head.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _file_error(path, error) from None
    return list(_parse(text.split(b"\n")[:-1], path))


def _parse(lines: Iterable[bytes], path: Path) -> Iterable[tuple[int, SignedHead]]:
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


def _signature(head: SignedHead, key: bytes) -> str:
    plain = msgspec.to_builtins(head)
    del plain["signature"]
    return hmac.new(key, _PURPOSE + _encoder.encode(plain), hashlib.sha256).hexdigest()


def _file_error(path: Path, error: OSError) -> CallerMistake:
    return CallerMistake(f"{path}: {error.strerror}", fix="name a file of yours with --heads or HUSHTAG_AUDIT_HEADS")
