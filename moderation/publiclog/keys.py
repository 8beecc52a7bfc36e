"""Keys of the audit log and of its witnesses, from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from moderation.publiclog.tlog.keys import KeyKind, PrivateKey, PublicKey, read_private_key, read_public_key
from streams.errors import CallerMistake, SettingsError
from streams.settings import Settings

_MAKE_KEY = "make one with `hushtag audit key new NAME`, and keep it away from everyone who can write to Kafka"


class WitnessAddress(NamedTuple):
    """A witness, and where it takes checkpoints."""

    key: PublicKey
    url: str


def signing_keys(settings: Settings) -> tuple[PrivateKey, ...]:
    """Return the keys that sign checkpoints: the log's key, and others of the same name during a change.

    Raises:
        SettingsError: no key is set, one is unusable, or they have different names.
    """
    own = settings.audit_key.get_secret_value() or _file_text(settings.audit_key_file)
    if not own:
        raise SettingsError("HUSHTAG_AUDIT_KEY is not set: it signs the audit log", fix=_MAKE_KEY)
    keys = []
    for text in (own, *_split(settings.audit_other_keys.get_secret_value())):
        try:
            keys.append(read_private_key(text, KeyKind.log))
        except CallerMistake as error:
            name = "HUSHTAG_AUDIT_KEY" if not keys else "HUSHTAG_AUDIT_OTHER_KEYS"
            raise SettingsError(f"{name}: {error}", fix=_MAKE_KEY) from None
    if len({key.name for key in keys}) > 1:
        raise SettingsError(
            f"the keys of the audit log have different names: {', '.join(key.name for key in keys)}",
            fix=f"the name is the log's identity: make the new key with `hushtag audit key new {keys[-1].name}`",
        )
    return tuple(dict.fromkeys(keys))


def log_keys(settings: Settings) -> tuple[PublicKey, ...]:
    """Return the public keys of the log: those of HUSHTAG_AUDIT_LOG_KEY, and those that belong to private ones.

    Raises:
        SettingsError: a key is unusable.
    """
    try:
        keys = [read_public_key(text, KeyKind.log) for text in _split(settings.audit_log_key)]
    except CallerMistake as error:
        raise SettingsError(f"HUSHTAG_AUDIT_LOG_KEY: {error}", fix=error.fix) from None
    if settings.audit_key.get_secret_value() or settings.audit_key_file is not None:
        keys += [key.public_key for key in signing_keys(settings)]
    return tuple(dict.fromkeys(keys))


def required_log_keys(settings: Settings) -> tuple[PublicKey, ...]:
    """Return the public keys of the log.

    Raises:
        SettingsError: none is set, or one is unusable.
    """
    if not (keys := log_keys(settings)):
        raise SettingsError(
            "HUSHTAG_AUDIT_LOG_KEY is not set: it verifies the checkpoints of the audit log",
            fix="set it to the public key that `hushtag audit key new` printed",
        )
    return keys


def witnesses_of(settings: Settings) -> tuple[WitnessAddress, ...]:
    """Return the witnesses of HUSHTAG_AUDIT_WITNESSES.

    Raises:
        SettingsError: an item is not a public key and an address.
    """
    witnesses = []
    for item in _split(settings.audit_witnesses):
        key, _, url = item.partition(" ")
        if not url.strip().startswith(("http://", "https://")):
            raise SettingsError(
                f"HUSHTAG_AUDIT_WITNESSES has {item[:200]!r}", fix="write a public key, a space and an address for each"
            )
        try:
            witnesses.append(WitnessAddress(read_public_key(key, KeyKind.witness), url.strip().rstrip("/")))
        except CallerMistake as error:
            raise SettingsError(f"HUSHTAG_AUDIT_WITNESSES: {error}", fix=error.fix) from None
    return tuple(witnesses)


def read_key_text(text: str) -> str:
    """Return a key that is given as text or as the name of a file with it.

    Raises:
        SettingsError: the file cannot be read.
    """
    return text if text.startswith("PRIVATE+KEY+") else _file_text(Path(text))


def _file_text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the key file {path} cannot be read: {error}", fix=_MAKE_KEY) from None


def _split(text: str) -> Sequence[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
