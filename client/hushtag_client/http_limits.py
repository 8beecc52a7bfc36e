"""Deadlines and bounds of HTTP connections: uvicorn's protocol class for the sidecar and all servers of hushtag.

uvicorn bounds only the time between requests. A client that sends a byte now and then occupies a connection for ever.
This class closes a connection when a request's head, its body or an unread answer takes too long. It also refuses
connections past a bound for each address and in total.

Alternatives: granian bounds the time of the head and not of the body. It also runs applications in separate processes,
and ours share an event loop with readers of Kafka. hypercorn's `read_timeout` begins again with each byte. nginx bounds
all of it (deploy/nginx/), but a server must also survive without a proxy.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_LOG_SECONDS = 60.0
_log = logging.getLogger("hushtag_client")


def _no_address(address: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of one server."""

    per_address: int = 128
    """Connections of one address at the same time."""
    total: int = 512
    """All connections at the same time; below the usual 1,024 open files of a process."""
    head_seconds: float = 10.0
    """Time for the head of a request, from the start of the connection or the end of the answer before."""
    body_seconds: float = 60.0
    """Time for the body of a request."""
    unread_seconds: float = 120.0
    """Time for the client to take a part of an answer."""
    exempt: Callable[[str], bool] = _no_address
    """Whether the bound for each address leaves an address out: a trusted proxy."""
    hint: str = ""
    """Advice in the log when an address reaches its bound."""


class ConnectionSlots:
    """Count of the open connections of one server."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        self._logged_at = -_LOG_SECONDS

    @property
    def open(self) -> int:
        """Number of admitted connections."""
        return self._open.total()

    def take(self, address: str, now_seconds: float) -> bool:
        """Admit a connection; return False if a limit is reached."""
        full = self.open >= self._limits.total
        many = self._open[address] >= self._limits.per_address and not self._limits.exempt(address)
        if not full and not many:
            self._open[address] += 1
            return True
        if now_seconds - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now_seconds
            if full:
                _log.warning("connection of %s refused: %d are open in total", address, self.open)
            else:
                _log.warning(
                    "connection of %s refused: it has %d open. %s", address, self._open[address], self._limits.hint
                )
        return False

    def release(self, address: str) -> None:
        """Count a connection as closed."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]


class LimitedHttp(H11Protocol):
    """Protocol of one connection; `limited_http` makes the class for a server."""

    limits: HttpLimits
    slots: ConnectionSlots

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._admitted = False
        self._address = ""
        self._awaited: tuple[object, object] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request, or refuse the connection."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that `pause_writing` reports any unread part of an answer
        self._address = self.client[0] if self.client else ""
        self._admitted = self.slots.take(self._address, self.loop.time())
        if self._admitted:
            self._watch()
        else:
            self._end("503 Service Unavailable", "too many connections", "Retry-After: 5\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadlines and free the slot."""
        for timer in (self._deadline, self._unread):
            if timer is not None:
                timer.cancel()
        if self._admitted:
            self._admitted = False
            self.slots.release(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, then move the deadline if a new part of a request is due."""
        if self._admitted:
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        """Start the deadline of the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Start the deadline of an unread answer."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the deadline of an unread answer."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, with the headers of every error."""
        self._end("400 Bad Request", msg)

    def _watch(self) -> None:
        """Restart the deadline if the awaited part of the request is another one; slow bytes do not move it."""
        state = self.conn.their_state
        seconds = {h11.IDLE: self.limits.head_seconds, h11.SEND_BODY: self.limits.body_seconds}.get(state)
        awaited = None if seconds is None or self.transport.is_closing() else (state, self.cycle)
        if awaited == self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited, self._deadline = awaited, None
        if awaited is not None and seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if not self.transport.is_closing():
            self._end("408 Request Timeout", "the request took too long")

    def _end(self, status: str, text: str, headers: str = "") -> None:
        """Close the connection, with an error unless the present request has an answer."""
        answered = self.cycle is not None and self.cycle.response_started
        if answered and self.cycle.response_complete and self.conn.their_state is not h11.SEND_BODY:
            answered = False  # the error concerns the next request
        if not answered:
            head = (
                f"HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(text) + 1}\r\nContent-Security-Policy: default-src 'none'\r\n"
                "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n"
            )
            self.transport.write(f"{head}{text}\n".encode("ascii"))
        self.transport.close()


def limited_http(limits: HttpLimits) -> type[LimitedHttp]:
    """Make the protocol class of one server, with its own count of connections: uvicorn's option `http`."""
    return type("LimitedHttp", (LimitedHttp,), {"limits": limits, "slots": ConnectionSlots(limits)})
