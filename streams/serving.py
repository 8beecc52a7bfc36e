"""HTTP servers of hushtag: their limits, and a small server in a thread."""

from __future__ import annotations

import socket
import threading

import uvicorn
from hushtag_client.http_limits import HttpLimits, limited_http
from starlette.types import ASGIApp

from streams.settings import Settings
from web.callers import is_within, parse_networks

_INTERNAL = HttpLimits(per_address=32, total=128, body_seconds=10.0, unread_seconds=30.0)
"""Limits of /metrics and /healthz, which few machines call."""
_SHUTDOWN_SECONDS = 1


def limits_for_callers(settings: Settings, *, per_address: int = 128, total: int = 512) -> HttpLimits:
    """Return the limits of a server for people; the bound for each address leaves trusted proxies out."""
    trusted = parse_networks(settings.trusted_proxies)
    return HttpLimits(
        per_address=per_address,
        total=total,
        exempt=lambda address: is_within(address, trusted),
        hint="If it is your proxy, set HUSHTAG_TRUSTED_PROXIES",
    )


class ServerInThread:
    """HTTP server in a thread with its event loop, on a listening socket, from its creation until `stop`."""

    def __init__(self, app: ASGIApp, listening: socket.socket, name: str) -> None:
        config = uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, lifespan="off", server_header=False,
            proxy_headers=False, http=limited_http(_INTERNAL), ws="none", timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._socket = listening
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name=name, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Port that the server listens on."""
        return int(self._socket.getsockname()[1])

    def stop(self) -> None:
        """Stop listening and wait for the thread."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def listening_socket(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes any free one, and `::` listens on IPv4, too.

    Raises:
        OSError: the address cannot be used.
    """
    if ":" in host:
        return socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=socket.has_dualstack_ipv6())
    return socket.create_server((host, port))
