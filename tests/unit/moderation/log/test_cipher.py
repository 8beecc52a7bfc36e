"""Encryption of kept texts."""

from __future__ import annotations

import pytest

from moderation.log.cipher import TextCipher, TextContent
from streams.errors import SettingsError
from tests.support.damage import changed_at

KEY = "k" * 32
TEXT = TextContent(text="किसान text", lang="hi")


def test_text_is_decrypted_by_same_key_only():
    value = TextCipher(KEY).encrypt("17", TEXT)
    assert TextCipher(KEY).decrypt("17", value) == TEXT
    assert TextCipher("l" * 32).decrypt("17", value) is None
    assert b"text" not in value


def test_text_under_another_tweet_is_refused():
    assert TextCipher(KEY).decrypt("18", TextCipher(KEY).encrypt("17", TEXT)) is None


def test_damaged_value_gives_no_text():
    cipher = TextCipher(KEY)
    value = cipher.encrypt("17", TEXT)
    for part in (b"", value[:1], value[:10], value[:-1], value + b"x"):
        assert cipher.decrypt("17", part) is None
    for at in range(len(value)):
        assert cipher.decrypt("17", changed_at(value, at)) is None


def test_same_text_has_another_value_each_time():
    cipher = TextCipher(KEY)
    assert cipher.encrypt("17", TEXT) != cipher.encrypt("17", TEXT)


def test_short_key_is_refused():
    with pytest.raises(SettingsError, match="31 characters"):
        TextCipher("k" * 31)
