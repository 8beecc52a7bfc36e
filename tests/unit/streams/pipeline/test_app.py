"""Faust's app: the options of the worker's consumer."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from streams.pipeline.app import App, consumer_options, group_of, make_app
from streams.settings import Settings

_DAY_MS = 86_400_000


async def test_consumer_without_partitions_stays_in_its_group() -> None:
    """aiokafka leaves a group for good after `max_poll_interval_ms` without a fetch: a spare would never take over."""
    consumer = AIOKafkaConsumer(**consumer_options(Settings(), "g"))
    assert consumer._max_poll_interval_ms > 20 * _DAY_MS
    assert consumer._rebalance_timeout_ms <= 60_000, "other members must not wait long for one that is gone"
    await consumer.stop()


def test_incomplete_set_of_stages_has_its_own_group() -> None:
    settings = Settings(topic_prefix="p.", group="g")
    assert group_of(settings, ("ingest", "judge", "publish")) == "p.g"
    assert group_of(settings, ("judge", "publish")) == "p.g-judge-publish"


def _auth_of_producer(settings: Settings) -> dict[str, Any]:
    """Return the security arguments of Faust's own producer."""
    app: App = make_app(settings, "g", None)  # type: ignore[arg-type]
    return dict(app.transport.create_producer()._settings_auth())


def test_producer_of_faust_connects_in_plaintext_by_default() -> None:
    assert _auth_of_producer(Settings()) == {"security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_producer_of_faust_logs_in_like_the_consumer(protocol: str) -> None:
    login = {
        "kafka_security_protocol": protocol,
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "worker",
        "kafka_sasl_password": "s3cret",
    }
    auth = _auth_of_producer(Settings.model_validate(login))
    context = auth.pop("ssl_context")
    assert isinstance(context, ssl.SSLContext) == (protocol == "SASL_SSL")
    assert auth == {
        "security_protocol": protocol,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": "s3cret",
    }


def test_producer_of_faust_uses_tls_without_login() -> None:
    auth = _auth_of_producer(Settings(kafka_security_protocol="SSL"))
    assert isinstance(auth.pop("ssl_context"), ssl.SSLContext)
    assert auth == {"security_protocol": "SSL"}
