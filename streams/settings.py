"""Settings of the operator, from environment variables. Trust and safety's settings are in the policy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams import settings_checks as checks
from streams.counting.times import FLUSH_MS, TimeRules
from streams.errors import SettingsError
from streams.settings_text import allowed_values, hide_passwords
from web.callers import parse_networks

PREFIX = "HUSHTAG_"
_NAME = r"^[a-zA-Z0-9._-]*$"
_NAME_VALUES = "letters, digits, dots, _ and -"


class Settings(BaseSettings):
    """All settings; each is read from `HUSHTAG_<NAME>`. An empty variable counts as unset."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    kafka: Annotated[str, Field(description="Kafka's bootstrap servers, host:port[,host:port]")] = "127.0.0.1:9092"
    redis_url: Annotated[
        str,
        Field(
            description="Redis or Valkey; rediss for TLS, with ?ssl_ca_certs=FILE for your own authority",
            pattern=r"^(rediss?(\+sentinel|\+cluster)?|unix)://.",
            json_schema_extra={
                "values": "a URL such as redis://host:6379/0, rediss://user:password@host:6380/0, "
                "redis+sentinel://host:26379,host:26379/service/0 or redis+cluster://host:6379,host:6379"
            },
        ),
    ] = "redis://127.0.0.1:6379/0"
    policy: Annotated[Path, Field(description="the policy file that this worker proposes")] = Path("config/policy.yaml")
    model: Annotated[Path | None, Field(description="the model artefact; the committed one if unset")] = None
    encoder: Annotated[
        Literal["auto", "on", "off"],
        Field(description="whether stage 2 runs; auto: if its extra is installed (make encoder)"),
    ] = "off"
    encoder_texts_per_second: Annotated[
        float, Field(ge=0, le=10_000, description="texts that stage 2 scores at most, 0: none; 60 take half a core")
    ] = 60.0
    topic_prefix: Annotated[
        str,
        Field(
            description="prefix of every topic name",
            pattern=_NAME,
            max_length=100,
            json_schema_extra={"values": f"at most 100 {_NAME_VALUES}"},
        ),
    ] = ""
    group: Annotated[
        str,
        Field(
            description="consumer group; an incomplete set of stages has its own group, named after it",
            min_length=1,
            pattern=_NAME,
            json_schema_extra={"values": _NAME_VALUES},
        ),
    ] = "hushtag"
    instance_id: Annotated[
        str,
        Field(
            description="static group membership, different for each worker; unset: dynamic",
            pattern=_NAME,
            json_schema_extra={"values": _NAME_VALUES},
        ),
    ] = ""
    shards: Annotated[int, Field(ge=1, le=1024, description="partitions of hashtag-partials; see hushtag reshard")] = 8
    allowed_lateness_ms: Annotated[
        int, Field(ge=0, le=600_000, description="a later tweet counts at its log time minus this")
    ] = 5_000
    max_event_ahead_ms: Annotated[
        int, Field(ge=0, le=86_400_000, description="a tweet further ahead of its log time is a dead letter")
    ] = 120_000
    max_event_age_ms: Annotated[
        int,
        Field(ge=0, le=86_400_000 * 7, description="an older tweet does not count; at least the longest window"),
    ] = 3_600_000
    max_broker_skew_ms: Annotated[int, Field(ge=0, le=60_000, description="how far the brokers' clocks may differ")] = (
        500
    )
    max_disorder_ms: Annotated[int, Field(ge=0, le=600_000, description="only for a CreateTime topic")] = 0
    max_lag_ms: Annotated[
        int,
        Field(ge=1_000, le=3_600_000, description="no early suppression past this; sources further ahead wait"),
    ] = 60_000
    hash_key: Annotated[
        SecretStr, Field(description="key of the author hashes; secret, and the same on all workers")
    ] = SecretStr("")
    audit_key: Annotated[
        SecretStr, Field(description="private key that signs the audit log, of hushtag audit key new")
    ] = SecretStr("")
    audit_key_file: Annotated[Path | None, Field(description="file with that key, in place of HUSHTAG_AUDIT_KEY")] = (
        None
    )
    audit_other_keys: Annotated[
        SecretStr,
        Field(description="further private keys that sign too, separated by commas: the old key during a change"),
    ] = SecretStr("")
    audit_log_key: Annotated[str, Field(description="public key of the audit log, which publish checks")] = ""
    audit_witnesses: Annotated[
        str, Field(description="witnesses of the audit log: a public key and an address each, separated by commas")
    ] = ""
    audit_folder: Annotated[
        str,
        Field(
            description="folder or address where the published audit log is read for proofs",
            json_schema_extra={"values": "a folder, or an https address"},
        ),
    ] = ""
    texts_key: Annotated[
        SecretStr, Field(description="key that encrypts the texts people have read; empty: they are not kept")
    ] = SecretStr("")
    texts_per_shift: Annotated[
        int,
        Field(ge=0, le=100_000, description="tweets whose texts one person may open in 8 hours; 0: no limit"),
    ] = 0
    appeal_days: Annotated[
        int, Field(ge=1, le=3_650, description="days in which a decision can be appealed; texts are kept as long")
    ] = 183
    reports: Annotated[
        Path | None,
        Field(description="folder for published transparency reports; unset: the API publishes none"),
    ] = None
    tweet_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://\S*\{id\}\S*)?$",
            description="address of a tweet on your platform, for reviewers",
            json_schema_extra={"values": "an http or https address that contains {id}, or empty"},
        ),
    ] = ""
    tag_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://\S*\{hashtag\}\S*)?$",
            description="address of a hashtag on your platform, for reviewers",
            json_schema_extra={"values": "an http or https address that contains {hashtag}, or empty"},
        ),
    ] = ""
    notify_keys: Annotated[
        SecretStr,
        Field(description="keys that sign the webhooks of hushtag notify: CHANNEL=whsec_KEY, separated by commas"),
    ] = SecretStr("")
    smtp_url: Annotated[
        str,
        Field(
            description="mail server of hushtag notify",
            pattern=r"^(smtps?|smtp\+starttls)://[^\s/]+$|^$",
            json_schema_extra={
                "values": "a URL such as smtps://user:password@host:465, smtp+starttls://host:587 or smtp://host:25, "
                "or empty"
            },
        ),
    ] = ""
    account_rules: Annotated[
        str,
        Field(
            max_length=500,
            description="clause of your rules under which accounts are suspended, for statements of reasons to the EU",
            json_schema_extra={"values": "a text such as Terms of service, section 4.2 (platform manipulation)"},
        ),
    ] = ""
    handle_resolver: Annotated[
        str,
        Field(
            pattern=r"^(https://\S*\{handle\}\S*|[^\s:]+\.(csv|json))?$",
            description="where orders' handles become account ids: an address with {handle}, or a CSV or JSON file",
            json_schema_extra={
                "values": "an https address that contains {handle}, the path of a file that ends in .csv or .json, or "
                "empty"
            },
        ),
    ] = ""
    handle_resolver_key: Annotated[
        SecretStr, Field(description="bearer token for handle_resolver; empty: none is sent")
    ] = SecretStr("")
    profile_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://[^\s{]+/[^\s{]*\{handle\})?$",
            description="address of a profile on your platform, besides twitter.com/name and x.com/name",
            json_schema_extra={"values": "such as https://example.org/@{handle}, or empty"},
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Field(
            description="proxies whose X-Forwarded-For counts; empty: none, callers are known by their connection",
            json_schema_extra={"values": "addresses or networks such as 127.0.0.1,10.0.0.0/8, or empty"},
        ),
    ] = ""
    public_url: Annotated[
        str,
        Field(
            description="address of the moderation API and its console as browsers reach them; needed for logins",
            json_schema_extra={"values": "an https address without a path, http on this machine, or empty"},
        ),
    ] = ""
    oidc_issuer: Annotated[
        str,
        Field(
            description="identity provider of the moderation API, which returns to /login/callback; empty: keys only",
            json_schema_extra={"values": "the issuer's https address, or empty"},
        ),
    ] = ""
    oidc_client_id: Annotated[str, Field(description="client id of the moderation API at the provider")] = ""
    oidc_client_secret: Annotated[SecretStr, Field(description="its secret; empty: a public client, by PKCE alone")] = (
        SecretStr("")
    )
    oidc_scopes: Annotated[
        str,
        Field(
            pattern=r"^openid( \S+)*$",
            description="scopes of a login; some providers give a refresh token only for offline_access",
            json_schema_extra={"values": "scopes separated by spaces, openid first"},
        ),
    ] = "openid profile email"
    oidc_groups_claim: Annotated[
        str, Field(min_length=1, description="claim with a person's groups; dots enter objects")
    ] = "groups"
    oidc_name_claim: Annotated[
        str,
        Field(min_length=1, description="claim that names a person in records; it must be unique and never change"),
    ] = "preferred_username"
    oidc_rights: Annotated[
        Path | None,
        Field(description="file that maps groups to roles and rights; unset: groups are role names"),
    ] = None
    oidc_recheck_seconds: Annotated[
        float,
        Field(ge=1, le=3_600, description="a removed group stops within this time; the provider is asked as often"),
    ] = 300.0
    session_key: Annotated[SecretStr, Field(description="key that encrypts the sessions of the moderation API")] = (
        SecretStr("")
    )
    session_hours: Annotated[float, Field(ge=0.25, le=24, description="longest session of the moderation API")] = 10.0
    session_timeout_seconds: Annotated[
        float, Field(ge=6, le=600, description="a worker without heartbeats for this long loses its partitions")
    ] = 30.0
    flush_ms: Annotated[int, Field(ge=10, le=10_000, description="interval at which ingest sends its counts")] = (
        FLUSH_MS
    )
    stuck_after_seconds: Annotated[
        float, Field(ge=10, le=3600, description="a worker without progress for this long ends itself")
    ] = 60.0
    start_deadline_seconds: Annotated[
        float, Field(ge=2, le=3600, description="how long to wait at start for Kafka and Redis")
    ] = 60.0
    kafka_silence_seconds: Annotated[
        float,
        Field(ge=5, le=600, description="a read of Kafka fails after so long without an answer while this process ran"),
    ] = 15.0
    metrics_host: Annotated[
        str, Field(min_length=1, description="address of /metrics, /healthz and /readyz; 0.0.0.0: all interfaces")
    ] = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535, description="port of the same; 0: any free one")] = 9464
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="level of the JSON logs on stderr")
    ] = "info"
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Field(description="how to connect to Kafka")
    ] = "PLAINTEXT"
    kafka_ssl_cafile: Annotated[
        Path | None, Field(description="PEM file of the trusted authorities; unset: the system's")
    ] = None
    kafka_ssl_certfile: Annotated[
        Path | None, Field(description="PEM file of the client certificate, if the broker requires one")
    ] = None
    kafka_ssl_keyfile: Annotated[
        Path | None, Field(description="PEM file of the key of kafka_ssl_certfile, without a password")
    ] = None
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, Field(description="how to log in to Kafka")
    ] = None
    kafka_sasl_username: Annotated[str, Field(description="user name for Kafka")] = ""
    kafka_sasl_password: Annotated[SecretStr, Field(description="password for Kafka")] = SecretStr("")

    @field_validator("kafka")
    @classmethod
    def _check_servers(cls, value: str) -> str:
        if "@" in value:  # show no part of it: any part may belong to the password
            raise ValueError("a login belongs in HUSHTAG_KAFKA_SASL_USERNAME and HUSHTAG_KAFKA_SASL_PASSWORD")
        for server in value.split(","):
            match = re.fullmatch(r"\s*(\[[0-9a-fA-F:.]+\]|[^\s:/,@]+):(\d{1,5})\s*", server)
            if match is None or not 0 < int(match[2]) < 65_536:
                raise ValueError(f"{server.strip()!r} is not host:port")
        return ",".join(server.strip() for server in value.split(","))

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        return ",".join(map(str, parse_networks(value)))

    @property
    def timely_ms(self) -> int:
        """Greatest age of the newest tweet for early decisions: they are for current tweets, not for a backlog.

        The records of a worker that was paused past its session are older.
        """
        return min(self.max_lag_ms, int(self.session_timeout_seconds * 800))

    def topic(self, name: str) -> str:
        """Return the name of a topic on the broker: `topic_prefix` + name."""
        return self.topic_prefix + name


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: names every wrong variable and its value (passwords hidden); the fix lists the allowed values.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            field = str(problem["loc"][0])
            reason = problem["ctx"]["error"] if problem["type"] == "value_error" else f"not {allowed(field)}"
            problems.append((field, f"={shown(field, problem['input'])}: {reason}", allowed(field)))
        raise _error(problems) from None
    if problems := _conflicts(settings):
        raise _error(problems)
    return settings


