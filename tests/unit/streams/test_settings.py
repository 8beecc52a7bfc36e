"""Settings: errors name the variable, its value and the fix; secrets are never shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.cli import settings as settings_cli
from streams.errors import EXIT_CALLER, SettingsError
from streams.settings import Settings, allowed, load_settings, unknown_variables, variable
from streams.settings_text import hide_passwords


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith("HUSHTAG_"):
            monkeypatch.delenv(name)


WRONG = [
    ("KAFKA", "localhost", "host:port"),
    ("KAFKA", "a:9092,,b:9092", "host:port"),
    ("KAFKA", "a:99999", "host:port"),
    ("KAFKA", "kafka://a:9092", "host:port"),
    ("REDIS_URL", "localhost:6379", "redis://"),
    ("REDIS_URL", "http://localhost", "redis://"),
    ("TOPIC_PREFIX", "a b", "letters, digits"),
    ("TOPIC_PREFIX", "x" * 101, "at most 100"),
    ("GROUP", "hush/tag", "letters, digits"),
    ("INSTANCE_ID", "ü", "letters, digits"),
    ("SHARDS", "0", "from 1 to 1024"),
    ("SHARDS", "eight", "a whole number"),
    ("SHARDS", "2.5", "a whole number"),
    ("ALLOWED_LATENESS_MS", "-1", "from 0 to 600000"),
    ("MAX_EVENT_AHEAD_MS", "1e99", "from 0 to 86400000"),
    ("MAX_BROKER_SKEW_MS", "60001", "from 0 to 60000"),
    ("MAX_DISORDER_MS", "x", "from 0 to 600000"),
    ("MAX_LAG_MS", "0", "from 1000 to 3600000"),
    ("SESSION_TIMEOUT_SECONDS", "nan", "from 6 to 600"),
    ("SESSION_TIMEOUT_SECONDS", "1", "from 6 to 600"),
    ("STUCK_AFTER_SECONDS", "1", "from 10 to 3600"),
    ("KAFKA_SILENCE_SECONDS", "1", "from 5 to 600"),
    ("SESSION_HOURS", "0.01", "from 0.25 to 24"),
    ("OIDC_RECHECK_SECONDS", "0", "from 1 to 3600"),
    ("FLUSH_MS", "9", "from 10 to 10000"),
    ("START_DEADLINE_SECONDS", "inf", "from 2 to 3600"),
    ("METRICS_PORT", "65536", "from 0 to 65535"),
    ("LOG_LEVEL", "INFO!", "one of debug, info, warning, error"),
    ("KAFKA_SECURITY_PROTOCOL", "TLS", "one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
    ("TRUSTED_PROXIES", "10.0.0.1/8", "addresses or networks"),
    ("TRUSTED_PROXIES", "127.0.0.1,0.0.0.0/0", "addresses or networks"),
    ("REDIS_URL", "redis://127.0.0.1:99999/0", "redis://"),
    ("REDIS_URL", "redis://127.0.0.1:0/0", "redis://"),
    ("REDIS_URL", "redis+sentinel://a:26379,b:99999/flags/0", "redis://"),
    ("REDIS_URL", "redis+cluster://a:1,b:70000", "redis://"),
    ("REDIS_URL", "redis://127.0.0.1:6379/flags", "redis://"),
    ("SMTP_URL", "smtp://mail:99999", "smtps://"),
    ("TWEET_URL", "https://example.org:99999/{id}", "{id}"),
    ("TAG_URL", "https://example..org/{hashtag}", "{hashtag}"),
    ("PROFILE_URL", "https://example..org/@{handle}", "{handle}"),
    ("HANDLE_RESOLVER", "https://ids.example:99999/{handle}", "{handle}"),
    ("PUBLIC_URL", "https://mod.example:99999", "an https address"),
    ("PUBLIC_URL", "mod.example", "an https address"),
    ("AUDIT_FOLDER", "https://log.example:99999/", "a folder, or an https address"),
    ("KAFKA_SASL_MECHANISM", "GSSAPI", "one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
]


@pytest.mark.parametrize(("name", "value", "may_be"), WRONG)
def test_wrong_value_is_named_with_its_fix(name: str, value: str, may_be: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HUSHTAG_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"HUSHTAG_{name}={value[:60]}")
    assert caught.value.fix.startswith(f"set HUSHTAG_{name} to ")
    assert may_be in caught.value.fix
    assert caught.value.exit_code == EXIT_CALLER


@pytest.mark.parametrize(
    "value",
    [
        "PLAIN://user:s3cret@host:9092",
        "PLAIN://user:s3,s3cret@host:9092",
        "user:s3cret@host:9092",
        "a:9092,user:s3cret@b",
    ],
)
def test_login_in_servers_is_refused_without_its_password(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_KAFKA", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "s3" not in str(caught.value) + caught.value.fix
    assert "HUSHTAG_KAFKA_SASL_PASSWORD" in str(caught.value)


def test_all_wrong_values_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_SHARDS", "0")
    monkeypatch.setenv("HUSHTAG_FLUSH_MS", "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == len(caught.value.fix.splitlines()) == 2


CONFLICTS = [
    ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"]),
    ({"KAFKA_SASL_PASSWORD": "s3cret"}, ["KAFKA_SASL_PASSWORD"]),
    ({"KAFKA_SSL_CAFILE": "ca.pem"}, ["KAFKA_SSL_CAFILE"]),
    ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "/no/such.pem"}, ["KAFKA_SSL_CAFILE"]),
    ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEYFILE": __file__}, ["KAFKA_SSL_CERTFILE"]),
    ({"MAX_EVENT_AGE_MS": "1000"}, ["MAX_EVENT_AGE_MS"]),
    ({"MAX_LAG_MS": "1000"}, ["MAX_LAG_MS"]),
    ({"OIDC_ISSUER": "https://id.example"}, ["OIDC_CLIENT_ID"]),
    ({"OIDC_CLIENT_ID": "hushtag"}, ["OIDC_ISSUER"]),
    ({"OIDC_CLIENT_SECRET": "s3cret"}, ["OIDC_ISSUER", "OIDC_CLIENT_ID"]),
    ({"OIDC_ISSUER": "https://id.example:99999", "OIDC_CLIENT_ID": "hushtag"}, ["OIDC_ISSUER"]),
    ({"HASH_KEY": "s3c"}, ["HASH_KEY"]),
    ({"TEXTS_KEY": "s3cret"}, ["TEXTS_KEY"]),
    ({"SESSION_KEY": "s3cret"}, ["SESSION_KEY"]),
]


@pytest.mark.parametrize(("environment", "named"), CONFLICTS)
def test_contradicting_values_are_refused(
    environment: dict[str, str], named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"HUSHTAG_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    lines = str(caught.value).splitlines()
    assert [line.split("=")[0].split(":")[0] for line in lines] == [f"HUSHTAG_{name}" for name in named]
    assert "s3cret" not in str(caught.value)


def test_short_key_is_refused_with_its_length_and_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_HASH_KEY", "abc")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == "HUSHTAG_HASH_KEY=***: 3 characters, fewer than 32"
    assert caught.value.fix == "set HUSHTAG_HASH_KEY to the output of openssl rand -hex 32"


@pytest.mark.parametrize(
    "url",
    [
        "unix:///run/redis.sock", "redis://host", "rediss://user:p%40ss@[::1]:6380/2?ssl_ca_certs=ca.pem",
        "redis+sentinel://u:p@one:26380,two/flags/0?sentinel_password=s", "redis+cluster://one:6379,[::1]:6380",
    ],
)  # fmt: skip
def test_good_redis_url_is_accepted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_REDIS_URL", url)
    assert load_settings().redis_url == url


def test_good_values_are_read_and_empty_ones_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_KAFKA", "a:9092, [::1]:9093")
    monkeypatch.setenv("HUSHTAG_SHARDS", "")
    monkeypatch.setenv("hushtag_group", "mine")
    monkeypatch.setenv("HUSHTAG_POLICY", "x.yaml")
    monkeypatch.setenv("HUSHTAG_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    settings = load_settings()
    assert settings.trusted_proxies == "127.0.0.1/32,10.0.0.0/8"
    assert settings.kafka == "a:9092,[::1]:9093"
    assert (settings.shards, settings.group, settings.policy) == (8, "mine", Path("x.yaml"))
    assert settings.topic("tweets") == "tweets"


def test_every_setting_has_a_description() -> None:
    for field, information in Settings.model_fields.items():
        assert information.description, field
        assert "None" not in allowed(field)


def run(*arguments: str) -> tuple[int, list[dict[str, object]], str]:
    app = typer.Typer()
    app.command("other")(lambda: None)
    settings_cli.register(app)
    done = CliRunner().invoke(app, ["settings", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    rows = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else []
    return done.exit_code, rows, done.output


def test_settings_command_shows_value_and_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_SHARDS", "16")
    monkeypatch.setenv("HUSHTAG_HASH_KEY", "very-secret" * 3)
    monkeypatch.setenv("HUSHTAG_REDIS_URL", "redis://worker:very-secret@redis:6379/0")
    code, rows, output = run("--json")
    assert code == 0
    by_name = {str(row["setting"]): row for row in rows}
    assert list(by_name) == [variable(field) for field in Settings.model_fields]
    assert (by_name["HUSHTAG_SHARDS"]["value"], by_name["HUSHTAG_SHARDS"]["from"]) == (16, "environment")
    assert (by_name["HUSHTAG_FLUSH_MS"]["value"], by_name["HUSHTAG_FLUSH_MS"]["from"]) == (150, "default")
    assert by_name["HUSHTAG_HASH_KEY"]["value"] == "***"
    assert by_name["HUSHTAG_AUDIT_KEY"]["value"] == ""
    assert by_name["HUSHTAG_REDIS_URL"]["value"] == "redis://worker:***@redis:6379/0"
    assert "very-secret" not in output
    code, _, output = run()
    assert code == 0
    assert "very-secret" not in output
    assert "HUSHTAG_SHARDS" in output


def test_unknown_variable_suggests_the_nearest_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_SHARD", "16")
    monkeypatch.setenv("HUSHTAG_CACHE", "/tmp")
    assert unknown_variables() == ["HUSHTAG_SHARD"]
    _, _, output = run()
    assert "did you mean HUSHTAG_SHARDS?" in output


@given(
    password=st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=9).filter(
        lambda text: "***" not in text
    )
)
def test_password_in_url_is_masked(password: str) -> None:
    assert password not in hide_passwords(f"rediss://user:{password}@host:6380/0")
    assert password.startswith("//") or password not in hide_passwords(f"user:{password}@host:6380")
