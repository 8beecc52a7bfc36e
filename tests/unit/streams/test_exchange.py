"""Exchanges with real servers that drip or never end their answers."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from streams.exchange import BoundedClient, within
from tests.support.slow_servers import SLOW_KINDS, slow_server


@pytest.fixture(params=SLOW_KINDS)
def slow_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with slow_server(request.param) as port:
        yield f"http://127.0.0.1:{port}/"


async def streamed(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_slow_server_ends_at_the_deadline_or_the_bound(slow_url: str) -> None:
    async with asyncio.timeout(30), BoundedClient(seconds=0.3, answer_bytes=1_000_000) as client:
        with pytest.raises((httpx.ReadTimeout, httpx.DecodingError), match=r"no whole answer|longer than"):
            await client.get(slow_url)


async def test_deadline_holds_while_a_stream_is_read() -> None:
    with slow_server("drips body") as port:
        client = BoundedClient(seconds=0.3, answer_bytes=1_000_000)
        async with asyncio.timeout(30), client, client.stream("GET", f"http://127.0.0.1:{port}/") as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.ReadTimeout, match=r"within 0\.3 s"):
                await answer.aread()


async def test_client_is_usable_after_an_answer_too_long() -> None:
    sizes = iter([11, 10])
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=streamed(b"x" * next(sizes))))
    async with BoundedClient(seconds=30, answer_bytes=10, transport=transport) as client:
        with pytest.raises(httpx.DecodingError, match="longer than 10 bytes"):
            await client.get("http://x/")
        assert (await client.get("http://x/")).content == b"x" * 10


async def test_compressed_answer_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        content = streamed(gzip.compress(b"x" * 1_000_000))
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=content)

    async with BoundedClient(seconds=30, answer_bytes=10_000, transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(httpx.DecodingError, match="compressed"):
            await client.get("http://x/")


def test_blocking_exchange_is_abandoned_at_its_deadline() -> None:
    with slow_server("drips headers") as port, pytest.raises(TimeoutError):
        within(0.3, lambda: httpx.get(f"http://127.0.0.1:{port}/", timeout=10))


def test_blocking_exchange_returns_and_raises_as_alone() -> None:
    assert within(30, lambda: "answer") == "answer"
    with pytest.raises(ZeroDivisionError):
        within(30, lambda: 1 // 0)
