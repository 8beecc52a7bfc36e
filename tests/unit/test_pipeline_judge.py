"""The judge shell: the order of what it says, what it reads back before the first record, and gaps in its log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from types import SimpleNamespace

import numpy as np
import pytest

from streams.counting.registers import PANE_MS
from streams.counting.retractions import OpenRetractions
from streams.log.decisions import Decision, Progress, Ruling, decode_record, encode_record, version_of
from streams.log.panes import pane_records
from streams.log.partials import encode_partial
from streams.log.retractions import are_retractions, decode_retractions
from streams.pipeline.facts import FactsFollower
from streams.pipeline.gaps import LostRecords
from streams.pipeline.judge import JudgePartition, JudgeStage
from tests.unit.registers import Entry, Register, flush
from tests.unit.shells import NOW_MS, Shells, make_shells, settle_down
from tests.unit.test_judging_judge import SUPPRESS, activation

FIRST_PANE = NOW_MS // PANE_MS
PARTIALS, DECISIONS = "hashtag-partials", "suppression-decisions"


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch)

    async def policies(_: object) -> dict[str, object]:
        return {SUPPRESS.revision: activation(SUPPRESS)}

    monkeypatch.setattr("streams.pipeline.judge.read_policies", policies)
    yield made
    made.context.executor.shutdown()


def say(shells: Shells, pane: int, *, bad: int = 0, settled: int = 0) -> None:
    """One more record of the shard: so many authors in a pane (from 0), all before pane `settled` read."""
    rng = random.Random(pane)
    entries = [
        Entry(rng.getrandbits(64), 1_000 * pane + at, 100, 0, "", f"bad {rng.getrandbits(64)}") for at in range(bad)
    ]
    block = len(shells.topics.logs.get((PARTIALS, 0), []))
    registers = [Register("a", "", FIRST_PANE + pane, bad, entries, block)] if bad else []
    told_ms = (FIRST_PANE + settled) * PANE_MS
    shells.topics.append(PARTIALS, 0, encode_partial(flush(registers, block=block, watermark_ms=told_ms)))


def write_log(shells: Shells) -> None:
    """A policy; a tag that is suppressed with the second pane; a third that has begun."""
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    say(shells, 0, bad=20)
    say(shells, 1, bad=20, settled=1)
    say(shells, 2, bad=1, settled=2)


async def started(
    shells: Shells, *, committed: int | None = None, first: int = 0, facts: FactsFollower | None = None
) -> JudgePartition:
    log = SimpleNamespace(warning=lambda *_, **__: None)
    stage = JudgeStage(shells.context, log, facts or FactsFollower(shells.context, log, marks=False), lambda _: None)
    partition = stage.partition(0)
    partition.start(committed, first)
    for _ in range(100):
        await settle_down()
        if partition.judge is not None:
            break
        await asyncio.sleep(0.005)  # a thread takes over what a predecessor kept; or it waits for something else
    return partition


async def judged(shells: Shells, partition: JudgePartition, start: int = 0) -> None:
    """Deliver a batch and let the judge come as far as it can without acknowledgements."""
    await partition.take(shells.topics.read(PARTIALS, 0, start))
    for _ in range(40):  # scores come from a thread
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()


def under_way(shells: Shells) -> list[str]:
    kinds = []
    for one in shells.sender.under_way:
        progress = one.topic == DECISIONS and isinstance(decode_record(one.value or b""), Progress)
        kinds.append("progress" if progress else one.topic)
    return kinds


def settled(partition: JudgePartition) -> dict[str, object]:
    judge = partition.judge
    assert judge is not None
    return {judge.tags.name(key): state.settled for key, state in judge.states.items() if state.settled}


async def test_progress_waits_for_panes_and_decisions_and_the_replay_point_for_progress(shells: Shells) -> None:
    write_log(shells)
    partition = await started(shells)
    await judged(shells, partition)
    assert set(under_way(shells)) == {"hashtag-panes", "hashtag-evidence", DECISIONS}
    shells.sender.deliver(len(shells.sender.under_way) - 1)
    await settle_down()
    assert "progress" not in under_way(shells)
    shells.sender.deliver()
    await settle_down()
    assert under_way(shells) == ["progress"] and partition.replay_point is None
    shells.sender.deliver()
    await settle_down()
    assert partition.replay_point == 3, "the record in which the open pane begins"
    assert shells.crashed == []


async def test_a_broker_that_acknowledges_nothing_holds_up_what_is_judged(shells: Shells) -> None:
    """One batch is worked on and a few wait; the next is not taken before there is room."""
    write_log(shells)
    for pane in range(3, 40):
        say(shells, pane, bad=20, settled=pane)
    partition = await started(shells)
    taken = 0

    async def read() -> None:
        nonlocal taken
        for one in shells.topics.read(PARTIALS, 0):
            await partition.take([one])
            taken += 1

    reading = asyncio.create_task(read())
    for _ in range(20):
        await settle_down(5)
        shells.context.executor.submit(lambda: None).result()
    assert taken <= 3 + 1 + 4, "those before the first that settles, that one, and a queue of four"
    open_panes = partition.judge.open.panes if partition.judge is not None else {}
    assert len(open_panes) <= 2
    for _ in range(2_000):
        shells.sender.deliver()
        await settle_down(5)
        shells.context.executor.submit(lambda: None).result()
        if reading.done() and not shells.sender.under_way:
            break
    assert reading.done() and taken == 41


async def test_once_it_is_dropped_it_says_and_commits_nothing_more(shells: Shells) -> None:
    write_log(shells)
    partition = await started(shells)
    await judged(shells, partition)
    partition.drop()
    shells.sender.deliver()
    await settle_down()
    assert shells.sender.under_way == [] and partition.replay_point is None


async def test_retractions_are_written_beside_the_panes_and_read_back(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    say(shells, 0, bad=20)
    held = OpenRetractions(1_000)
    for tweet, pane in ((1, 0), (2, 0), (3, 2)):
        held.add(0, "a", "", FIRST_PANE, tweet, FIRST_PANE + pane)
    record = flush()
    (record.retractions,) = held.flush(1)[0]
    shells.topics.append(PARTIALS, 0, encode_partial(record))
    say(shells, 1, bad=20, settled=1)
    first = await started(shells)
    await judged(shells, first)
    values = [one.value or b"" for one in shells.topics.read("hashtag-panes", 0)]
    (written,) = [decode_retractions(value) for value in values if are_retractions(value)]
    assert np.frombuffer(written.tweets, "<i8").tolist() == [1, 2], "the third is not in force yet"
    assert len(list(pane_records(values))) == len(values) - 1
    after = await started(shells, committed=first.replay_point)
    assert first.replay_point == 2, "the record with the third"
    assert after.judge is not None
    (key,) = [after.judge.tags.key("a", "*")]
    pane_ms = FIRST_PANE * PANE_MS
    assert after.judge.views.retracted.counted(np.array([key]), pane_ms, pane_ms + 5 * PANE_MS).tolist() == [2]
    await judged(shells, after, first.replay_point)
    assert after.judge.views.retracted.counted(np.array([key]), pane_ms, pane_ms + 5 * PANE_MS).tolist() == [3]
    assert after.judge.views.retracted.late == 0, "what was read again was known"
    assert shells.context.metrics.retracted_uses._value.get() == 2


async def test_a_successor_reads_back_what_was_said_before_it_applies_anything(shells: Shells) -> None:
    """Its predecessor's last progress record is followed by an older one, of a worker that should be dead."""
    shells.sender.at_once = True
    write_log(shells)
    first = await started(shells)
    await judged(shells, first)
    assert settled(first) and first.judge is not None
    said = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    (progress,) = [one for one in said if isinstance(one, Progress)]
    zombie = Progress(
        shard=0, settled_ms=progress.settled_ms - PANE_MS, position=1, replay_offset=0, activations=[],
        blocks=progress.blocks,
    )  # fmt: skip
    shells.topics.append(DECISIONS, 0, encode_record(zombie))
    after = await started(shells, committed=first.replay_point)
    assert after.judge is not None
    assert settled(after) == settled(first)
    assert after.judge.settled_ms == first.judge.settled_ms == progress.settled_ms
    assert after.judge.policy is not None
    for judge in (first.judge, after.judge):
        assert judge.views.shortest is not None
        counts = judge.views.shortest.counts.to_dict()
        assert {judge.tags.name(key): n for key, n in counts.items()} == {"a": 40}
    before = len(said)
    await judged(shells, after, 3)
    more = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)][before:]
    assert [one for one in more if isinstance(one, Decision)] == [], "it was all said"
    assert shells.crashed == []


