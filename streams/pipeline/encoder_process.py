"""The worker's side of the stage 2 process: start it, ask it, and end it when it does not answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from streams.pipeline.encoder_main import LENGTH, MOST_BYTES, PARENT, EncoderHello, decode_answer, decode_hello, encode
from streams.windows.corrections import Differences

T = TypeVar("T")


class EncoderFailed(Exception):
    """The process died, was too slow, or gave a malformed answer. A restart may help."""


class EncoderRefused(Exception):
    """The process cannot serve this worker. A restart would not help."""


class EncoderProcess:
    """One run of the process.

    Args:
        command: the command to start; see `streams.pipeline.encoder_main`.
        start_seconds, answer_seconds: how long its first frame and each answer may take.
    """

    def __init__(self, command: Sequence[str], *, start_seconds: float = 120.0, answer_seconds: float = 30.0) -> None:
        self._command = command
        self._start_seconds, self._answer_seconds = start_seconds, answer_seconds
        self._process: asyncio.subprocess.Process | None = None
        self.hello = EncoderHello()

    @property
    def pid(self) -> int:
        """Process id; 0 before the start and after the end."""
        return 0 if self._process is None else self._process.pid

    async def start(self) -> EncoderHello:
        """Start the process and read its first frame.

        Raises:
            EncoderFailed: it could not be started, or gave no valid frame.
            EncoderRefused: it has no usable model.
        """
        pipe = asyncio.subprocess.PIPE
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, env=os.environ | {PARENT: str(os.getpid())}
            )
        except OSError as error:
            raise EncoderFailed(f"the process cannot be started: {error}") from error
        hello = self._decoded(decode_hello, await self._within(self._start_seconds, self._read()))
        if hello.trouble:
            raise EncoderRefused(hello.trouble)
        self.hello = hello
        return hello

    async def ask(self, texts: Sequence[bytes]) -> Differences:
        """Return the differences between stage 2 and stage 1 for texts: (n_texts, columns).

        Raises:
            EncoderFailed: it did not answer, or gave a malformed answer.
        """
        answer = self._decoded(decode_answer, await self._within(self._answer_seconds, self._asked(texts)))
        if len(answer) != 4 * len(texts) * self.hello.columns:
            raise EncoderFailed(f"an answer of {len(answer)} bytes does not fit {len(texts)} texts")
        differences = np.frombuffer(answer, "<f4").reshape(len(texts), -1)
        if not (np.abs(differences) <= 1).all():
            raise EncoderFailed("the answer has values outside [-1, 1]")
        return differences

    @staticmethod
    def _decoded(decode: Callable[[bytes], T], frame: bytes) -> T:
        try:
            return decode(frame)
        except msgspec.MsgspecError as error:
            raise EncoderFailed(f"a frame of the process cannot be decoded: {error}") from error

    async def end(self) -> None:
        """Kill the process and wait until it has ended."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _asked(self, texts: Sequence[bytes]) -> bytes:
        assert self._process is not None and self._process.stdin is not None
        frame = encode(list(texts))
        self._process.stdin.write(LENGTH.pack(len(frame)) + frame)
        await self._process.stdin.drain()
        return await self._read()

    async def _read(self) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
        if length > MOST_BYTES:
            raise EncoderFailed(f"a frame of {length} bytes is longer than any answer")
        return await self._process.stdout.readexactly(length)

    async def _within(self, seconds: float, reading: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await reading
        except TimeoutError:
            raise EncoderFailed(f"no answer in {seconds:g} s") from None
        except (OSError, EOFError) as error:  # an incomplete read is an EOFError
            code = None if self._process is None else self._process.returncode
            raise EncoderFailed(f"the process has ended{'' if code is None else f' with code {code}'}") from error
