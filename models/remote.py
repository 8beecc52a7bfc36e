"""A scorer behind HTTP: the example of how a team plugs in its own model (docs/plug-in-scorer.md).

After a few failures in a row the circuit is open: for a while nothing is asked and every call fails at once, so that a
service that is down is not kept down, and nobody waits for it. Then one call is let through to try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import httpx
import numpy as np
import numpy.typing as npt


class ScorerUnavailable(RuntimeError):
    """The service gave no usable answer. Wait `retry_after_seconds`, then ask again: nothing was scored."""

    def __init__(self, reason: str, retry_after_seconds: float) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class RemoteScorer:
    """See `models.protocol.Scorer`, but that `score` may raise ScorerUnavailable.

    Args:
        url: takes POST {"texts": [...]}, answers {"revision": ..., "scores": [[...], ...]}.
        revision: the one that is expected; an answer of another is refused.
        categories: of columns 1 and on.
        timeout_seconds: of one request.
        batch: texts a request.
        failures: in a row, that open the circuit.
        open_seconds: how long it stays open.
        transport, clock: for tests.
    """

    def __init__(
        self,
        url: str,
        revision: str,
        categories: tuple[str, ...],
        *,
        timeout_seconds: float = 1.0,
        batch: int = 256,
        failures: int = 3,
        open_seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.revision, self.categories = revision, categories
        self._url, self._batch, self._failures, self._open_seconds = url, batch, failures, open_seconds
        self._client = httpx.Client(timeout=timeout_seconds, transport=transport)
        self._clock = clock
        self._failed, self._closed_from = 0, 0.0

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n_texts, 1 + n_categories). Raises ScorerUnavailable; lone surrogates are sent as U+FFFD."""
        out = np.empty((len(texts), 1 + len(self.categories)), np.float32)
        for start in range(0, len(texts), self._batch):
            part = [text.encode("utf-8", "replace").decode() for text in texts[start : start + self._batch]]
            out[start : start + len(part)] = self._asked(part)
        return out

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def _asked(self, texts: list[str]) -> npt.NDArray[np.float32]:
        wait = self._closed_from - self._clock()
        if wait > 0:
            raise ScorerUnavailable(f"{self._url} failed {self._failed} times in a row: not asked", wait)
        try:
            answer = self._client.post(self._url, json={"texts": texts})
            answer.raise_for_status()
            found = self._checked(answer.json(), len(texts))
        except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
            self._failed += 1
            if self._failed >= self._failures:
                self._closed_from = self._clock() + self._open_seconds
            retry = self._open_seconds if self._failed >= self._failures else 0.0
            raise ScorerUnavailable(f"{self._url}: {type(error).__name__}: {error}"[:300], retry) from error
        self._failed = 0
        return found

    def _checked(self, answer: dict[str, object], n_texts: int) -> npt.NDArray[np.float32]:
        if answer["revision"] != self.revision:
            raise ValueError(f"revision {answer['revision']!r}, expected {self.revision!r}")
        scores = np.asarray(answer["scores"], np.float32)
        if scores.shape != (n_texts, 1 + len(self.categories)):
            raise ValueError(f"scores of shape {scores.shape}, expected {(n_texts, 1 + len(self.categories))}")
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("scores outside [0, 1]")
        return scores
