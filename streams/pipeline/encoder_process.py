"""The process that stage 2 runs in, as the worker sees it: started, asked, and ended when it does not answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from streams.pipeline.encoder_main import LENGTH, MOST_BYTES, PARENT, Hello, decode_answer, decode_hello, encode
from streams.windows.corrections import Differences

T = TypeVar("T")


class EncoderFailed(Exception):
    """It died, was too slow, or answered what is no answer: another start may help."""


class EncoderRefused(Exception):
    """It cannot do what is wanted here: another start would not help."""


class EncoderProcess:
    """One life of it.

    Args:
        command: what is started; see `streams.pipeline.encoder_main`.
        start_seconds, answer_seconds: how long its first word and each answer may take.
    """

    def __init__(self, command: Sequence[str], *, start_seconds: float = 120.0, answer_seconds: float = 30.0) -> None:
        self._command = command
        self._start_seconds, self._answer_seconds = start_seconds, answer_seconds
        self._process: asyncio.subprocess.Process | None = None
        self.hello = Hello()

    @property
    def pid(self) -> int:
        """Of the process; 0 before its start and after its end."""
        return 0 if self._process is None else self._process.pid

    async def start(self) -> Hello:
        """Its first word.

        Raises:
            EncoderFailed, EncoderRefused.
        """
        pipe = asyncio.subprocess.PIPE
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, env=os.environ | {PARENT: str(os.getpid())}
            )
        except OSError as error:
            raise EncoderFailed(f"it cannot be started: {error}") from error
        hello = self._decoded(decode_hello, await self._within(self._start_seconds, self._read()))
        if hello.trouble:
            raise EncoderRefused(hello.trouble)
        self.hello = hello
        return hello

    async def ask(self, texts: Sequence[bytes]) -> Differences:
        """What stage 2 says of texts beyond stage 1: (n_texts, columns).

        Raises:
            EncoderFailed.
        """
        found = self._decoded(decode_answer, await self._within(self._answer_seconds, self._asked(texts)))
        if len(found) != 4 * len(texts) * self.hello.columns:
            raise EncoderFailed(f"{len(found)} bytes are no answer to {len(texts)} texts")
        differences = np.frombuffer(found, "<f4").reshape(len(texts), -1)
        if not (np.abs(differences) <= 1).all():
            raise EncoderFailed("what it answers are no differences of probabilities")
        return differences

    @staticmethod
    def _decoded(decode: Callable[[bytes], T], frame: bytes) -> T:
        try:
            return decode(frame)
        except msgspec.MsgspecError as error:
            raise EncoderFailed(f"what it says cannot be read: {error}") from error

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
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
            raise EncoderFailed(f"a frame of {length} bytes is none of its own")
        return await self._process.stdout.readexactly(length)

    async def _within(self, seconds: float, reading: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await reading
        except TimeoutError:
            raise EncoderFailed(f"no answer in {seconds:g} s") from None
        except (OSError, EOFError) as error:  # an incomplete read is an EOFError
            code = None if self._process is None else self._process.returncode
            raise EncoderFailed(f"it has ended{'' if code is None else f' with {code}'}") from error