def variable(field: str) -> str:
    """Return the environment variable of a setting.

    >>> variable("redis_url")
    'HUSHTAG_REDIS_URL'
    """
    return PREFIX + field.upper()


def is_secret(field: str) -> bool:
    """Return whether the value of a setting must not be shown."""
    return Settings.model_fields[field].annotation is SecretStr


def shown(field: str, value: object) -> str:
    """Return a value for display, cut to 80: secrets and passwords masked."""
    if is_secret(field):
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        return "***" if text else ""
    return "" if value is None else hide_passwords(str(value))[:80]


def allowed(field: str) -> str:
    """Return the allowed values of a setting as text."""
    return allowed_values(_schemas()[field])


@cache
def _schemas() -> dict[str, dict[str, object]]:
    """Return the JSON schema of each setting."""
    schemas: dict[str, dict[str, object]] = Settings.model_json_schema()["properties"]
    return schemas


def is_from_environment(field: str) -> bool:
    """Return whether the environment sets a setting; names match in any case, and empty counts as unset."""
    return any(name.upper() == variable(field) and value for name, value in os.environ.items())


def unknown_variables() -> list[str]:
    """Return the variables with the prefix that are no settings, which may be typing errors."""
    variables = {variable(field) for field in Settings.model_fields} | OTHER_VARIABLES.keys()
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in variables)


