"""Run a worker: start its parts in order, wait for a signal or an error, stop, and return the exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import structlog
import uvloop

from streams.errors import HushtagError
from streams.health import HealthServer
from streams.log.kafka_security import connection_of, refusal
from streams.log.topics import check_topics, needs_of
from streams.metrics import Metrics
from streams.pipeline import STAGES, transport, wiring
from streams.pipeline.app import watch_group, worker_name
from streams.pipeline.backlog import Readiness, work_of
from streams.pipeline.context import Context
from streams.pipeline.gaps import watch_lengths
from streams.pipeline.policy_file import policy_to_begin_with
from streams.pipeline.policy_proposer import PolicyProposer
from streams.pipeline.watchdog import Watchdog
from streams.pipeline.wiring import Pipeline
from streams.policy import Policy
from streams.settings import Settings

_STOP_SECONDS = 5.0
_GC_THRESHOLDS = (50_000, 20, 100)
"""Reference counts free nearly all objects here; with the default the collector would walk the open panes often."""
_CHATTY_LOGGERS = ("mode", "faust", "streams.pipeline.app", transport.__name__)
"""Faust's services log every start and stop under these names."""


class Worker:
    """One worker process.

    Args:
        stages: the stages of `STAGES` to run.
        policy: the content of this worker's policy file.
    """

    def __init__(self, settings: Settings, stages: Sequence[str], policy: Policy) -> None:
        self._settings = settings
        self._stages = tuple(name for name in STAGES if name in stages)
        self._policy = policy
        self._log = structlog.get_logger("hushtag.worker")
        self._metrics = Metrics()
        self._error: BaseException | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._started = False
        self._readiness = Readiness()

    def run(self, leave: Callable[[int], NoReturn]) -> NoReturn:
        """Run until a signal or an error, then call `leave` with the exit code, without further waiting."""
        self._check_topics(self._policy)

        async def main() -> NoReturn:
            self._policy = await policy_to_begin_with(self._settings, self._policy, self._log)
            leave(await self._main())

        uvloop.run(main())

    def _check_topics(self, policy: Policy) -> None:
        needs = needs_of(self._settings, policy)
        check_topics(self._settings, needs=needs, report=lambda line: self._log.warning(line))

    async def _main(self) -> int:
        transport.register()
        for name in _CHATTY_LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        context = await wiring.make_context(self._settings, self._stages, self._metrics, self._crash, self._log)
        pipeline = await wiring.build(context, self._stages, self._policy, self._log)
        loop = asyncio.get_running_loop()
        health = HealthServer(
            self._metrics.registry, host=self._settings.metrics_host, port=self._settings.metrics_port,
            ready=lambda: self._why_not_ready(pipeline), notes=lambda: _stopped_shards(pipeline),
        )  # fmt: skip
        watchdog = Watchdog(
            self._settings.stuck_after_seconds,
            lambda: work_of(pipeline.assignments.unpaused(), pipeline.ends),
            loop.call_soon_threadsafe,
        )
        pipeline.app.on_crash = lambda reason: loop.call_soon_threadsafe(self._end, reason)  # type: ignore[assignment]
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            await self._start(pipeline, health, watchdog)
            await self._run_until_stopped(pipeline)
        except Exception as error:  # an error during the start; later ones arrive through `_end`
            self._error = self._error or error
        finally:
            await self._stop(pipeline, health)
            watchdog.stop()
        return self._exit_code()

    async def _start(self, pipeline: Pipeline, health: HealthServer, watchdog: Watchdog) -> None:
        """Start the parts in the order in which they need each other."""
        context, ingest, judge = pipeline.context, pipeline.ingest, pipeline.judge
        # 1. The producer, and the health server with the watchdog: they cover the rest of the start.
        await context.sender.start()
        await health.start()
        watchdog.start()
        self._log.info("worker starts", stages=self._stages, metrics=health.url, model=context.scorer.revision)
        # 2. A live policy, before anything is counted.
        if ingest is not None:
            proposer = PolicyProposer(
                context, lambda: ingest.newest_ms, worker_name(self._settings), self._log,
                began=self._policy, check=self._check_topics,
            )  # fmt: skip
            await proposer.begin()
            self._spawn(context, proposer.run(), "policy")
        # 3. The account facts, before anything is judged.
        if ingest is not None or judge is not None:
            await pipeline.facts.begin()
            self._spawn(context, pipeline.facts.run(), "facts")
        # 4. The parts that no start waits for.
        if judge is not None and judge.stage_2 is not None:
            self._spawn(context, judge.stage_2.run(), "stage-2")
        self._spawn(context, watch_group(pipeline.app), "group")
        lengths = watch_lengths(self._settings, pipeline.assignments.required_ends, pipeline.ends[0])
        self._spawn(context, lengths, "lengths")
        for stage in pipeline.assignments.stages:
            self._spawn(context, stage.run(), stage.topic)

    def _spawn(self, context: Context, work: Awaitable[None], name: str) -> None:
        self._tasks.append(context.spawn(work, name))

    async def _run_until_stopped(self, pipeline: Pipeline) -> None:
        """Start Faust, which begins to consume, and wait. A signal or an error also ends the wait for Faust's start."""
        starting = asyncio.ensure_future(pipeline.app.start())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return
        starting.result()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        self._started = True
        await stopping

    def _exit_code(self) -> int:
        error = self._error
        if error is None:
            self._log.info("worker stopped")
            return 0
        error = refusal(error, connection_of(self._settings)) or error
        is_bug = not isinstance(error, HushtagError)
        reason = str(error) or type(error).__name__
        self._log.error("worker ends", error=reason, kind=type(error).__name__, exc_info=error if is_bug else None)
        return error.exit_code if isinstance(error, HushtagError) else 1

    def _why_not_ready(self, pipeline: Pipeline) -> str:
        """Return "" when ready, else the reason."""
        if not self._started:
            return "starting"
        owned = pipeline.assignments.owned()
        if not owned:
            return "no partitions assigned"
        judge = pipeline.judge
        if judge is not None:
            behind = judge.unready(pipeline.assignments.owned_by(judge))
            if behind:
                return f"shards {behind} are catching up"
            # A shard that has stopped waits for a person; a worker that is not ready would stop every rollout.
            stopped = judge.stopped()
            owned = {
                tp: partition
                for tp, partition in owned.items()
                if tp.topic != judge.topic or tp.partition not in stopped
            }
        writes, clock = pipeline.context.writes, pipeline.context.log_clock
        return writes.why_not() or self._readiness.missing(owned, work_of(owned, pipeline.ends)) or clock.why_wrong()

    async def _crash(self, error: BaseException) -> None:
        """End the worker: the supervisor starts it again, and it replays."""
        self._end(error)

    def _end(self, error: BaseException) -> None:
        if self._error is None and not self._stopping.is_set():
            self._error = error
        self._stopping.set()

    async def _stop(self, pipeline: Pipeline, health: HealthServer) -> None:
        self._started = False
        pipeline.assignments.revoked()
        for task in self._tasks:
            task.cancel()
        stopping = asyncio.ensure_future(_stop_parts(pipeline, health))
        await asyncio.wait({stopping}, timeout=_STOP_SECONDS)  # Faust may mistake our cancellation for its own
        why = stopping.exception() if stopping.done() else f"not within {_STOP_SECONDS:g} s"
        if why is not None:
            self._log.warning("stopping was not clean", why=repr(why))
        pipeline.context.executor.shutdown(wait=False, cancel_futures=True)


def _stopped_shards(pipeline: Pipeline) -> list[str]:
    """Describe the shards that have stopped."""
    stopped = pipeline.judge.stopped() if pipeline.judge is not None else {}
    return [f"shard {shard} has stopped: {record}; {record.fix}" for shard, record in sorted(stopped.items())]


async def _stop_parts(pipeline: Pipeline, health: HealthServer) -> None:
    await pipeline.app.stop()
    await pipeline.context.sender.stop()
    if pipeline.context.store is not None:
        await pipeline.context.store.close()
    await health.stop()
