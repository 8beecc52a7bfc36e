"""What every stage of a worker shares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from streams.counting.sketch import KeyedHash
from streams.flags.store import FlagStore
from streams.log.producer import Sender
from streams.metrics import Metrics
from streams.pipeline.model_cache import ModelShelf
from streams.pipeline.webhook import Webhook
from streams.scoring import TextScorer, score_batches
from streams.settings import Settings
from streams.windows.scores import Scores


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
    shelf: ModelShelf
    webhook: Webhook | None = None

    async def score(self, batches: Sequence[tuple[str, bytes]]) -> Scores:
        """Score texts, each a line, by the revision of the model that they come with, without blocking the loop."""
        scorers = {revision: await self.shelf.scorer(revision) for revision, _ in batches}
        columns = 1 + len(self.scorer.categories)
        self.metrics.model_missing.set(None in scorers.values())
        if not any(lines for _, lines in batches):
            return score_batches(batches, scorers.get, columns)
        loop = asyncio.get_running_loop()
        with self.metrics.score_seconds.time():
            scores = await loop.run_in_executor(self.executor, score_batches, batches, scorers.get, columns)
        if not scores.silent:
            self.metrics.scored_texts.inc(len(scores.copies))
            scorer = scorers[batches[-1][0]]
            drift = None if scorer is None or len(batches) > 1 else self.shelf.drift(scorer)
            if drift is not None:
                self.metrics.score_drift.set(drift.add(scores.probabilities[:, 0]))
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
