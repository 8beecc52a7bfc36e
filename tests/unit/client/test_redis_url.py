"""Addresses of Redis: each form, its login and its options, and the refused ones."""

from __future__ import annotations

import pytest
from hushtag_client.redis_url import FORMS, parse_redis_url


@pytest.mark.parametrize(
    ("url", "text", "options"),
    [
        ("redis://host:6380/2", "host:6380", {"host": "host", "port": 6380, "db": 2}),
        ("redis://u:p@host", "host:6379", {"host": "host", "username": "u", "password": "p"}),
        ("unix:///run/redis.sock", "/run/redis.sock", {"path": "/run/redis.sock"}),
        ("rediss://host?ssl_ca_certs=ca.pem", "host:6379", {"host": "host", "ssl_ca_certs": "ca.pem", "ssl": True}),
    ],
)
def test_one_server_has_options_of_redis_py(url: str, text: str, options: dict[str, object]) -> None:
    address = parse_redis_url(url)
    assert (address.kind, str(address), address.options, address.nodes) == ("server", text, options, ())


def test_sentinels_have_their_own_login_and_common_tls() -> None:
    address = parse_redis_url(
        "rediss+sentinel://u:p%40@one:1,two,[::1]:3/my%20flags/4"
        "?ssl_ca_certs=ca.pem&sentinel_username=w&sentinel_password=a%26b&socket_timeout=1.5"
    )
    assert address.kind == "sentinel"
    assert address.nodes == (("one", 1), ("two", 26_379), ("::1", 3))
    assert address.service == "my flags"
    tls = {"ssl": True, "ssl_ca_certs": "ca.pem"}
    assert address.options == {"username": "u", "password": "p@", "db": 4, "socket_timeout": 1.5} | tls
    assert address.sentinel_options == {"username": "w", "password": "a&b"} | tls
    assert str(address) == "my flags of the Sentinels one:1,two:26379,[::1]:3"


def test_cluster_has_no_database() -> None:
    address = parse_redis_url("redis+cluster://u:p@one:1,two/0")
    assert (address.kind, address.nodes) == ("cluster", (("one", 1), ("two", 6_379)))
    assert address.options == {"username": "u", "password": "p"}
    assert str(address) == "the cluster one:1,two:6379"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://host", FORMS),
        ("redis+other://host/service", FORMS),
        ("host:6379", FORMS),
        ("redis+sentinel://host:1", "service is missing"),
        ("redis+sentinel://host:1/service/0/1", "service is missing"),
        ("redis+sentinel://host:1/service/first", "service is missing"),
        ("redis+sentinel:///service", "'' is not host:port"),
        ("redis+sentinel://one:1,/service", "'' is not host:port"),
        ("redis+cluster://host:99999", "'host:99999' is not host:port"),
        ("redis+cluster://host:1/3", "database 0 only"),
        ("redis://host:6379/flags", "not the number of a database"),
        ("redis://host:99999/0", "out of range"),
    ],
)
def test_wrong_address_is_refused_with_its_forms(url: str, problem: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the text is compared below
        parse_redis_url(url)
    assert problem in str(refused.value)
    assert "password" not in str(refused.value)
