"""Begin the topics of the shards again: with another number of shards, or another hash key.

People's decisions, policies, models and the audit log stay where they are. Counts and automated decisions begin again,
from tweets of the longest window. Flags stay in Redis: automated ones until they expire or a judge decides again, for
the incarnation of versions rises.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.backup.flags_view import FlagsView
from streams.backup.groups import forget, set_back, wait_until_empty, worker_groups
from streams.clock import now_ms
from streams.constants import MINUTE_MS
from streams.errors import CallerMistake, DependencyAway
from streams.log.admin import admin_client
from streams.log.policies import INCARNATION_KEY, NewIncarnation, encode_policy_record, read_policy_topic
from streams.log.producer import Sender
from streams.log.reading import Bounds, LogReader, connection
from streams.log.topic_specs import POLICY, SPECS, TWEETS
from streams.log.topics import create_topics, needs_of
from streams.policy import Policy
from streams.settings import Settings

Report = Callable[[str], None]
SHARDED = tuple(spec.name for spec in SPECS if spec.partitions == "shards")
"""Topics with a partition for each shard."""
_MARGIN_MS = 2 * MINUTE_MS
_DELETE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ReshardPlan:
    """Steps of a reshard, for a question before it begins."""

    shards_before: int
    """Present number of shards; 0 if a topic of the shards is missing, as after an interrupted reshard."""
    shards: int
    incarnation: int
    window_ms: int
    """Length of the longest window of the live policy: tweets are read again from that long ago."""
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _State:
    plan: ReshardPlan
    policy: Policy | None
    replicas: int


async def plan_reshard(settings: Settings, shards: int) -> ReshardPlan:
    """Return what a reshard would do.

    Raises:
        CallerMistake: the live policy's cap is below the number of shards.
        DependencyAway: the broker does not answer.
    """
    return (await _state(settings, shards)).plan


async def reshard(
    settings: Settings, shards: int, *, actor: str, reason: str, report: Report = lambda line: None
) -> ReshardPlan:
    """Create the topics of the shards again, once no worker runs. An interrupted run can be repeated.

    Args:
        settings: addresses of the broker and of Redis; its own number of shards is not used.
        shards: new number of shards; it may be the present one.
        actor: person who changes it.
        reason: text for the record.
        report: receives one line for each step.

    Raises:
        CallerMistake: a worker still runs, or the live policy's cap is below the number of shards.
        DependencyAway: the broker or Redis does not answer.
    """
    state = await _state(settings, shards)
    plan, topics = state.plan, {settings.topic(name) for name in SHARDED}
    starts = await _starts(settings, now_ms() - plan.window_ms - _MARGIN_MS)
    await asyncio.to_thread(_free_groups, settings, plan, starts, topics, report)
    # The record comes before the new topics: no version of the new ones may have the former incarnation.
    await _raise_incarnation(settings, plan, actor, reason)
    report(f"incarnation {plan.incarnation} begins")
    target = settings.model_copy(update={"shards": shards})
    await asyncio.to_thread(_recreate, target, state, topics, report)
    async with FlagsView(settings.redis_url, partitions=shards) as view:
        await view.forget_shards()
    return plan


async def _state(settings: Settings, shards: int) -> _State:
    topic = await read_policy_topic(settings)
    policy = None if topic.live is None else Policy.from_canonical(topic.live.policy)
    cap = None if policy is None else policy.valves.new_suppressions_per_hour
    if cap is not None and cap < shards:
        raise CallerMistake(
            f"valves.new_suppressions_per_hour {cap} of the live policy is below {shards} shards",
            fix=f"raise it first (hushtag policy apply), or choose {cap} shards or fewer",
        )
    window_ms = needs_of(settings, policy).longest_window_ms
    groups, before, replicas = await asyncio.to_thread(_describe, settings)
    return _State(ReshardPlan(before, shards, topic.incarnation + 1, window_ms, tuple(groups)), policy, replicas)


def _describe(settings: Settings) -> tuple[list[str], int, int]:
    """Return the workers' groups, the present number of shards (0: unclear), and the replicas of its topics."""
    with admin_client(settings) as admin:
        present = sorted({settings.topic(name) for name in SHARDED} & set(admin.list_topics()))
        described = admin.describe_topics(present) if present else []
        counts = {len(topic["partitions"]) for topic in described} if len(present) == len(SHARDED) else {0}
        replicas = [len(part["replica_nodes"]) for topic in described for part in topic["partitions"]]
        return worker_groups(admin, settings), counts.pop() if len(counts) == 1 else 0, min(replicas, default=-1)


async def _starts(settings: Settings, from_ms: int) -> dict[int, Bounds]:
    """Return for each partition of `tweets` the log's first offset, and as `end` the first one since a moment."""
    async with LogReader(connection(settings), settings.topic(TWEETS)) as reader:
        bounds = await reader.bounds()
        firsts = {number: await reader.offset_at(number, from_ms) for number in bounds}
    return {number: Bounds(bound.begin, max(bound.begin, firsts[number] or 0)) for number, bound in bounds.items()}


def _free_groups(
    settings: Settings, plan: ReshardPlan, starts: dict[int, Bounds], topics: set[str], report: Report
) -> None:
    with admin_client(settings) as admin:
        wait_until_empty(admin, list(plan.groups), settings.session_timeout_seconds, report)
        for group in plan.groups:
            set_back(admin, group, settings.topic(TWEETS), starts)
            forget(admin, group, topics)


async def _raise_incarnation(settings: Settings, plan: ReshardPlan, actor: str, reason: str) -> None:
    record = NewIncarnation(
        incarnation=plan.incarnation, why="reshard", shards=plan.shards, at_ms=now_ms(), actor=actor, reason=reason
    )
    sender = Sender(settings)
    await sender.start()
    try:
        value, key = encode_policy_record(record), INCARNATION_KEY
        await sender.acknowledged([await sender.send(settings.topic(POLICY), 0, value, key=key)])
    finally:
        await sender.stop()


def _recreate(settings: Settings, state: _State, topics: set[str], report: Report) -> None:
    with admin_client(settings) as admin:
        present = sorted(topics & set(admin.list_topics()))
        if present:
            admin.delete_topics(present, timeout_ms=30_000)
            _wait_until_gone(admin, topics)
            report(f"deleted {', '.join(present)}")
    create_topics(settings, replicas=state.replicas, needs=needs_of(settings, state.policy), report=report)
    report(f"created them with {settings.shards} partitions")


def _wait_until_gone(admin: Any, topics: set[str]) -> None:
    deadline = time.monotonic() + _DELETE_SECONDS
    while topics & set(admin.list_topics()):
        if time.monotonic() >= deadline:
            raise DependencyAway("the broker has not deleted the topics of the shards", fix="repeat the command")
        time.sleep(0.1)
