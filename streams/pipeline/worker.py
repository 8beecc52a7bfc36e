"""The worker: Faust with our transport, the stages, and everything that they share. All that knows the app is here."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import faust
import structlog
import uvloop
from faust.types.tuples import TP

from streams.clock import now_ms
from streams.counting.sketch import KeyedHash
from streams.errors import DependencyAway, HushtagError, SettingsError
from streams.flags.decision_fold import DecisionFold
from streams.flags.redis_store import RedisFlagStore
from streams.health import HealthServer
from streams.judging.warm_up import warm_up
from streams.log.producer import Sender
from streams.log.reading import connection
from streams.log.topics import check_topics, needs_of
from streams.metrics import Metrics
from streams.pipeline import stage_2, transport
from streams.pipeline.account_facts import FactsFollower
from streams.pipeline.backlog import End, told_by, work_of
from streams.pipeline.context import Context
from streams.pipeline.encoder_process import EncoderProcess
from streams.pipeline.gaps import watch_lengths
from streams.pipeline.ingest import IngestStage
from streams.pipeline.judge import JudgePartition, JudgeStage
from streams.pipeline.model_cache import ModelShelf
from streams.pipeline.names import STAGES
from streams.pipeline.policy_proposer import PolicyProposer
from streams.pipeline.publish import DecisionsStage, ModerationStage
from streams.pipeline.readiness import CaughtUp
from streams.pipeline.source import describe_source
from streams.pipeline.stages import Assignments, Stage
from streams.pipeline.watchdog import Watchdog
from streams.pipeline.webhook import Webhook
from streams.policy import Policy
from streams.scoring import load_text_scorer, no_scorer
from streams.settings import Settings, time_rules

_STOP_SECONDS = 5.0
_GC_THRESHOLDS = (50_000, 20, 100)
"""Nearly all that is allocated here is freed by its count; the default would walk the open panes all the time."""


class App(faust.App):
    """Faust's app, with the assignments that the transport asks for."""

    stages: Assignments
    on_crash: Callable[[BaseException], None] | None = None
    """Faust marks a crashed app and leaves it to its own worker to look; called from any thread."""

    def _crash(self, reason: BaseException) -> None:
        super()._crash(reason)
        if self.on_crash is not None:
            self.on_crash(reason)


