"""Kafka login from the settings, and the translation of a broker's refusals.

`security_kwargs` returns keyword arguments that aiokafka and kafka-python both accept. `refusal` translates the errors
of both: a missing right, a refused login, a failed TLS handshake. Clients report the last two as an unreachable broker,
so `check_tls` and `check_login` connect once more, and raise what the client did not report.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import IllegalSaslStateError, KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import BrokerRefuses, SettingsError
from streams.settings import Settings

_LOGIN_ERRORS = (
    SaslAuthenticationFailed.__name__,
    UnsupportedSaslMechanismError.__name__,
    IllegalSaslStateError.__name__,
    "SaslAuthenticationFailedError",
)
_RIGHTS = {
    "TopicAuthorizationFailed": ("topic", "Read"),
    "GroupAuthorizationFailed": ("group", "Read"),
    "ClusterAuthorizationFailed": ("cluster", "IdempotentWrite"),
    "TransactionalIdAuthorizationFailed": ("transactional id", "Write"),
}
"""Kind of the resource and the usual right, by the error's name in both libraries (with or without `Error`)."""
_WRAPPED = re.compile("|".join(_RIGHTS))
"""Name of the error in the text of another one: both libraries wrap some as a plain `KafkaError`."""
TOPIC_AUTHORIZATION_FAILED = 29
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


KafkaArguments = dict[str, Any]
"""Keyword arguments of any client of aiokafka or kafka-python."""


def security_kwargs(settings: Settings) -> KafkaArguments:
    """Return the login arguments.

    Raises:
        SettingsError: a certificate file cannot be read.
    """
    kwargs: KafkaArguments = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol in ("SSL", "SASL_SSL"):
        kwargs["ssl_context"] = _ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL_"):
        kwargs["sasl_mechanism"] = settings.kafka_sasl_mechanism
        kwargs["sasl_plain_username"] = settings.kafka_sasl_username
        kwargs["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return kwargs


def connection_of(settings: Settings) -> KafkaArguments:
    """Return the servers and the login."""
    return {"bootstrap_servers": settings.kafka, **security_kwargs(settings)}


def refusal(
    error: BaseException, kafka: Mapping[str, Any], *, right: str = "", resource: str = ""
) -> BrokerRefuses | None:
    """Translate an error of aiokafka or kafka-python; None if the broker refused nothing.

    Args:
        error: error of a client.
        kafka: the client's arguments, which have the servers and the user.
        right: right that the failed call needed; "": the usual one of the error.
        resource: name of what it was needed for, where the error names nothing.
    """
    if isinstance(error, BrokerRefuses):
        return error
    name = type(error).__name__
    if name in _LOGIN_ERRORS:
        return _login_refused(error, kafka)
    if name == KafkaError.__name__ and (wrapped := _WRAPPED.search(str(error))) is not None:
        name = wrapped[0]
    missing = _RIGHTS.get(name.removesuffix("Error"))
    if missing is None:
        return None
    kind, usual = missing
    if kind == "cluster" and right == "Write" and resource:
        kind = "topic"  # an idempotent producer that may write to no topic
    names = _names_in(error) or ([resource] if resource else [])
    what = "the cluster" if kind == "cluster" else f"{kind} {', '.join(names)}".strip()
    return lacking(right or usual, what, kafka)


def check_tls(kafka: Mapping[str, Any]) -> None:
    """Try a TLS handshake with each server. Blocks; does nothing for a connection without TLS.

    Raises:
        BrokerRefuses: a handshake failed.
    """
    context = kafka.get("ssl_context")
    if context is None:
        return
    for host, port, _ in collect_hosts(_servers(kafka)):
        try:
            with (
                socket.create_connection((host, port), timeout=3.0) as unsecured,
                context.wrap_socket(unsecured, server_hostname=host) as secured,
            ):
                secured.settimeout(0.5)
                secured.recv(1)  # by TLS 1.3 a server refuses the client's certificate only after the handshake
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            continue  # it went away meanwhile
        except ssl.SSLError as error:
            raise BrokerRefuses(
                f"TLS with Kafka at {host}:{port} failed: {error}",
                fix="check HUSHTAG_KAFKA_SSL_CAFILE (who signed the broker's certificate), the host names in "
                "HUSHTAG_KAFKA, and HUSHTAG_KAFKA_SSL_CERTFILE if the broker asks for a certificate",
            ) from None
        except OSError:
            continue


async def check_login(kafka: Mapping[str, Any]) -> None:
    """Connect and log in to each server; do nothing for a connection without TLS and login.

    Raises:
        BrokerRefuses: TLS or the login failed.
    """
    await asyncio.to_thread(check_tls, kafka)
    login = {name: value for name, value in kafka.items() if name.startswith(("sasl_", "ssl_", "security_"))}
    if "sasl_mechanism" not in login:
        return
    for host, port, _ in collect_hosts(_servers(kafka)):
        try:
            (await create_conn(host, port, **login)).close()
        except (OSError, KafkaError, TimeoutError) as error:
            if (refused := refusal(error, kafka)) is not None:
                raise refused from None


async def may_see(client: Any, topic: str) -> bool:
    """Return whether the user may see a topic, whether or not it exists. The request does not create it.

    Args:
        client: a connected `AIOKafkaClient`. It lists only the topics that its user may see.
        topic: full name of the topic.
    """
    try:
        answer = await client.send(client.get_random_node(), MetadataRequest([topic], allow_auto_topic_creation=False))
    except KafkaError:
        return True  # the broker went away meanwhile, which the caller's next request reports
    return all(code != TOPIC_AUTHORIZATION_FAILED for code, *_ in answer.topics)


def lacking(right: str, resource: str, kafka: Mapping[str, Any]) -> BrokerRefuses:
    """Return the error for a missing right, such as Read on `topic tweets`."""
    return BrokerRefuses(
        f"Kafka at {_servers(kafka)} does not permit it: {_principal(kafka)} lacks {right} on {resource}",
        fix="grant it; `hushtag acls kafka --role ROLE` prints the rights of each process",
    )


def _login_refused(error: BaseException, kafka: Mapping[str, Any]) -> BrokerRefuses:
    return BrokerRefuses(
        f"Kafka at {_servers(kafka)} refuses the login of {_principal(kafka)}: {error}",
        fix="check HUSHTAG_KAFKA_SASL_MECHANISM, HUSHTAG_KAFKA_SASL_USERNAME, HUSHTAG_KAFKA_SASL_PASSWORD",
    )


def _servers(kafka: Mapping[str, Any]) -> str:
    servers = kafka["bootstrap_servers"]
    return servers if isinstance(servers, str) else ",".join(servers)


def _principal(kafka: Mapping[str, Any]) -> str:
    if user := kafka.get("sasl_plain_username"):
        return f"User:{user}"
    return "this client's certificate" if kafka.get("ssl_context") is not None else "User:ANONYMOUS"


def _names_in(error: BaseException) -> list[str]:
    """Return the resources that an error names: both libraries pass a name or a set of names, or neither."""
    named = error.args[0] if error.args else ""
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, (list, tuple, set, frozenset)):
        return []
    return sorted(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))


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
