"""Keys of the log and of witnesses in the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from moderation.publiclog.keys import log_keys, required_log_keys, signing_keys, witnesses_of
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from streams.errors import SettingsError
from streams.settings import Settings
from tests.support.public_log import LOG_KEY, NEW_LOG_KEY, WITNESS_KEYS

OTHER_LOG = PrivateKey("example.com/other", KeyKind.log, b"o" * 32)


def keyed(key: str = "", others: str = "", **more: object) -> Settings:
    secrets = {"audit_key": SecretStr(key), "audit_other_keys": SecretStr(others)}
    return Settings.model_validate(secrets | more)


def test_both_keys_sign_during_a_change(tmp_path: Path) -> None:
    settings = keyed(NEW_LOG_KEY.encode(), f" {LOG_KEY.encode()}, ,")
    assert signing_keys(settings) == (NEW_LOG_KEY, LOG_KEY)
    assert log_keys(settings) == (NEW_LOG_KEY.public_key, LOG_KEY.public_key)
    (tmp_path / "key").write_text(f"{LOG_KEY.encode()}\n")
    assert signing_keys(keyed(audit_key_file=tmp_path / "key")) == (LOG_KEY,)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (keyed(), "AUDIT_KEY is not set"),
        (keyed("short"), "HUSHTAG_AUDIT_KEY: a private key begins with"),
        (keyed(LOG_KEY.encode(), "short"), "HUSHTAG_AUDIT_OTHER_KEYS: a private key begins with"),
        (keyed(WITNESS_KEYS[0].encode()), "is a witness's key"),
        (keyed(LOG_KEY.encode(), OTHER_LOG.encode()), "different names"),
        (keyed(audit_key_file=Path("/nowhere/key")), "cannot be read"),
    ],
)
def test_unusable_key_is_refused(settings: Settings, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        signing_keys(settings)


def test_public_keys_come_from_their_setting() -> None:
    assert required_log_keys(keyed(audit_log_key=str(LOG_KEY.public_key))) == (LOG_KEY.public_key,)
    with pytest.raises(SettingsError, match="AUDIT_LOG_KEY is not set"):
        required_log_keys(keyed())
    with pytest.raises(SettingsError, match="HUSHTAG_AUDIT_LOG_KEY: 'x' is not a public key"):
        log_keys(keyed(audit_log_key="x"))


def test_witnesses_have_key_and_address() -> None:
    one, two = (str(key.public_key) for key in WITNESS_KEYS)
    found = witnesses_of(keyed(audit_witnesses=f"{one} http://w1.example/, {two} https://w2.example/x"))
    assert [(item.key.name, item.url) for item in found] == [
        ("w1.example", "http://w1.example"), ("w2.example", "https://w2.example/x"),
    ]  # fmt: skip
    for wrong in (one, f"{one} ftp://x", f"{LOG_KEY.public_key} http://x"):
        with pytest.raises(SettingsError, match="HUSHTAG_AUDIT_WITNESSES"):
            witnesses_of(keyed(audit_witnesses=wrong))
