"""What every stage of a worker shares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from models.drift import Recent
from streams.counting.scores import Scores
from streams.counting.sketch import KeyedHash
from streams.flags.store import FlagStore
from streams.metrics import Metrics
from streams.pipeline.sender import Sender
from streams.pipeline.webhook import Webhook
from streams.scoring import TextScorer
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The worker's parts.

    `crash` ends the worker with an error: an unexpected one in a stage must never leave it alive and silent.
    """

    settings: Settings
    metrics: Metrics
    sender: Sender
    hashes: KeyedHash
    scorer: TextScorer
    executor: Executor
    store: FlagStore | None
    crash: Callable[[BaseException], Awaitable[None]]
    webhook: Webhook | None = None
    drift: Recent | None = None
    """None: the scorer has no reference."""

    async def score(self, lines: bytes) -> Scores:
        """Score texts, each a line, without blocking the loop."""
        if not lines:
            return self.scorer(lines)
        loop = asyncio.get_running_loop()
        with self.metrics.score_seconds.time():
            scores = await loop.run_in_executor(self.executor, self.scorer, lines)
        self.metrics.scored_texts.inc(len(scores.copies))
        if self.drift is not None:
            self.metrics.score_drift.set(self.drift.add(scores.probabilities[:, 0]))
        return scores

    def spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        """Run something beside the records; if it fails, the worker ends."""

        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                await self.crash(error)

        return asyncio.get_running_loop().create_task(guarded(), name=name)
