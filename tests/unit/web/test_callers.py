"""Callers: direct requests of this machine, and addresses behind trusted proxies."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from web import callers
from web.callers import client_address, is_within, parse_networks, rate_group, why_not_direct

TRUSTED = parse_networks("10.0.0.0/8, fd00::/8")


def request(*headers: tuple[str, str], peer: str | None = "127.0.0.1", http_version: str = "1.1") -> Request:
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": http_version,
        "client": (peer, 5) if peer is not None else None,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    return Request(scope)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9:80", "[::1]:8710", "LOCALHOST:1"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_direct_loopback_request_is_accepted(host: str, peer: str) -> None:
    assert why_not_direct(request(("Host", host), peer=peer)) == ""


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Client-IP",
        "X-Forwarded-Anything", "CF-Connecting-IP", "True-Client-IP",
    ],
)  # fmt: skip
def test_forwarding_header_is_named(name: str) -> None:
    assert name.lower() in why_not_direct(request(("Host", "localhost"), (name, "127.0.0.1")))


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "[", "[::1", "a@127.0.0.1", "localhost/x", "localhost:x"]
)
def test_other_host_is_refused(host: str) -> None:
    assert "Host" in why_not_direct(request(("Host", host)))


def test_missing_host_is_refused() -> None:
    assert "Host" in why_not_direct(request())


@pytest.mark.parametrize("peer", ["10.0.0.9", "", "not an address", None])
def test_peer_of_another_machine_is_refused(peer: str | None) -> None:
    assert "another machine" in why_not_direct(request(("Host", "localhost"), peer=peer))


def test_http_1_0_is_refused() -> None:
    assert "HTTP/1.0" in why_not_direct(request(("Host", "127.0.0.1:8710"), http_version="1.0"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", ["10.0.0.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["6.6.6.6", "192.0.2.1,10.0.0.7"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["192.0.2.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("", ["192.0.2.1"], ""),
    ],
)
def test_address_is_last_one_outside_trusted_proxies(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == address


addresses = st.ip_addresses().map(str)


@given(addresses.filter(lambda one: not is_within(one, TRUSTED)), st.lists(st.text(max_size=9) | addresses, max_size=6))
def test_caller_cannot_choose_own_address(caller: str, written: list[str]) -> None:
    """A caller writes any header, and the trusted proxy appends the caller's address."""
    seen = client_address("10.0.0.1", [*written, caller], TRUSTED)
    assert seen == client_address(caller, [], TRUSTED)
    assert client_address(caller, written, TRUSTED) == seen


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "proxy", "0.0.0.0/0", "10.0.0.1,::/0"])
def test_parse_networks_refuses_bad_entry(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_networks(text)


def test_addresses_of_one_ipv6_network_share_a_rate() -> None:
    assert rate_group("2001:db8:1:2:3::4") == rate_group("2001:db8:1:2:ffff::") != rate_group("2001:db8:1:3::")
    assert rate_group("192.0.2.1") != rate_group("192.0.2.2")


def test_doctests() -> None:
    assert doctest.testmod(callers).failed == 0