class Worker:
    """One worker process.

    Args:
        stages: which of `STAGES` to run; a set of its own has a group of its own.
        policy: this worker's file, read already; its longest expiry says how long versions are kept.
    """

    def __init__(self, settings: Settings, stages: Sequence[str], policy: Policy) -> None:
        self._settings = settings
        self._stages = tuple(name for name in STAGES if name in stages)
        self._policy = policy
        self._log = structlog.get_logger("hushtag.worker")
        self._metrics = Metrics()
        self._error: BaseException | None = None
        self._app: App | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._started = False
        self._caught_up = CaughtUp()

    def run(self, leave: Callable[[int], NoReturn]) -> NoReturn:
        """Run until told to stop, then leave with the exit code, without waiting for anything more."""
        self._check_topics(self._policy)

        async def main() -> NoReturn:
            leave(await self._main())

        uvloop.run(main())

    def _check_topics(self, policy: Policy) -> None:
        needs = needs_of(self._settings, policy)
        check_topics(self._settings, needs=needs, report=lambda line: self._log.warning(line))

    async def _main(self) -> int:
        transport.register()
        for chatty in ("mode", "faust", __name__, transport.__name__):  # services that tell of every start and stop
            logging.getLogger(chatty).setLevel(logging.ERROR)
        context = await self._make_context()
        assignments = Assignments([], self._consumer_options)
        app = self._app = self._make_app(assignments)
        judge: JudgeStage | None = None
        ingest: IngestStage | None = None
        facts = FactsFollower(context, self._log, marks="ingest" in self._stages)
        if "ingest" in self._stages:
            source = await asyncio.to_thread(describe_source, self._settings)

            def count_sources() -> int:
                return max(source.partitions, app.consumer.topic_partitions(ingest_topic) or 0)

            ingest_topic = self._settings.topic("tweets")
            times = time_rules(self._settings, create_time=source.create_time)
            ingest = IngestStage(context, source.topic_id, times, count_sources)
            assignments.add(ingest)
        if "judge" in self._stages:
            partials_topic = self._settings.topic("hashtag-partials")

            def end_offset(shard: int) -> int | None:
                end: int | None = app.consumer.highwater(TP(partials_topic, shard))
                return end

            second = self._make_stage_2(context)
            judge = JudgeStage(context, self._log, facts, end_offset, second)
            assignments.add(judge)
        if ingest is not None:
            ingest.judged_ms = judge.watermark_ms if judge is not None else ingest.judged_ms
            assignments.ahead = ingest.ahead
        if "publish" in self._stages:
            assignments.add(DecisionsStage(context, self._new_fold))
            assignments.add(ModerationStage(context))
        for stage in assignments.stages:
            self._declare(app, assignments, stage)
        ends = [
            told_by(lambda: app.consumer, besides=self._settings.topic("tweets")),
            lambda tp: context.sender.known_end(tp.topic, tp.partition),
        ]
        if ingest is not None:
            ends.append(ingest.known_end)
        health = HealthServer(
            self._metrics, host=self._settings.metrics_host, port=self._settings.metrics_port,
            ready=lambda: self._why_not_ready(assignments, judge, ends),
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        watchdog = Watchdog(
            self._settings.stuck_after_seconds, lambda: work_of(assignments.not_held(), ends), loop.call_soon_threadsafe
        )
        app.on_crash = lambda reason: loop.call_soon_threadsafe(self._end, reason)  # type: ignore[assignment]
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            await context.sender.start()
            await health.start()
            watchdog.start()
            self._log.info("worker starts", stages=self._stages, metrics=health.url, model=context.scorer.revision)
            if ingest is not None:
                stage = ingest
                proposer = PolicyProposer(
                    context, lambda: stage.newest_ms, self._name(), self._log,
                    began=self._policy, check=self._check_topics,
                )  # fmt: skip
                await proposer.begin()
                self._tasks.append(context.spawn(proposer.run(), "policy"))
            if ingest is not None or judge is not None:
                await facts.begin()
                self._tasks.append(context.spawn(facts.run(), "facts"))
            if judge is not None and judge.stage_2 is not None:
                self._tasks.append(context.spawn(judge.stage_2.run(), "stage-2"))
            if context.webhook is not None:
                self._tasks.append(context.spawn(context.webhook.run(), "webhook"))
            self._tasks.append(context.spawn(watch_lengths(self._settings, assignments.reached, ends[0]), "lengths"))
            self._tasks += [context.spawn(stage.run(), stage.topic) for stage in assignments.stages]
            await self._run_until_stopped(app)
        except Exception as error:  # while it starts; later ones come by `_end`
            self._error = self._error or error
        finally:
            await self._stop(context, health, assignments)
            watchdog.stop()
        if self._error is None:
            self._log.info("worker stopped")
            return 0
        reason = str(self._error) or type(self._error).__name__
        self._log.error("worker ends", error=reason, kind=type(self._error).__name__, exc_info=self._traceback())
        return self._error.exit_code if isinstance(self._error, HushtagError) else 1

    async def _run_until_stopped(self, app: App) -> None:
        """A signal or an error is heard while Faust still waits for its first assignment."""
        starting = asyncio.ensure_future(app.start())
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

    def _traceback(self) -> BaseException | None:
        return None if isinstance(self._error, HushtagError) else self._error

    async def _make_context(self) -> Context:
        settings = self._settings
        store = None
        if "publish" in self._stages:
            store = RedisFlagStore(settings.redis_url, partitions=settings.shards)
            await self._wait_for_redis(store)
        scorer = no_scorer()
        if self._stages != ("publish",):  # ingest names the model and keeps it for others
            scorer = await asyncio.to_thread(load_text_scorer, settings.model)
        if "judge" in self._stages:
            await asyncio.to_thread(scorer, b"warm up\n")
            await asyncio.to_thread(warm_up)
        self._metrics.set_revisions(policy="", model=scorer.revision)
        return Context(
            settings=settings,
            metrics=self._metrics,
            sender=Sender(settings),
            hashes=KeyedHash(settings.hash_key.get_secret_value().encode()),
            scorer=scorer,
            shelf=ModelShelf(settings, scorer, self._metrics),
            executor=ThreadPoolExecutor(2, thread_name_prefix="score"),
            store=store,
            crash=self._crash,
            webhook=self._make_webhook(),
        )

    def _make_stage_2(self, context: Context) -> stage_2.StageTwo | None:
        if not stage_2.is_wanted(self._settings):
            self._log.info("stage 1 alone", encoder=self._settings.encoder)
            return None
        command = stage_2.command(self._settings)
        return stage_2.StageTwo(context, self._log, lambda: EncoderProcess(command))

    def _make_webhook(self) -> Webhook | None:
        settings = self._settings
        if not settings.webhook_url:
            return None
        if not settings.webhook_key.get_secret_value():
            raise SettingsError("HUSHTAG_WEBHOOK_URL without HUSHTAG_WEBHOOK_KEY", fix="set a secret to sign with")
        return Webhook(
            settings.webhook_url,
            settings.webhook_key.get_secret_value().encode(),
            now_seconds=lambda: now_ms() // 1000,
            dropped=self._metrics.webhook_dropped.inc,
        )

    async def _wait_for_redis(self, store: RedisFlagStore) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.start_deadline_seconds
        told = False
        while True:
            try:
                await store.check_server()
                return
            except DependencyAway as error:
                if loop.time() >= deadline:
                    raise DependencyAway(
                        f"Redis took no writes within {self._settings.start_deadline_seconds:g} s: {error}",
                        fix=error.fix,
                    ) from None
                if not told:
                    self._log.warning(
                        f"waiting up to {self._settings.start_deadline_seconds:g} s for Redis", why=str(error)
                    )
                    told = True
                await asyncio.sleep(0.3)

    def _new_fold(self) -> DecisionFold:
        return DecisionFold(
            longest_expiry_ms=self._policy.max_automated_ms, max_broker_skew_ms=self._settings.max_broker_skew_ms
        )

    def _group(self) -> str:
        every = self._stages == STAGES
        return self._settings.topic_prefix + self._settings.group + ("" if every else "-" + "-".join(self._stages))

    def _name(self) -> str:
        return self._settings.instance_id or f"{socket.gethostname()}-{os.getpid()}"

    def _consumer_options(self) -> Mapping[str, Any]:
        settings = self._settings
        session_ms = int(settings.session_timeout_seconds * 1000)
        rebalance_ms = max(session_ms, 10_000)
        return {
            **connection(settings),
            "client_id": f"hushtag-{self._name()}",
            "group_id": self._group(),
            "group_instance_id": settings.instance_id or None,
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": min(1_000, session_ms // 3),
            "rebalance_timeout_ms": rebalance_ms,
            "max_poll_interval_ms": 2**31 - 1,  # who has nothing to fetch would leave the group; a watchdog is there
            "max_poll_records": 5_000,
            "max_partition_fetch_bytes": 4 * 1024 * 1024,
            "fetch_max_wait_ms": 200,
            "metadata_max_age_ms": 1_000,
            "request_timeout_ms": rebalance_ms + 5_000,  # a join waits so long; a line that is dead, no longer
        }

    def _make_app(self, assignments: Assignments) -> App:
        session = self._settings.session_timeout_seconds
        app = App(
            self._group(),
            broker=f"hushtag://{self._settings.kafka}",
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
            datadir=str(Path(tempfile.gettempdir()) / "hushtag-faust"),  # Faust makes it, nothing of ours is in it
            stream_wait_empty=False,
            broker_session_timeout=session,
            broker_request_timeout=max(40.0, session + 5.0),
            broker_heartbeat_interval=min(1.0, session / 3),
            broker_commit_interval=0.5,
            stream_buffer_maxsize=8,
            producer_linger=0,
            TableManager=transport.NoTables,
        )
        app.stages = assignments
        return app

    def _declare(self, app: App, assignments: Assignments, stage: Stage) -> None:
        """An agent for a stage: read, call, and end the worker if it fails."""
        topic = app.topic(stage.topic, schema=transport.BatchSchema(), acks=False)

        async def read(stream: Any) -> None:
            async for event in stream.events():
                partition = assignments.get(event.message.tp)
                if partition is None:
                    continue
                try:
                    await partition.take(event.message.value)
                except Exception as error:
                    partition.drop()
                    await self._crash(error)
                    return

        app.agent(topic, name=f"hushtag-{stage.topic}")(read)

    def _why_not_ready(self, assignments: Assignments, judge: JudgeStage | None, ends: list[End]) -> str:
        """ "" when ready, else what is being waited for."""
        if not self._started:
            return "starting"
        owned = assignments.of_all()
        if not owned:
            return "no partitions assigned"
        if judge is not None:
            behind = judge.unready(
                {number: one for number, one in assignments.of(judge).items() if isinstance(one, JudgePartition)}
            )
            if behind:
                return f"shards {behind} are catching up"
        return self._caught_up.behind(owned, work_of(owned, ends))

    async def _crash(self, error: BaseException) -> None:
        """Crash-only: the supervisor starts the worker again, and it replays."""
        self._end(error)

    def _end(self, error: BaseException) -> None:
        if self._error is None and not self._stopping.is_set():
            self._error = error
        self._stopping.set()

    async def _stop(self, context: Context, health: HealthServer, assignments: Assignments) -> None:
        self._started = False
        assignments.revoked()
        for task in self._tasks:
            task.cancel()
        stopping = asyncio.ensure_future(self._stop_parts(context, health))
        await asyncio.wait({stopping}, timeout=_STOP_SECONDS)  # Faust may take a cancellation for somebody else's
        why = stopping.exception() if stopping.done() else f"not within {_STOP_SECONDS:g} s"
        if why is not None:
            self._log.warning("stopping was not clean", why=repr(why))
        context.executor.shutdown(wait=False, cancel_futures=True)

    async def _stop_parts(self, context: Context, health: HealthServer) -> None:
        if self._app is not None:
            await self._app.stop()
        await context.sender.stop()
        if context.store is not None:
            await context.store.close()
        await health.stop()
