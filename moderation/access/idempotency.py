"""Answers by idempotency key, kept for a day, so that a write that is sent twice is done once. Pure.

It serves clients that did not receive their answer and ask again. The answers are lost when the process ends. The
version that every write must name covers that case: a repeated write names an old version and is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from streams.answers import AnswerModel

DAY_MS = 86_400_000
MOST_BYTES = 32 * 1024 * 1024
"""Bytes of all kept answers: one of a bulk write may have some hundred KB."""


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """Status and body of the answer to a write."""

    status: int
    body: AnswerModel | dict[str, Any]


@dataclass(slots=True)
class _KnownWrite:
    request: str
    at_ms: int
    answer: WriteAnswer | None = None
    size: int = 0
    """Bytes of the answer."""


class KeyReused(Exception):
    """Reuse of a key for a different request."""


class InProgress(Exception):
    """Repetition of a request that is not answered yet."""


class IdempotencyStore:
    """Answers by (caller, idempotency key); beyond their number or bytes the oldest are dropped."""

    def __init__(self, *, keep_ms: int = DAY_MS, most: int = 20_000, most_bytes: int = MOST_BYTES) -> None:
        self._keep_ms = keep_ms
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: OrderedDict[tuple[str, str], _KnownWrite] = OrderedDict()

    def begin(self, caller: str, key: str, request: str, now_ms: int) -> WriteAnswer | None:
        """Return the earlier answer; None asks the caller to do the write and call `end`.

        Args:
            caller: name of the API key.
            key: idempotency key, unique for each caller.
            request: a fingerprint of the whole request.
            now_ms: time of a clock that never goes back, at which older answers expire.

        Raises:
            KeyReused, InProgress: the key cannot be used now.
        """
        self._prune(now_ms)
        write = self._known.get((caller, key))
        if write is None:
            self._known[caller, key] = _KnownWrite(request, now_ms)
            return None
        if write.request != request:
            raise KeyReused
        if write.answer is None:
            raise InProgress
        return write.answer

    def end(self, caller: str, key: str, answer: WriteAnswer | None) -> None:
        """Keep the answer; None means that the write was not done and may be tried again."""
        if answer is None:
            self._drop((caller, key))
        elif (write := self._known.get((caller, key))) is not None:
            write.answer, write.size = answer, len(str(answer.body))
            self._bytes += write.size
            while self._bytes > self._most_bytes and len(self._known) > 1:
                self._drop(next(iter(self._known)))

    def _drop(self, key: tuple[str, str]) -> None:
        write = self._known.pop(key, None)
        self._bytes -= 0 if write is None else write.size

    def _prune(self, now_ms: int) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if len(self._known) < self._most and self._known[oldest].at_ms + self._keep_ms > now_ms:
                return
            self._drop(oldest)