async def test_it_answers_for_what_a_worker_that_had_lost_the_shard_said_early(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await judged(shells, partition)
    tick_ms = (FIRST_PANE + 4) * PANE_MS
    ruling = Ruling(
        category="hateful_conduct", surface="trends", action="suppress", since_ms=tick_ms,
        expires_at_ms=tick_ms + 60_000, provisional=True,
    )  # fmt: skip
    zombie = Decision(
        hashtag="b", display="b", country="*", rulings=(ruling,), version=version_of(3, tick_ms), tick_ms=tick_ms,
        settled_ms=0, decided_at_ms=tick_ms, policy_revision="p", model_revision="m", provisional=True,
    )  # fmt: skip
    shells.topics.append(DECISIONS, 0, encode_record(zombie))
    for pane in (3, 4, 5):
        say(shells, pane, bad=1, settled=pane)
        await judged(shells, partition, pane + 1)
    said = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    (withdrawn,) = [one for one in said if isinstance(one, Decision) and one.hashtag == "b" and one != zombie]
    assert [(one.action, one.provisional, one.since_ms) for one in withdrawn.rulings] == [("clear", True, tick_ms)]
    assert withdrawn.version > zombie.version and shells.crashed == []


async def test_a_gap_in_what_is_delivered_ends_the_worker(shells: Shells) -> None:
    write_log(shells)
    partition = await started(shells)
    await judged(shells, partition, 2)
    assert [type(error) for error in shells.crashed] == [LostRecords]
    assert shells.sender.under_way == [] and partition.judged_offset == 0


@pytest.mark.parametrize("when", ["at its start", "while running"])
async def test_what_retention_took_makes_it_hold(shells: Shells, when: str) -> None:
    write_log(shells)
    committed = 1 if when == "at its start" else None
    if when == "at its start":
        shells.topics.cut(PARTIALS, 0, 2)
    partition = await started(shells, committed=committed, first=2 if committed else 0)
    if when == "while running":
        shells.topics.cut(PARTIALS, 0, 2)
    await judged(shells, partition, 2)
    assert shells.crashed == [] and partition.judge is not None
    assert partition.judge.hold_until_ms > 0


async def test_what_is_delivered_twice_is_judged_once(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await judged(shells, partition)
    once = len(shells.topics.read(DECISIONS, 0))
    await judged(shells, partition)
    assert len(shells.topics.read(DECISIONS, 0)) == once
    assert partition.judge is not None and partition.judge.offset == 3
