"""Build a worker: its shared parts, its stages and their connections. Nothing is started here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from faust.types.tuples import TP

from models.compiled import KernelCounts, kernel_counts
from streams.clock import now_ms
from streams.counting.sketch import KeyedHash
from streams.errors import DependencyAway, FlagStoreRefuses
from streams.flags.decision_fold import DecisionFold
from streams.flags.redis_store import RedisFlagStore
from streams.log.admin import describe_source
from streams.log.producer import Sender
from streams.metrics import Metrics
from streams.pipeline import stage_2
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.app import App, add_agent, consumer_options, group_of, make_app
from streams.pipeline.backlog import KnownEnd, fetched_end
from streams.pipeline.context import Context
from streams.pipeline.encoder_process import EncoderProcess
from streams.pipeline.ingest_stage import IngestStage
from streams.pipeline.judge_stage import JudgeStage
from streams.pipeline.model_cache import ModelCache
from streams.pipeline.publish_stage import DecisionsStage, ModerationStage
from streams.pipeline.stages import Assignments
from streams.policy import Policy
from streams.scoring import load_text_scorer, no_scorer
from streams.settings import Settings, time_rules
from streams.warm_up import warm_up, warm_up_ingest

_REDIS_RETRY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The parts of one worker."""

    context: Context
    app: App
    assignments: Assignments
    facts: AccountFactsFollower
    ingest: IngestStage | None
    judge: JudgeStage | None
    ends: list[KnownEnd]
    """Sources of known log ends; the first is the consumer's."""


async def make_context(
    settings: Settings,
    stages: Sequence[str],
    metrics: Metrics,
    crash: Callable[[BaseException], Awaitable[None]],
    log: Any,
) -> Context:
    """Build the parts that all stages share. Waits for Redis and loads the model.

    Raises:
        DependencyAway: Redis accepts no writes within `start_deadline_seconds`.
        FlagStoreRefuses: Redis refuses TLS, the login or a command.
        SettingsError: settings contradict each other.
        CallerMistake: the model cannot be loaded.
    """
    store = None
    if "publish" in stages:
        store = RedisFlagStore(settings.redis_url, partitions=settings.shards)
        await _wait_for_redis(store, settings, log)
    scorer = no_scorer()
    if tuple(stages) != ("publish",):  # ingest publishes its model for other workers
        scorer = await asyncio.to_thread(load_text_scorer, settings.model)
    if "judge" in stages:
        await asyncio.to_thread(warm_up, scorer)
        kernels = kernel_counts()
        metrics.late_compilations.set_function(lambda: late_kernels(kernels))
        log.info("kernels ready", loaded=kernels.loaded, compiled=kernels.compiled)
    elif "ingest" in stages:
        await asyncio.to_thread(warm_up_ingest)
    metrics.set_revisions(policy="", model=scorer.revision)
    metrics.set_deployment(settings.topic_prefix, stages, settings.shards)
    sender = Sender(settings)
    metrics.clock_ahead.set_function(lambda: sender.log_clock.host_ahead_ms / 1000)
    return Context(
        settings=settings,
        metrics=metrics,
        sender=sender,
        log_clock=sender.log_clock,
        hashes=KeyedHash(settings.hash_key.get_secret_value().encode()),
        scorer=scorer,
        models=ModelCache(settings, scorer, metrics),
        executor=ThreadPoolExecutor(judge_threads(settings.shards), thread_name_prefix="judge"),
        store=store,
        crash=crash,
    )


def judge_threads(shards: int) -> int:
    """Return the number of threads for the work of the shards: one a core, and two at least.

    With two, a shard that settles does not make all others wait.
    """
    return max(2, min(len(os.sched_getaffinity(0)), shards))


def late_kernels(before: KernelCounts) -> int:
    """Count the kernels prepared since then, also those read from the disk: elsewhere they would be compiled."""
    now = kernel_counts()
    return now.compiled + now.loaded - before.compiled - before.loaded


