"""Settings to login arguments; no broker needed."""

from __future__ import annotations

import inspect
import ssl
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.errors import SettingsError
from streams.log.kafka_security import security_kwargs
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