OTHER_VARIABLES = {
    "HUSHTAG_WITNESS_KEY": "private key of hushtag witness",
    "HUSHTAG_CACHE": "folder for Kafka's jars and the local stack's data",
    "HUSHTAG_MAVEN_URL": "Maven mirror that `hushtag up` fetches Kafka's jars from",
    "HUSHTAG_API_KEYS": "file of the HTTP API's keys",
    "HUSHTAG_NOTIFY": "file of the channels of hushtag notify",
    "HUSHTAG_SECOND_LOOK_SHARE": "share of automated suppressions that people review again",
    "HUSHTAG_OVERRIDE_FOR": "how long a moderator's override lasts",
}
"""Variables of single commands; the pipeline does not read them."""

_KEYS = ("hash_key", "texts_key", "session_key")
_ADDRESSES = ("tweet_url", "tag_url", "smtp_url", "handle_resolver", "profile_url", "public_url", "oidc_issuer",
              "audit_folder")  # fmt: skip
_PARTNERS = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "kafka_ssl_keyfile",
             "kafka_ssl_certfile")  # fmt: skip


def _error(problems: list[checks.Problem]) -> SettingsError:
    lines = [variable(field) + what for field, what, _ in problems]
    fixes = [f"set {variable(field)} to {may_be}" for field, _, may_be in problems]
    return SettingsError("\n".join(lines), fix="\n".join(fixes))


