"""Checks of settings that are well formed and cannot work: addresses, keys, values that exclude each other. Pure.

Each check returns what is wrong, in words that follow the value, or yields problems by field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

Problem = tuple[str, str, str]
"""Field, what is wrong, and values to set."""
KEY_CHARACTERS = 32
"""Fewest characters of a secret key: shorter ones can be found by trying."""
NEW_KEY = "the output of openssl rand -hex 32"
_ADDRESS = "not a valid address: the host, the port or a character is invalid"
_REDIS_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\],]+)(?::(\d{1,5}))?")


def address_problem(address: str) -> str:
    """Return what is wrong with an http, https or smtp address; "" for a good one.

    Placeholders such as `{id}` stand for any text.

    >>> address_problem("https://example.org/t/{id}"), address_problem("https://example.org:99999/")
    ('', 'not a valid address: the host, the port or a character is invalid')
    """
    import httpx  # its import takes a quarter of a second, which other commands should not wait for

    try:
        url = httpx.URL(re.sub(r"\{\w+\}", "x", address))
        url.raw_host.decode("ascii").encode("idna")  # as looking the name up does: no label empty or too long
    except (httpx.InvalidURL, UnicodeError):
        return _ADDRESS
    port_fits = url.port is None or 0 < url.port < 65_536
    return "" if url.scheme and url.raw_host and port_fits else _ADDRESS


def redis_problem(url: str) -> str:
    """Return what is wrong with the hosts, the ports or the database of a URL of Redis; "" for a good one.

    >>> redis_problem("redis://user:p@one:6379/0"), redis_problem("redis+cluster://one:6379,two:70000")
    ('', 'a host or a port is not valid')
    """
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        return ""
    hosts, _, path = rest.partition("?")[0].rpartition("@")[2].partition("/")
    for host in hosts.split(","):
        match = _REDIS_HOST.fullmatch(host.strip())
        if match is None or not 0 < int(match[2] or 1) < 65_536:
            return "a host or a port is not valid"
    if scheme in ("redis", "rediss") and path and not path.isdecimal():
        return "the path is not the number of a database"
    return ""


def key_problem(key: str) -> str:
    """Return what is wrong with a secret key; "" for a good one, and for none.

    >>> key_problem("abc"), key_problem("")
    ('3 characters, fewer than 32', '')
    """
    return f"{len(key)} characters, fewer than {KEY_CHARACTERS}" if 0 < len(key) < KEY_CHARACTERS else ""


def missing_partners(values: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the settings without which others have no effect.

    Args:
        values: values by field, "" where not set.
        variables: environment variables by field.
    """
    for field, needed, may_be in (
        ("oidc_issuer", "oidc_client_id", "the client's id at the identity provider"),
        ("oidc_client_id", "oidc_issuer", "the issuer's https address"),
        ("oidc_client_secret", "oidc_issuer", "the issuer's https address"),
        ("oidc_client_secret", "oidc_client_id", "the client's id at the identity provider"),
        ("kafka_ssl_keyfile", "kafka_ssl_certfile", "the PEM file of its certificate"),
    ):
        if values[field] and not values[needed]:
            yield needed, f"not set, but {variables[field]} is", may_be


def kafka_login(protocol: str, values: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the problems of the login to Kafka.

    Args:
        protocol: security protocol.
        values: mechanism, user and password by field, "" where not set.
    """
    for field, value in values.items():
        if protocol.startswith("SASL_") and not value:
            yield field, f"not set, but HUSHTAG_KAFKA_SECURITY_PROTOCOL={protocol} needs it", ""
        if not protocol.startswith("SASL_") and value:
            yield field, _useless(protocol), "nothing, or the protocol to SASL_SSL"


def kafka_files(protocol: str, paths: Mapping[str, Path | None]) -> Iterator[Problem]:
    """Yield the problems of the files for TLS to Kafka, by field."""
    for field, path in paths.items():
        if path is not None and not protocol.endswith("SSL"):
            yield field, _useless(protocol), "nothing, or the protocol to SSL or SASL_SSL"
        elif path is not None and not path.is_file():
            yield field, "there is no such file", "the path of a PEM file"


def _useless(protocol: str) -> str:
    return f"has no effect with HUSHTAG_KAFKA_SECURITY_PROTOCOL={protocol}"


def clock_tolerances(
    *, max_event_age_ms: int, allowed_lateness_ms: int, max_lag_ms: int, watermark_slack_ms: int
) -> Iterator[Problem]:
    """Yield the problems of tolerances that exclude each other, in milliseconds."""
    if max_event_age_ms < allowed_lateness_ms:
        what = f"below HUSHTAG_ALLOWED_LATENESS_MS={allowed_lateness_ms}"
        yield "max_event_age_ms", what, "at least the allowed lateness and the longest window"
    if max_lag_ms <= watermark_slack_ms:
        what = f"no decision could be early: a watermark is {watermark_slack_ms} ms behind the newest tweet"
        yield "max_lag_ms", what, f"more than {watermark_slack_ms}, such as 60000"
