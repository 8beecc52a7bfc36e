"""HTTP connections on real sockets: slow requests end, and their number is bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import uvicorn
from hushtag_client.http_limits import ConnectionSlots, HttpLimits, LimitedHttp, limited_http
from starlette.types import Receive, Scope, Send

QUICK = HttpLimits(per_address=50, total=100, head_seconds=0.5, body_seconds=0.5, unread_seconds=0.5)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, then answer; /big answers with 64 MB, /early before the body."""
    while scope["path"] != "/early":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = b"x" * 64_000_000 if scope["path"] == "/big" else b"ok"
    await send({"type": "http.response.body", "body": body})


class Running:
    """A server on a free port of 127.0.0.1."""

    def __init__(self, port: int, protocol: type[LimitedHttp]) -> None:
        self.port = port
        self.slots = protocol.slots

    async def connect(self, *parts: bytes) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for part in parts:
            writer.write(part)
        return reader, writer

    async def no_connection(self) -> None:
        """Wait until no connection is open."""
        async with asyncio.timeout(20):
            while self.slots.open:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(limits: HttpLimits) -> AsyncIterator[Running]:
    protocol = limited_http(limits)
    config = uvicorn.Config(app, port=0, http=protocol, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serve = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Running(server.servers[0].sockets[0].getsockname()[1], protocol)
    finally:
        server.should_exit = True
        await serve


async def dribble(streams: Streams, byte: bytes = b"a", every_seconds: float = 0.02) -> bytes:
    """Send a byte now and then until the server ends the connection; return its answer."""
    reader, writer = streams

    async def send() -> None:
        while True:
            writer.write(byte)
            await asyncio.sleep(every_seconds)

    sending = asyncio.create_task(send())
    answer = b""
    try:
        async with asyncio.timeout(20):
            while part := await reader.read(4096):
                answer += part
    except ConnectionError:
        pass  # bytes arrived after the server's end
    finally:
        sending.cancel()
        writer.close()
    return answer


@pytest.mark.parametrize("sent", [b"", b"G", HEAD, HEAD + b"X: y"], ids=["nothing", "letter", "lines", "header"])
async def test_silent_head_ends_at_its_deadline(sent: bytes) -> None:
    async with serving(QUICK) as running:
        reader, writer = await running.connect(sent)
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        await running.no_connection()
        writer.close()


async def test_slow_bytes_of_head_do_not_move_deadline() -> None:
    async with serving(QUICK) as running:
        assert (await dribble(await running.connect(HEAD + b"X: "))).startswith(b"HTTP/1.1 408 ")
        await running.no_connection()


async def test_slow_bytes_of_body_do_not_move_deadline() -> None:
    async with serving(QUICK) as running:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
        assert (await dribble(await running.connect(head))).startswith(b"HTTP/1.1 408 ")
        await running.no_connection()


async def test_slow_body_after_early_answer_ends() -> None:
    async with serving(QUICK) as running:
        head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
        answer = await dribble(await running.connect(head))
        assert answer.startswith(b"HTTP/1.1 200 ") and b"408" not in answer
        await running.no_connection()


async def test_slow_second_request_ends() -> None:
    async with serving(QUICK) as running:
        reader, writer = await running.connect(HEAD + b"\r\n")
        assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert b" 408 " in await dribble((reader, writer), b"G")
        await running.no_connection()


async def test_unread_answer_ends() -> None:
    async with serving(QUICK) as running:
        _, writer = await running.connect(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        await running.no_connection()
        writer.close()


async def test_patient_client_is_served() -> None:
    """The deadline is one for each part, not for the connection."""
    async with serving(replace(QUICK, head_seconds=30, body_seconds=30)) as running:
        reader, writer = await running.connect()
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
            await asyncio.sleep(0.05)
            writer.write(b"bc")
            assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await running.no_connection()


async def test_half_open_connections_leave_the_server_usable() -> None:
    """The first ones take all slots of their address; they end at the deadline, and the next caller is served."""
    async with serving(replace(QUICK, per_address=100, total=200, head_seconds=1.0)) as running:
        opened, most = [], 0
        for _ in range(600):
            opened.append(await running.connect(HEAD))
            most = max(most, running.slots.open)
        assert most == 100
        answers = [await asyncio.wait_for(reader.read(), 30) for reader, _ in opened]
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        assert len(refused) >= 100
        assert all(b"Retry-After" in answer for answer in refused)
        await running.no_connection()
        reader, writer = await running.connect(HEAD + b"Connection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        for _, one in [*opened, (reader, writer)]:
            one.close()


async def test_garbage_is_refused_with_security_headers() -> None:
    async with serving(QUICK) as running:
        reader, writer = await running.connect(b"\x16\x03\x01 nonsense\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ") and b"Content-Security-Policy: default-src 'none'" in answer
        writer.close()
        await running.no_connection()


def test_slots_bound_addresses_and_total(caplog: pytest.LogCaptureFixture) -> None:
    slots = ConnectionSlots(HttpLimits(per_address=2, total=4, exempt=lambda one: one == "proxy", hint="Trust it?"))
    with caplog.at_level(logging.WARNING):
        assert [slots.take("a", 0.0) for _ in range(3)] == [True, True, False]
        assert [slots.take("proxy", 1.0) for _ in range(3)] == [True, True, False]
    assert [record.getMessage() for record in caplog.records] == ["connection of a refused: it has 2 open. Trust it?"]
    slots.release("a")
    assert (slots.open, slots.take("proxy", 2.0), slots.open) == (3, True, 4)


def test_refused_connections_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    slots = ConnectionSlots(HttpLimits(total=0))
    with caplog.at_level(logging.WARNING):
        assert not any(slots.take("a", seconds) for seconds in (0.0, 59.0, 60.0, 100.0))
    assert len(caplog.records) == 2