def _conflicts(settings: Settings) -> list[checks.Problem]:
    """Return the problems of values that cannot work, or that contradict each other."""
    return [(field, _beside(settings, field, what), may_be or allowed(field).removesuffix(", or unset"))
            for field, what, may_be in _problems(settings)]  # fmt: skip


def _problems(settings: Settings) -> Iterator[checks.Problem]:
    protocol = settings.kafka_security_protocol
    login = ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password")
    files = ("kafka_ssl_cafile", "kafka_ssl_certfile", "kafka_ssl_keyfile")
    yield from checks.kafka_login(protocol, {field: _text(settings, field) for field in login})
    yield from checks.kafka_files(protocol, {field: getattr(settings, field) for field in files})
    yield from checks.missing_partners(
        {field: _text(settings, field) for field in _PARTNERS}, {field: variable(field) for field in _PARTNERS}
    )
    yield from (
        (field, what, checks.NEW_KEY) for field in _KEYS if (what := checks.key_problem(_text(settings, field)))
    )
    for field in _ADDRESSES:
        address = _text(settings, field)
        is_path = field in ("handle_resolver", "audit_folder") and "://" not in address
        if address and not is_path and (what := checks.address_problem(address)):
            yield field, what, ""
    if what := checks.redis_problem(settings.redis_url):
        yield "redis_url", what, ""
    rules = time_rules(settings)
    yield from checks.clock_tolerances(
        max_event_age_ms=settings.max_event_age_ms, allowed_lateness_ms=settings.allowed_lateness_ms,
        max_lag_ms=settings.max_lag_ms, watermark_slack_ms=rules.watermark_slack_ms,
    )  # fmt: skip


def _text(settings: Settings, field: str) -> str:
    value = getattr(settings, field)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


def _beside(settings: Settings, field: str, what: str) -> str:
    """Put the value of a setting before what is wrong with it."""
    value = shown(field, getattr(settings, field))
    return f"={value}: {what}" if value else f": {what}"


def time_rules(settings: Settings, *, create_time: bool = False) -> TimeRules:
    """Return the clock tolerances; `max_disorder_ms` matters only for a source topic with CreateTime."""
    return TimeRules(
        allowed_lateness_ms=settings.allowed_lateness_ms,
        max_event_ahead_ms=settings.max_event_ahead_ms,
        max_event_age_ms=settings.max_event_age_ms,
        max_broker_skew_ms=settings.max_broker_skew_ms,
        max_disorder_ms=settings.max_disorder_ms if create_time else 0,
    )
