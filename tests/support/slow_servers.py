"""Real servers on loopback that never come to the end of an answer."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

SlowKind = Literal["drips headers", "drips body", "never ends body"]
SLOW_KINDS: tuple[SlowKind, ...] = ("drips headers", "drips body", "never ends body")
DRIP_SECONDS = 0.02
_STATUS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"


def _http_parts(kind: SlowKind) -> Iterator[tuple[bytes, float]]:
    """Yield the bytes of an answer, each with the pause after it."""
    if kind == "drips headers":
        yield _STATUS, 0
        while True:
            yield b"X-Wait: 1\r\n", DRIP_SECONDS
    if kind == "drips body":
        yield _STATUS + b"Content-Length: 1000000\r\n\r\n", 0
        while True:
            yield b" ", DRIP_SECONDS
    yield _STATUS + b"Transfer-Encoding: chunked\r\n\r\n", 0
    while True:
        yield _CHUNK, 0


def _smtp_parts() -> Iterator[tuple[bytes, float]]:
    while True:
        yield b"220-wait\r\n", DRIP_SECONDS


@contextmanager
def slow_server(kind: SlowKind | Literal["drips a greeting"]) -> Iterator[int]:
    """Serve slow answers; yields the port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            mail = kind == "drips a greeting"
            if not mail:
                self.request.recv(65_536)
            try:
                for data, pause_seconds in _smtp_parts() if mail else _http_parts(kind):  # type: ignore[arg-type]
                    self.request.sendall(data)
                    if stopped.wait(pause_seconds) if pause_seconds else stopped.is_set():
                        return
            except OSError:  # the caller gave up
                pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    stopped = threading.Event()
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stopped.set()
            server.shutdown()
            thread.join()
