"""What the operator sets, by environment. Trust and safety's knobs are in the policy, never here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.counting.times import TimeRules
from streams.errors import SettingsError


class Settings(BaseSettings):
    """All settings; each is read from `HUSHTAG_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="HUSHTAG_", extra="ignore", frozen=True)

    kafka: Annotated[str, Field(description="Kafka bootstrap servers, host:port[,host:port]")] = "127.0.0.1:9092"
    redis_url: Annotated[str, Field(description="Redis or Valkey", pattern=r"^(rediss?|unix)://")] = (
        "redis://127.0.0.1:6379/0"
    )
    policy: Annotated[Path, Field(description="the policy file that this worker proposes")] = Path("config/policy.yaml")
    model: Annotated[Path | None, Field(description="the model artefact; the committed one if unset")] = None
    topic_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]*$", max_length=100)] = ""
    group: Annotated[str, Field(min_length=1, pattern=r"^[a-zA-Z0-9._-]+$")] = "hushtag"
    instance_id: Annotated[
        str, Field(description="static group membership; unset: dynamic", pattern=r"^[a-zA-Z0-9._-]*$")
    ] = ""
    shards: Annotated[int, Field(ge=1, le=1024)] = 8
    allowed_lateness_ms: Annotated[int, Field(ge=0, le=600_000)] = 5_000
    max_event_ahead_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 120_000
    max_event_age_ms: Annotated[
        int,
        Field(ge=0, le=86_400_000 * 7, description="an older tweet does not count; no less than the longest window"),
    ] = 3_600_000
    max_broker_skew_ms: Annotated[int, Field(ge=0, le=60_000)] = 500
    max_disorder_ms: Annotated[int, Field(ge=0, le=600_000, description="only for a CreateTime topic")] = 0
    max_lag_ms: Annotated[int, Field(ge=1_000, le=3_600_000, description="no early suppression past this")] = 60_000
    idle_timeout_ms: Annotated[
        int, Field(ge=0, description="leave a dead source partition out after this; 0: never")
    ] = 0
    hash_key: Annotated[
        SecretStr, Field(description="keys the author sample; keep it secret and the same on all workers")
    ] = SecretStr("")
    audit_key: Annotated[SecretStr, Field(description="signs the audit log")] = SecretStr("")
    session_timeout_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0
    flush_ms: Annotated[int, Field(ge=10, le=10_000)] = 250
    start_deadline_seconds: Annotated[float, Field(ge=1, le=3600)] = 60.0
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535, description="0: any free port; metrics, /healthz, /readyz")] = (
        9464
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_ssl_cafile: Annotated[
        Path | None, Field(description="PEM file of the authorities to trust; unset: the system's")
    ] = None
    kafka_ssl_certfile: Annotated[
        Path | None, Field(description="our own certificate, PEM, if the broker asks for one")
    ] = None
    kafka_ssl_keyfile: Annotated[
        Path | None, Field(description="the key of kafka_ssl_certfile, PEM, without a password")
    ] = None
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")

    def topic(self, name: str) -> str:
        """The name of a topic on the broker: `topic_prefix` + name."""
        return self.topic_prefix + name


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: names every wrong variable, its value (cut) and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "HUSHTAG_" + "_".join(str(part) for part in problem["loc"][:1]).upper()
            value = "" if "key" in name.lower() or "password" in name.lower() else f"={str(problem['input'])[:60]!r}"
            lines.append(f"{name}{value}: {problem['msg']}")
        raise SettingsError("\n".join(lines), fix="correct or unset the variables above") from None


def time_rules(settings: Settings, *, create_time: bool = False) -> TimeRules:
    """The clocks' tolerances; `max_disorder_ms` only matters for a source topic with CreateTime."""
    return TimeRules(
        allowed_lateness_ms=settings.allowed_lateness_ms,
        max_event_ahead_ms=settings.max_event_ahead_ms,
        max_event_age_ms=settings.max_event_age_ms,
        max_broker_skew_ms=settings.max_broker_skew_ms,
        max_disorder_ms=settings.max_disorder_ms if create_time else 0,
    )
