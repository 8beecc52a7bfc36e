"""Settings to login arguments; no broker needed."""

from __future__ import annotations

import inspect
import ssl
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as aiokafka_errors
from kafka import errors as kafka_errors

from streams.errors import EXIT_CALLER, SettingsError
from streams.log.kafka_security import refusal, security_kwargs
from streams.settings import Settings


def test_plaintext_needs_no_login() -> None:
    assert security_kwargs(Settings()) == {"security_protocol": "PLAINTEXT"}


def test_sasl_over_tls() -> None:
    settings = Settings.model_validate(
        {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "SCRAM-SHA-512",
            "kafka_sasl_username": "worker",
            "kafka_sasl_password": "s3cret",
        }
    )
    kwargs = security_kwargs(settings)
    context = kwargs.pop("ssl_context")
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert kwargs == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": "s3cret",
    }
    for client in (AIOKafkaProducer, AIOKafkaConsumer):
        assert {*kwargs, "ssl_context"} <= set(inspect.signature(client.__init__).parameters)


@pytest.mark.parametrize("field", ["kafka_ssl_cafile", "kafka_ssl_certfile"])
def test_unreadable_certificate_names_its_setting(field: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("not a certificate")
    settings = Settings.model_validate({"kafka_security_protocol": "SSL", field: bad})
    with pytest.raises(SettingsError, match=f"HUSHTAG_{field.upper()}"):
        security_kwargs(settings)


KAFKA = {"bootstrap_servers": "h:1,i:2", "sasl_plain_username": "ann"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiokafka_errors.TopicAuthorizationFailedError("tweets"), "User:ann lacks Read on topic tweets"),
        (aiokafka_errors.TopicAuthorizationFailedError({"a", "b"}), "lacks Read on topic a, b"),
        (aiokafka_errors.GroupAuthorizationFailedError("g"), "lacks Read on group g"),
        (aiokafka_errors.ClusterAuthorizationFailedError(), "lacks IdempotentWrite on the cluster"),
        (aiokafka_errors.TransactionalIdAuthorizationFailed("x"), "lacks Write on transactional id x"),
        (kafka_errors.TopicAuthorizationFailedError({"tweets"}), "lacks Read on topic tweets"),
        (kafka_errors.TopicAuthorizationFailedError("a sentence, not a name"), "lacks Read on topic given"),
        (kafka_errors.GroupAuthorizationFailedError("g"), "lacks Read on group g"),
        (kafka_errors.ClusterAuthorizationFailedError(), "on the cluster"),
        (kafka_errors.TransactionalIdAuthorizationFailedError(), "lacks Write on transactional id given"),
        (kafka_errors.SaslAuthenticationFailedError("no"), "refuses the login of User:ann"),
        (aiokafka_errors.SaslAuthenticationFailed("no"), "refuses the login of User:ann"),
    ],
)
def test_refusal_of_both_libraries_is_named(error: Exception, words: str) -> None:
    found = refusal(error, KAFKA, resource="given")
    assert found is not None and found.exit_code == EXIT_CALLER
    assert words in str(found) and "h:1,i:2" in str(found)


def test_right_of_the_failed_call_is_named() -> None:
    found = refusal(kafka_errors.TopicAuthorizationFailedError(), KAFKA, right="Create", resource="tweets")
    assert found is not None and "lacks Create on topic tweets" in str(found)


def test_wrapped_refusal_of_a_producer_names_its_topic() -> None:
    error = kafka_errors.KafkaError("Unexpected error in InitProducerIdResponse: ClusterAuthorizationFailedError")
    assert "IdempotentWrite on the cluster" in str(refusal(error, KAFKA))
    found = refusal(error, KAFKA, right="Write", resource="moderation")
    assert found is not None and "User:ann lacks Write on topic moderation" in str(found)


def test_other_errors_are_no_refusal() -> None:
    for error in (aiokafka_errors.KafkaConnectionError("away"), kafka_errors.KafkaTimeoutError(), OSError()):
        assert refusal(error, KAFKA) is None


def test_principal_is_the_user_the_certificate_or_anonymous() -> None:
    error = aiokafka_errors.TopicAuthorizationFailedError("t")
    certificate = refusal(error, {"bootstrap_servers": ["h:1"], "ssl_context": ssl.create_default_context()})
    assert "this client's certificate lacks Read" in str(certificate)
    assert "User:ANONYMOUS lacks Read" in str(refusal(error, {"bootstrap_servers": "h:1"}))
