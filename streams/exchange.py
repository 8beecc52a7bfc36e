"""Exchanges with other machines: one deadline around the whole of each, and a bound on the answer.

The time-outs of httpx and of sockets are for each read: a receiver that sends one byte every few seconds never meets
them. Here connecting, sending, the answer's headers and its body share one deadline. Every HTTP client of hushtag is a
`BoundedClient`; blocking code runs its exchange `within` a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

import httpx

Result = TypeVar("Result")


class BoundedClient(httpx.AsyncClient):  # noqa: TID251
    """HTTP client that gives up an exchange at its deadline, or when the answer is too long.

    Answers are asked for and accepted uncompressed, since a small one could expand without bound.

    Args:
        seconds: deadline of an exchange, from its first step to the end of the answer's body.
        answer_bytes: bytes of a body at most.
        arguments, options: those of `httpx.AsyncClient`.

    Raises (from every request, besides httpx's own errors):
        httpx.ReadTimeout: the deadline has passed.
        httpx.DecodingError: the body is too long or compressed.
    """

    def __init__(self, *arguments: Any, seconds: float, answer_bytes: int, **options: Any) -> None:
        super().__init__(*arguments, timeout=None, **options)
        self.seconds, self.answer_bytes = seconds, answer_bytes

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request; with `stream`, the deadline still holds while the body is read."""
        request.headers["Accept-Encoding"] = "identity"
        ends_at = asyncio.get_running_loop().time() + self.seconds
        try:
            async with asyncio.timeout_at(ends_at):
                answer = await super().send(request, stream=True, **options)
        except TimeoutError:
            raise _too_late(request, self.seconds) from None
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        answer.stream = _BoundedBody(answer, answer.stream, ends_at, self)
        if not stream:
            try:
                await answer.aread()
            except BaseException:
                await answer.aclose()
                raise
        return answer


class _BoundedBody(httpx.AsyncByteStream):
    """Body of an answer."""

    def __init__(
        self, answer: httpx.Response, body: httpx.AsyncByteStream, ends_at: float, client: BoundedClient
    ) -> None:
        self._answer, self._body, self._ends_at, self._client = answer, body, ends_at, client

    async def __aiter__(self) -> AsyncIterator[bytes]:
        request = self._answer.request
        if self._answer.headers.get("Content-Encoding", "identity") != "identity":
            raise httpx.DecodingError("the answer is compressed", request=request)
        read, parts = 0, aiter(self._body)
        while True:
            try:
                async with asyncio.timeout_at(self._ends_at):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise _too_late(request, self._client.seconds) from None
            read += len(part)
            if read > self._client.answer_bytes:
                raise httpx.DecodingError(
                    f"the answer is longer than {self._client.answer_bytes} bytes", request=request
                )
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


def within(seconds: float, exchange: Callable[[], Result]) -> Result:
    """Run a blocking exchange; past the deadline it is abandoned in its thread, which does not keep the process.

    Raises:
        TimeoutError: the deadline has passed.
        Exception: raised by the exchange.
    """
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(exchange())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, daemon=True, name="exchange").start()
    return outcome.result(seconds)


def _too_late(request: httpx.Request, seconds: float) -> httpx.ReadTimeout:
    return httpx.ReadTimeout(f"no whole answer within {seconds:g} s", request=request)
