"""The parts of a worker that its stages share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from streams.counting.sketch import KeyedHash
from streams.flags.store import FlagStore
from streams.judging.language_coverage import count_texts
from streams.log.log_clock import LogClock
from streams.log.producer import Sender
from streams.metrics import Metrics
from streams.pipeline.flag_writes import FlagWriteState
from streams.pipeline.model_cache import ModelCache
from streams.scoring import TextScorer, score_batches
from streams.settings import Settings
from streams.windows.open_pane import Scores, TextBatch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of a worker that its stages share.

    `crash` ends the worker with an error. An unexpected error in a stage must never leave a worker alive and silent.
    """

    settings: Settings
    metrics: Metrics
    sender: Sender
    hashes: KeyedHash
    scorer: TextScorer
    executor: Executor
    store: FlagStore | None
    crash: Callable[[BaseException], Awaitable[None]]
    models: ModelCache
    log_clock: LogClock = field(default_factory=LogClock)
    writes: FlagWriteState = field(init=False)
    _reporting: threading.Lock = field(init=False, default_factory=threading.Lock)
    """Guards the drift of each model and its gauge: two threads may report their scores at the same time."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "writes", FlagWriteState(self.metrics, shards=self.settings.shards))

    async def run(self, work: Callable[[], T]) -> T:
        """Run a shard's work in a thread. The task of the shard waits, so no other task changes its state meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)

    async def score(self, batches: Sequence[TextBatch]) -> Scores:
        """Score texts without blocking the event loop; load their models before, if needed.

        Args:
            batches: texts to score, each with the revision of its model.
        """
        scorers = [await self.models.scorer(batch.model) for batch in batches]
        self.metrics.model_missing.set(None in scorers)
        if not any(batch.lines for batch in batches):
            return score_batches(batches, self.models.loaded, 1 + len(self.scorer.categories))
        return await self.run(partial(self.score_here, batches))

    def score_here(self, batches: Sequence[TextBatch]) -> Scores:
        """Score texts in the calling thread, with the models that are loaded."""
        with self.metrics.score_seconds.time():
            scores = score_batches(batches, self.models.loaded, 1 + len(self.scorer.categories))
        if not scores.silent:
            with self._reporting:
                self._report(batches, scores)
        return scores

    def _report(self, batches: Sequence[TextBatch], scores: Scores) -> None:
        """Count the texts of some batches by language, and note the drift of their scores."""
        scorer = self.models.loaded(batches[-1].model)
        for count in count_texts(scores.groups, scores.is_read, None if scorer is None else scorer.scale):
            self.metrics.count_texts(count.language, read=count.read, unread=count.texts - count.read)
        has_one_model = len({batch.model for batch in batches}) == 1
        drift = self.models.drift(scorer) if scorer is not None and has_one_model else None
        if drift is not None:
            self.metrics.score_drift.set(drift.add(scores.probabilities[scores.is_read, 0]))

    def spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        """Run a coroutine as a task; an error in it ends the worker."""

        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                await self.crash(error)

        return asyncio.get_running_loop().create_task(guarded(), name=name)