async def build(context: Context, stages: Sequence[str], policy: Policy, log: Any) -> Pipeline:
    """Build the app and the stages of a worker and connect them.

    Args:
        context: shared parts of the worker.
        stages: names of the stages to run.
        policy: its longest automated expiry sets how long publish keeps the versions of cleared flags.
        log: structured logger of the worker.

    Raises:
        TopicsError: the `tweets` topic does not exist.
        SettingsError: stage 2 is required and not installed.
    """
    settings = context.settings
    group = group_of(settings, stages)
    assignments = Assignments([], lambda: consumer_options(settings, group))
    app = make_app(settings, group, assignments)
    facts = AccountFactsFollower(context, log, marks="ingest" in stages)
    ends: list[KnownEnd] = [
        fetched_end(lambda: app.consumer, except_topic=settings.topic("tweets")),
        lambda tp: context.sender.known_end(tp.topic, tp.partition),
    ]
    ingest = await _make_ingest(context, app) if "ingest" in stages else None
    if ingest is not None:
        assignments.add(ingest)
        assignments.topic_ids[ingest.topic] = ingest.source_id
        assignments.note_recreated = lambda tp: ingest.note_recreated(tp.partition)
        assignments.too_far_ahead = ingest.too_far_ahead
        ends.append(ingest.known_end)
    judge = _make_judge(context, app, facts, log) if "judge" in stages else None
    if judge is not None:
        assignments.add(judge)
        if ingest is not None:
            ingest.judged_ms = judge.watermark_ms
    if "publish" in stages:
        assignments.add(DecisionsStage(context, lambda: _new_fold(settings, policy)))
        assignments.add(ModerationStage(context))
    for stage in assignments.stages:
        add_agent(app, stage, context.crash)
    return Pipeline(context, app, assignments, facts, ingest, judge, ends)


async def _make_ingest(context: Context, app: App) -> IngestStage:
    settings = context.settings
    source = await asyncio.to_thread(describe_source, settings)
    topic = settings.topic("tweets")
    times = time_rules(settings, create_time=source.create_time)

    def count_sources() -> int:
        return max(source.partitions, app.consumer.topic_partitions(topic) or 0)

    return IngestStage(context, source.topic_id, times, count_sources)


def _make_judge(context: Context, app: App, facts: AccountFactsFollower, log: Any) -> JudgeStage:
    topic = context.settings.topic("hashtag-partials")

    def end_offset(shard: int) -> int | None:
        end: int | None = app.consumer.highwater(TP(topic, shard))
        return end

    return JudgeStage(context, log, facts, end_offset, _make_stage_2(context, log))


def _make_stage_2(context: Context, log: Any) -> stage_2.Stage2 | None:
    settings = context.settings
    if not stage_2.is_enabled(settings):
        log.info("stage 2 is off, stage 1 decides alone", encoder=settings.encoder)
        return None
    command = stage_2.command(settings)
    return stage_2.Stage2(context, log, lambda: EncoderProcess(command))


async def _wait_for_redis(store: RedisFlagStore, settings: Settings, log: Any) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.start_deadline_seconds
    logged = False
    while True:
        try:
            await store.check_server()
            await store.heartbeat({}, now_ms())  # no shard's: shows whether this user may write
            return
        except FlagStoreRefuses:
            raise
        except DependencyAway as error:
            if loop.time() >= deadline:
                raise DependencyAway(
                    f"Redis accepted no writes within {settings.start_deadline_seconds:g} s: {error}", fix=error.fix
                ) from None
            if not logged:
                log.warning(f"waiting up to {settings.start_deadline_seconds:g} s for Redis", why=str(error))
                logged = True
            await asyncio.sleep(_REDIS_RETRY_SECONDS)


def _new_fold(settings: Settings, policy: Policy) -> DecisionFold:
    return DecisionFold(longest_expiry_ms=policy.max_automated_ms, max_broker_skew_ms=settings.max_broker_skew_ms)
