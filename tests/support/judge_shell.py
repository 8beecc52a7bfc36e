"""A shard of the judge over Kafka in memory: write its log, start it, deliver batches."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pytest

from streams.constants import PANE_MS
from streams.log.decisions import Progress, decode_record
from streams.log.partials import encode_partial
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.judge_partition import JudgePartition
from streams.pipeline.judge_stage import JudgeStage
from streams.policy.activation import Activation
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.judge_harness import SUPPRESS, activation
from tests.support.shells import NOW_MS, Shells, settle_down

FIRST_PANE = NOW_MS // PANE_MS
PARTIALS, DECISIONS = "hashtag-partials", "suppression-decisions"


def keep_policies(monkeypatch: pytest.MonkeyPatch, *activations: Activation) -> None:
    """Let a recovering shard find the policies of these activations; by default that of `SUPPRESS`."""
    found = {one.revision: one for one in activations or (activation(SUPPRESS),)}

    async def policies(_: object) -> dict[str, Activation]:
        return found

    monkeypatch.setattr("streams.pipeline.recovery.read_policies", policies)


def append_counts(shells: Shells, pane: int, *, bad: int = 0, settled: int = 0, newest_ms: int = 0) -> None:
    """Append a record to the shard's log.

    Args:
        pane: number of the pane, from 0.
        bad: harmful authors in it.
        settled: the marker's watermark has passed all panes before this one.
        newest_ms: log time of the source behind the start of the pane.
    """
    rng = random.Random(pane)
    entries = [
        Entry(rng.getrandbits(64), 1_000 * pane + at, 100, 0, "", f"bad {rng.getrandbits(64)}") for at in range(bad)
    ]
    block = len(shells.topics.logs.get((PARTIALS, 0), []))
    registers = [BlockCount("a", "", FIRST_PANE + pane, bad, entries, block)] if bad else []
    watermark_ms = (FIRST_PANE + settled) * PANE_MS
    reached_ms = (FIRST_PANE + pane) * PANE_MS + newest_ms
    marker = flush(registers, block=block, watermark_ms=watermark_ms, newest_ms=reached_ms)
    shells.topics.append(PARTIALS, 0, encode_partial(marker))


def write_log(shells: Shells) -> None:
    """Append a policy, a hashtag that is suppressed with the second pane, and a third pane that stays open."""
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=20)
    append_counts(shells, 1, bad=20, settled=1)
    append_counts(shells, 2, bad=1, settled=2)


def judge_stage(shells: Shells, facts: AccountFactsFollower | None = None, stage_2: Any = None) -> JudgeStage:
    log = SimpleNamespace(warning=lambda *_, **__: None, error=lambda *_, **__: None)
    facts = facts or AccountFactsFollower(shells.context, log, marks=False)
    return JudgeStage(shells.context, log, facts, lambda _: None, stage_2)


async def started(
    shells: Shells,
    *,
    committed: int | None = None,
    first: int = 0,
    facts: AccountFactsFollower | None = None,
    stage_2: Any = None,
) -> JudgePartition:
    """Assign shard 0 and wait until it has recovered, has stopped, or waits for account facts."""
    stage = judge_stage(shells, facts, stage_2)
    partition = stage.partition(0)
    partition.start_at(committed, first)
    for _ in range(4_000):
        await settle_down()
        if (
            partition.judge is not None
            or partition.stopped_at is not None
            or stage.facts._needed > stage.facts.store.upto
            or shells.crashed
        ):
            break
        await asyncio.sleep(0.005)  # a thread recovers the judge
    return partition


async def deliver(shells: Shells, partition: JudgePartition, start: int = 0) -> None:
    """Deliver the log from an offset and let the judge run until it waits for acknowledgements."""
    await partition.process(shells.topics.read(PARTIALS, 0, start))
    for _ in range(40):  # scores come from a thread
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()


def in_flight(shells: Shells) -> list[str]:
    """Return the topics of the records in flight; "progress" for a progress record."""
    kinds = []
    for one in shells.sender.in_flight:
        progress = one.topic == DECISIONS and isinstance(decode_record(one.value or b""), Progress)
        kinds.append("progress" if progress else one.topic)
    return kinds


def settled_states(partition: JudgePartition) -> dict[str, object]:
    """Return the settled state of each hashtag that has one."""
    judge = partition.judge
    assert judge is not None
    return {
        judge.state.tags.name(key): state.settled
        for key, state in judge.state.decisions.states.items()
        if state.settled
    }
