"""Faults of the proxy: forward, cut, half-open, slow."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fault.proxy import LOOPBACK, Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Proxy in front of an echo server."""
    server = socket.create_server((LOOPBACK, 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            while piece := connection.recv(1024):
                connection.sendall(piece)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    proxy = Proxy(server.getsockname()[1]).start()
    yield proxy
    proxy.stop()
    server.close()


def line(proxy: Proxy, answers: bool = True) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=60 if answers else 1)


def answer(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(16)


def broken(connection: socket.socket) -> bool:
    try:
        return answer(connection) == b""
    except ConnectionError:
        return True


def test_proxy_forwards_data(proxy):
    with line(proxy) as one:
        assert answer(one) == b"hello"


def test_cut_resets_and_refuses_until_healed(proxy):
    with line(proxy) as one:
        assert answer(one) == b"hello"
        proxy.cut()
        deadline = time.monotonic() + 60
        while not broken(one):  # the proxy's thread cuts
            assert time.monotonic() < deadline
    with line(proxy) as one:
        assert broken(one)
    proxy.heal()
    with line(proxy) as one:
        assert answer(one) == b"hello"


def test_half_open_connection_stays_lost_after_heal(proxy):
    with line(proxy) as one:
        assert answer(one) == b"hello"
        proxy.half_open()
        with line(proxy, answers=False) as other, pytest.raises(TimeoutError):
            answer(other)
        proxy.heal()
        one.settimeout(1)
        with pytest.raises(TimeoutError):
            answer(one)
    with line(proxy) as new:
        assert answer(new) == b"hello"


def test_slow_connection_delays_both_directions(proxy):
    proxy.slow(0.1)
    with line(proxy) as one:
        start = time.monotonic()
        assert answer(one) == b"hello"
        assert time.monotonic() - start >= 0.2
