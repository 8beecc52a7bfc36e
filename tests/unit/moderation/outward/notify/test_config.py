"""The file of the channels, and the keys of its webhooks: every fault names field, value and fix."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from moderation.outward.notify.channels import channels_of, webhook_keys
from moderation.outward.notify.config import ChannelConfig, load_notify_config
from streams.errors import CallerMistake
from streams.settings import Settings
from tests.support.notify_cases import KEY, config_of
from tests.support.paths import ROOT

WEBHOOK = "channels: {a: {webhook: 'http://h/x', sends: %s}}"


def test_committed_file_is_valid_and_its_example_too(tmp_path: Path) -> None:
    path = ROOT / "config" / "notify.yaml"
    assert not load_notify_config(path).channels, "nothing is sent before the operator names a channel"
    lines = path.read_text("utf-8").splitlines()
    begin = lines.index("# from: hushtag@example.org")
    example = "\n".join(line.removeprefix("# ") for line in lines[begin:] if line.startswith("#"))
    assert set(config_of(tmp_path, example).channels) == {"moderators", "legal", "platform"}


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        ("chanels: {}", "chanels: there is no such field", "remove chanels, or correct its name"),
        ("channels: {a: {sends: {}}}", "channels.a: give either `webhook` or `email`", "one of the two"),
        ("channels: {a: {email: [x@y], sends: {}}}", "give its sender as `from`", "give its sender"),
        ("from: x@y\nchannels: {a: {email: [x], sends: {}}}", "channels.a.email.0: 'x'", "correct channels.a.email.0"),
        ("channels: {A: {webhook: 'http://h', sends: {}}}", "channels.A: 'A'", "correct channels.A"),
        ("channels: {a: {webhook: ftp://h, sends: {}}}", "channels.a.webhook: 'ftp://h'", "correct"),
        ("channels: {a: {webhook: 'http://h'}}", "channels.a.sends: is missing", "give channels.a.sends"),
        (WEBHOOK % "{holds: {}}", "channels.a.sends.holds.before: is missing", "give channels.a.sends.holds.before"),
        (
            WEBHOOK.replace("http://h", "http://h:99999") % "{appeals: {digest: 1m}}",
            "webhook: 'http://h:99999/x': give a host",
            "a port from 1 to 65535",
        ),
        (WEBHOOK % "{holds: {before: [2 hours]}}", "before.0: '2 hours': not a duration", "write 2h"),
        (WEBHOOK % "{appeals: {digest: soon}}", "digest: 'soon': not a duration", "write a whole number and s, m or h"),
        (WEBHOOK % "{appeals: {before: [1h]}}", "appeals.before: there is no such field", "remove"),
        ("from: x@y\nchannels: {a: {email: [x@y], sends: {statements: {}}}}", "statements need a webhook", "addresses"),
        ("channels: [", "is not YAML", "correct it"),
    ],
)
def test_fault_of_file_names_field_value_and_fix(tmp_path: Path, text: str, problem: str, fix: str) -> None:
    with pytest.raises(CallerMistake) as error:
        config_of(tmp_path, text)
    assert problem in str(error.value) and fix in error.value.fix
    assert "notify.yaml" in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "h.example/x", "htps://h.example/x", "http://h:8080:9/x", "http://h:x/x", "http://h:99999/x", "http://h:0/x",
        "http:///x", "http://[::1/x", "http://a..b/x", f"http://{'a' * 64}.example/x", "http://u:pw@/", "http://h/x\x00",
        "http://\udcff/x", "https://xn--\u00fc.example/x", "http://u:pw/pw@h",
    ],
)  # fmt: skip
def test_invalid_address_of_webhook_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        ChannelConfig.model_validate({"webhook": url, "sends": {}})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "https://[::1]:443/x", "https://bücher.example/ü"])
def test_valid_address_of_webhook_is_accepted(url: str) -> None:
    assert ChannelConfig.model_validate({"webhook": url, "sends": {}}).webhook == url


def test_each_fault_of_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CallerMistake) as error:
        config_of(tmp_path, "chanels: 1\n" + WEBHOOK % "{holds: {before: [2d]}}")
    assert len(str(error.value).splitlines()) == 2
    assert error.value.fix.splitlines() == ["write 48h", "remove chanels, or correct its name"]


def test_missing_file_is_named() -> None:
    with pytest.raises(CallerMistake, match=r"no/notify\.yaml: No such file"):
        load_notify_config(Path("no/notify.yaml"))


def test_channel_without_key_or_server_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(CallerMistake, match="there is no server") as error:
        channels_of(config, Settings())
    assert "HUSHTAG_SMTP_URL" in error.value.fix
    settings = Settings(smtp_url="smtp://h:25")
    with pytest.raises(CallerMistake, match="channel platform has no key") as error:
        channels_of(config, settings)
    assert "platform=whsec_" in error.value.fix
    given = settings.model_copy(update={"notify_keys": SecretStr(f"platform={KEY}")})
    assert set(channels_of(config, given)) == {"mail", "platform"}


@pytest.mark.parametrize("url", ["smtp://u:geheim@h:99999", "smtp://u@h:geheim"])
def test_bad_port_of_mail_server_is_refused_and_never_shown(tmp_path: Path, url: str) -> None:
    settings = Settings(smtp_url=url, notify_keys=SecretStr(f"platform={KEY}"))
    with pytest.raises(CallerMistake, match="HUSHTAG_SMTP_URL has a port") as error:
        channels_of(config_of(tmp_path), settings)
    assert "geheim" not in str(error.value)


def test_channel_may_have_two_keys_while_one_is_replaced() -> None:
    raw = base64.b64decode(KEY.removeprefix("whsec_"))
    assert webhook_keys(f"a={KEY}, b={KEY},a={KEY}") == {"a": [raw, raw], "b": [raw]}


@pytest.mark.parametrize(
    "text", ["a", "a=", f"a={KEY[6:]}", "a=whsec_c2hvcnQ=", "a=whsec_*" + KEY[7:], KEY, KEY + "=="]
)
def test_bad_key_is_refused_and_never_shown(text: str) -> None:
    with pytest.raises(CallerMistake) as error:
        webhook_keys(text)
    assert KEY[6:30] not in str(error.value) + error.value.fix and "c2hvcnQ" not in str(error.value)
