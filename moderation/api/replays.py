"""A write that is sent twice is done once: the answers to idempotency keys, for a day. Pure; time is an argument.

This is for the client that did not get its answer and asks again. It is lost when the process ends; then the version
that every write must name stands in: the same write sent again edits a version that has passed, and is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write was answered."""

    status: int
    body: dict[str, Any]


@dataclass(slots=True)
class _Seen:
    request: str
    at_ms: int
    answer: Answer | None = None


class KeyReused(Exception):
    """The key came with another request before."""


class UnderWay(Exception):
    """The same request is being worked on."""


class Replays:
    """Answers by (caller, idempotency key)."""

    def __init__(self, *, keep_ms: int = DAY_MS, most: int = 20_000) -> None:
        self._keep_ms = keep_ms
        self._most = most
        self._seen: OrderedDict[tuple[str, str], _Seen] = OrderedDict()

    def begin(self, caller: str, key: str, request: str, now_ms: int) -> Answer | None:
        """The answer given before; None: do it, then `end`.

        Args:
            request: a fingerprint of all that the request says.

        Raises:
            KeyReused, UnderWay.
        """
        self._forget(now_ms)
        seen = self._seen.get((caller, key))
        if seen is None:
            self._seen[caller, key] = _Seen(request, now_ms)
            return None
        if seen.request != request:
            raise KeyReused
        if seen.answer is None:
            raise UnderWay
        return seen.answer

    def end(self, caller: str, key: str, answer: Answer | None) -> None:
        """Keep the answer; None: it was not done, so that it may be tried again."""
        if answer is None:
            self._seen.pop((caller, key), None)
        elif (seen := self._seen.get((caller, key))) is not None:
            seen.answer = answer

    def _forget(self, now_ms: int) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) < self._most and self._seen[oldest].at_ms + self._keep_ms > now_ms:
                return
            del self._seen[oldest]
