"""Callers of an HTTP server: direct ones on this machine, and the address behind trusted proxies. Pure.

A loopback peer alone earns no trust: behind a proxy on this machine every request has one, and another site can resolve
its own name to 127.0.0.1. Forwarding headers and other host names are therefore refused as well, and so is HTTP/1.0,
which nginx before 1.29 speaks to the servers behind it. A proxy that adds no header and speaks HTTP/1.1 cannot be
detected: servers behind one need keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address

_FORWARDING = frozenset(
    ("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip")
)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/?#@\[\]\\]+)(:[0-9]{1,5})?")
_ENTRY = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
"""Entry of X-Forwarded-For with a port; some proxies add it."""


def why_not_direct(request: HTTPConnection) -> str:
    """Return why a request does not come directly from a program on this machine; "" if it does."""
    if why := why_forwarded(request):
        return why
    if request.client is None or not is_loopback(request.client.host):
        return "it comes from another machine"
    if not names_this_machine(request):
        return "its Host header does not name this machine"
    return ""


def why_forwarded(request: HTTPConnection) -> str:
    """Return why a request seems to come through a proxy; "" if it does not."""
    forwarding = next((name for name in request.headers if is_forwarding_header(name)), "")
    if forwarding:
        return f"a proxy forwarded this request (header {forwarding})"
    return "it is HTTP/1.0, as proxies send it" if request.scope.get("http_version") == "1.0" else ""


def names_this_machine(request: HTTPConnection) -> bool:
    """Return whether the Host header is localhost or a loopback address."""
    return is_loopback(host_of(request))


def host_of(request: HTTPConnection) -> str:
    """Return the host of the Host header in lower case, without its port and brackets; "" if it is malformed."""
    match = _HOST.fullmatch(request.headers.get("host", ""))
    return "" if match is None else match[1].strip("[]").lower()


def is_forwarding_header(name: str) -> bool:
    """Return whether proxies add a header of this name (in lower case)."""
    return name in _FORWARDING or name.startswith("x-forwarded-")


def is_loopback(host: str) -> bool:
    """Return whether a host is localhost or a loopback address.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("::ffff:127.0.0.1"), is_loopback("10.0.0.1")
    (True, True, True, False)
    """
    address = _parse_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse networks and addresses separated by commas.

    >>> parse_networks("10.1.0.0/16, ::1")
    (IPv4Network('10.1.0.0/16'), IPv6Network('::1/128'))

    Raises:
        ValueError: an entry is not a network, or it covers all addresses.
    """
    networks = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        network = ip_network(entry)
        if network.prefixlen == 0:
            raise ValueError(f"{entry} covers all addresses")
        networks.append(network)
    return tuple(networks)


def is_within(host: str, networks: Sequence[Network]) -> bool:
    """Return whether an address lies in one of the networks; False for a text that is not an address."""
    address = _parse_address(host)
    return address is not None and any(address in network for network in networks)


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the address of a caller: the right-most one that is not a trusted proxy.

    Each proxy appends its own peer to X-Forwarded-For, so only the entries that trusted proxies wrote are true. The
    caller can write the others.

    >>> trusted = parse_networks("10.0.0.0/8")
    >>> client_address("10.0.0.1", ["6.6.6.6, 192.0.2.7, 10.0.0.2"], trusted)
    '192.0.2.7'
    >>> client_address("192.0.2.7", ["6.6.6.6"], trusted)
    '192.0.2.7'

    Args:
        peer: address of the connection.
        forwarded: values of X-Forwarded-For in their order.
        trusted: networks of the trusted proxies.
    """
    address = _parse_address(peer)
    if address is None:
        return peer
    for entry in reversed(",".join(forwarded).split(",")):
        parsed = _parse_address(entry.strip())
        if parsed is None or not any(address in network for network in trusted):
            break
        address = parsed
    return str(address)


def rate_group(address: str) -> str:
    """Return the group that shares one rate limit: an IPv4 address, or the /64 network of an IPv6 address.

    >>> rate_group("192.0.2.7"), rate_group("2001:db8::1:2")
    ('192.0.2.7', '2001:db8::/64')
    """
    parsed = _parse_address(address)
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def _parse_address(text: str) -> _Address | None:
    match = _ENTRY.fullmatch(text)
    try:
        address = ip_address(match[1] or match[2] if match else text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
