"""Kafka login from the settings, as keyword arguments that aiokafka and kafka-python both accept."""

from __future__ import annotations

import ssl
from typing import Any

from streams.errors import SettingsError
from streams.settings import Settings


def security_kwargs(settings: Settings) -> dict[str, Any]:
    """Return the login arguments for any client of aiokafka or kafka-python.

    Raises:
        SettingsError: a certificate file cannot be read.
    """
    kwargs: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol in ("SSL", "SASL_SSL"):
        kwargs["ssl_context"] = _ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL_"):
        kwargs["sasl_mechanism"] = settings.kafka_sasl_mechanism
        kwargs["sasl_plain_username"] = settings.kafka_sasl_username
        kwargs["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return kwargs


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"HUSHTAG_KAFKA_SSL_CAFILE={str(settings.kafka_ssl_cafile)!r}: {error}", fix="set it to a readable PEM file"
        ) from None
    if settings.kafka_ssl_certfile is not None:
        try:
            context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"HUSHTAG_KAFKA_SSL_CERTFILE={str(settings.kafka_ssl_certfile)!r}: {error}",
                fix="set it to a PEM certificate, and HUSHTAG_KAFKA_SSL_KEYFILE to its key",
            ) from None
    return context
