"""Answers by idempotency key, kept for a day, so that a write that is sent twice is done once. Pure.

It serves clients that did not receive their answer and ask again. The answers are lost when the process ends. The
version that every write must name covers that case: a repeated write names an old version and is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """Status and body of the answer to a write."""

    status: int
    body: dict[str, Any]


@dataclass(slots=True)
class _KnownWrite:
    request: str
    at_ms: int
    answer: WriteAnswer | None = None


class KeyReused(Exception):
    """Reuse of a key for a different request."""


class InProgress(Exception):
    """Repetition of a request that is not answered yet."""


class IdempotencyStore:
    """Answers by (caller, idempotency key)."""

    def __init__(self, *, keep_ms: int = DAY_MS, most: int = 20_000) -> None:
        self._keep_ms = keep_ms
        self._most = most
        self._known: OrderedDict[tuple[str, str], _KnownWrite] = OrderedDict()

    def begin(self, caller: str, key: str, request: str, now_ms: int) -> WriteAnswer | None:
        """Return the earlier answer; None asks the caller to do the write and call `end`.

        Args:
            caller: name of the API key.
            key: idempotency key, unique for each caller.
            request: a fingerprint of the whole request.
            now_ms: time at which older answers expire.

        Raises:
            KeyReused, InProgress: the key cannot be used now.
        """
        self._prune(now_ms)
        known = self._known.get((caller, key))
        if known is None:
            self._known[caller, key] = _KnownWrite(request, now_ms)
            return None
        if known.request != request:
            raise KeyReused
        if known.answer is None:
            raise InProgress
        return known.answer

    def end(self, caller: str, key: str, answer: WriteAnswer | None) -> None:
        """Keep the answer; None means that the write was not done and may be tried again."""
        if answer is None:
            self._known.pop((caller, key), None)
        elif (known := self._known.get((caller, key))) is not None:
            known.answer = answer

    def _prune(self, now_ms: int) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if len(self._known) < self._most and self._known[oldest].at_ms + self._keep_ms > now_ms:
                return
            del self._known[oldest]
