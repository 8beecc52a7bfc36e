"""The judge shell: the order of what it says, what it reads back before the first record, and gaps in its log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from streams.counting.block_counts import PANE_MS
from streams.counting.retractions import OpenRetractions
from streams.judging.shard_judge import ShardJudge, TickJob
from streams.judging.stage_2_candidates import Candidate
from streams.log.corrections import are_corrections, decode_corrections
from streams.log.decisions import Decision, Progress, Ruling, decode_record, encode_record, version_of
from streams.log.evidence import decode_evidence_record
from streams.log.panes import pane_records
from streams.log.partials import encode_partial
from streams.log.retractions import are_retractions, decode_retractions
from streams.pipeline.account_facts import FactsFollower
from streams.pipeline.gaps import LostRecords
from streams.pipeline.judge import JudgePartition, JudgeStage
from streams.pipeline.model_cache import ModelShelf
from streams.pipeline.recovery import Legacy
from streams.pipeline.stage_2_texts import KEPT_PANES, RecentTexts
from streams.scoring import TextScorer
from streams.windows.corrections import Corrections
from tests.support.block_counts import Entry, Register, flush
from tests.support.shells import NOW_MS, Shells, make_shells, settle_down
from tests.unit.streams.judging.test_shard_judge import SCORER, SUPPRESS, Court, activation

FIRST_PANE = NOW_MS // PANE_MS
PARTIALS, DECISIONS = "hashtag-partials", "suppression-decisions"


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch)

    async def policies(_: object) -> dict[str, object]:
        return {SUPPRESS.revision: activation(SUPPRESS)}

    monkeypatch.setattr("streams.pipeline.recovery.read_policies", policies)
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
    shells: Shells,
    *,
    committed: int | None = None,
    first: int = 0,
    facts: FactsFollower | None = None,
    stage_2: Any = None,
) -> JudgePartition:
    log = SimpleNamespace(warning=lambda *_, **__: None)
    facts = facts or FactsFollower(shells.context, log, marks=False)
    stage = JudgeStage(shells.context, log, facts, lambda _: None, stage_2)
    partition = stage.partition(0)
    partition.start(committed, first)
    for _ in range(4_000):
        await settle_down()
        if partition.judge is not None or facts._needed > facts.book.upto or shells.crashed:
            break
        await asyncio.sleep(0.005)  # a thread takes over what a predecessor kept
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


async def test_a_shard_that_reads_back_takes_what_comes_and_says_when_it_is_enough(shells: Shells) -> None:
    """Whoever waited for room would hold up the worker's other partitions, for as long as reading back takes."""
    for pane in range(6):
        say(shells, pane, bad=1)
    partition = await started(shells)
    told = []
    for record in shells.topics.read(PARTIALS, 0, 0):
        async with asyncio.timeout(60):
            await partition.take([record])
        told.append(partition.full)
    assert told == [False] * 3 + [True] * 3
    for _ in range(200):
        shells.sender.deliver()
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()
    assert not partition.full and partition.position == 6


def in_memory(shells: Shells) -> JudgeStage:
    log = SimpleNamespace(warning=lambda *_, **__: None)
    return JudgeStage(shells.context, log, FactsFollower(shells.context, log, marks=False), lambda _: None)


async def test_shards_read_back_two_at_a_time_and_the_first_are_ready_before_the_last(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = in_memory(shells)
    going_on = {shard: asyncio.Event() for shard in range(7)}
    reading: list[int] = []

    async def decisions(*_: object) -> Legacy:
        return Legacy([], 0)

    async def panes(_: object, shard: int, *__: object) -> None:
        reading.append(shard)
        try:
            await going_on[shard].wait()
        finally:
            reading.remove(shard)

    monkeypatch.setattr("streams.pipeline.judge.read_decisions", decisions)
    monkeypatch.setattr("streams.pipeline.judge.read_panes", panes)
    partitions = [stage.partition(shard) for shard in going_on]
    await settle_down()
    partitions[6].drop()  # while it waits for its turn
    for shard in range(6):
        assert reading == list(range(6))[shard : shard + 2]
        if shard == 2:  # while it reads
            partitions[shard].drop()
        going_on[shard].set()
        async with asyncio.timeout(60):
            while shard in reading or (partitions[shard].judge is None and not partitions[shard].dropped):
                await asyncio.sleep(0.001)
        await settle_down()
    assert [one.ready for one in partitions] == [True, True, False, True, True, True, False] and shells.crashed == []


async def test_sources_wait_for_one_another_and_not_for_a_shard_that_lags(shells: Shells) -> None:
    """It counts what its log holds whenever it comes to it; what is read beyond the slowest source fills memory."""
    stage = in_memory(shells)
    partitions = [stage.partition(shard) for shard in range(3)]
    assert stage.watermark_ms() == -1, "nobody has read back yet"
    async with asyncio.timeout(60):
        while any(one.judge is None for one in partitions):
            await asyncio.sleep(0.001)
    assert stage.watermark_ms() == -1, "nobody has heard of a source"
    for partition, watermark_ms in zip(partitions, (5_000, 90_000), strict=False):
        assert partition.judge is not None
        partition.judge.open.apply(flush([], watermark_ms=watermark_ms))
    assert stage.watermark_ms() == 90_000
    partitions[1].drop()
    assert stage.watermark_ms() == 5_000


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
            while partition.full:  # the transport does not fetch of it
                await asyncio.sleep(0)
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


def read_by_stage_2(shells: Shells, tweets: list[int], *, model: str = SCORER.revision) -> None:
    differences = np.full((len(tweets), 1 + len(SCORER.categories)), -0.5, "<f4")
    record = Corrections("new", model, ["a"] * len(tweets), np.array(tweets, "<i8").tobytes(), differences.tobytes())
    shells.topics.append(PARTIALS, 0, encode_partial(record))


async def test_corrections_are_written_beside_the_panes_and_read_back(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    say(shells, 0, bad=20)
    say(shells, 1, bad=20, settled=1)
    read_by_stage_2(shells, list(range(20)))
    say(shells, 2, bad=20, settled=2)
    read_by_stage_2(shells, [1_000])
    first = await started(shells)
    await judged(shells, first)
    values = [one.value or b"" for one in shells.topics.read("hashtag-panes", 0)]
    (written,) = [decode_corrections(value) for value in values if are_corrections(value)]
    assert np.frombuffer(written.tweets, "<i8").tolist() == list(range(20)), "the last is not in force yet"
    assert set(np.frombuffer(written.heard, "<i8").tolist()) == {FIRST_PANE + 1}
    assert len(list(pane_records(values))) == len(values) - 1
    last = max(
        (decode_evidence_record(one.value or b"") for one in shells.topics.read("hashtag-evidence", 0)),
        key=lambda record: record.tick_ms,
    )
    assert last.looked and last.stage_2[0] == "new"
    assert value_of(shells, "corrections") == 20
    after = await started(shells, committed=first.replay_point)
    assert after.judge is not None
    tag = after.judge.tags.number("a")
    known = after.judge.corrected.known(np.full(3, tag), np.array([0, 19, 1_000]))
    assert known.tolist() == [True, True, False]
    await judged(shells, after, first.replay_point or 0)
    assert after.judge.corrected.known(np.array([tag]), np.array([1_000])).all(), "it was read again"


def value_of(shells: Shells, name: str) -> float:
    return getattr(shells.context.metrics, name)._value.get()


async def test_corrections_that_cannot_be_read_are_dead_letters_and_their_neighbours_count(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    say(shells, 0, bad=20)
    shells.topics.append(PARTIALS, 0, b"c\xc1 nothing of ours")
    read_by_stage_2(shells, [1, 2], model="another")
    say(shells, 1, bad=20, settled=1)
    partition = await started(shells)
    await judged(shells, partition)
    assert shells.crashed == [] and settled(partition)
    (letter,) = shells.topics.read("tweets-dead-letter", 0)
    assert (letter.key, letter.value) == (b"hashtag-partials/0/2", b"c\xc1 nothing of ours")
    refused = shells.context.metrics.corrections_refused
    assert refused.labels(reason="bad_correction")._value.get() == 1


class ReadsAlong:
    """As `StageTwo`."""

    reads_along = True

    def __init__(self) -> None:
        self.offered: list[tuple[int, str, list[bytes | None]]] = []
        self.gone: list[int] = []

    def offer(self, shard: int, chosen: Sequence[Candidate], text_of: Callable[[int], bytes | None]) -> None:
        self.offered += [(shard, one.hashtag, [text_of(tweet) for tweet in one.tweets]) for one in chosen]

    def forget(self, shard: int) -> None:
        self.gone.append(shard)


async def test_after_a_tick_stage_2_is_offered_the_texts_of_its_window(shells: Shells) -> None:
    """Those of the pane before it as well, though the judge has them no more."""
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    say(shells, 0, bad=9)
    say(shells, 1, bad=9, settled=1)
    say(shells, 2, settled=2)
    stage_2 = ReadsAlong()
    partition = await started(shells, stage_2=stage_2)
    await judged(shells, partition)
    assert [(shard, tag, len(texts)) for shard, tag, texts in stage_2.offered] == [(0, "a", 9), (0, "a", 18)]
    assert all(text and text.startswith(b"bad ") for _, _, texts in stage_2.offered for text in texts)
    stage_2.reads_along = False
    say(shells, 3, bad=9, settled=3)
    await judged(shells, partition, 4)
    assert len(stage_2.offered) == 2, "there is nobody to offer them to"
    partition.drop()
    assert stage_2.gone == [0]


def job_of(pane: int) -> TickJob:
    """A pane of ten authors that settles; their tweets are 100 * pane + 1 and those after it."""
    court = Court()
    entries = [Entry(n, 100 * pane + n, 100, 0, "", f"text {pane} {n}") for n in range(1, 11)]
    end_ms = (pane + 1) * PANE_MS
    court.judge.apply(1, flush([Register("a", "", pane, 10, entries)], watermark_ms=end_ms))
    (job,) = [court.judge.next_tick()]
    assert job is not None and job.closed.number == pane
    return job


@pytest.mark.parametrize(("room", "later", "gone"), [(10_000, 1, False), (10_000, KEPT_PANES, True), (1_500, 1, True)])
def test_texts_are_kept_a_while_and_as_long_as_there_is_room(room: int, later: int, gone: bool) -> None:
    texts = RecentTexts(room)
    texts.keep(job_of(5))
    assert texts.find(501) == b"text 5 1"
    texts.keep(job_of(5 + later))
    assert texts.find(100 * (5 + later) + 10) == f"text {5 + later} 10".encode()
    assert (texts.find(501) is None) == gone
    assert texts.find(511) is None


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
    assert after.judge.in_force.policy is not None
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
    after_ms = (FIRST_PANE + 1) * PANE_MS
    assert partition.judge.hold_until_ms == after_ms + 3_600_000, "from what came after the gap; no policy is known"
    assert shells.context.metrics.gaps.labels(kind="retention")._value.get() == 1


async def test_how_long_its_log_must_be_is_told_by_its_predecessor_and_by_itself(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    first = await started(shells)
    assert first.reached == 0, "nobody has judged anything"
    await judged(shells, first)
    assert first.reached == len(shells.topics.read(PARTIALS, 0)) == 4
    assert (await started(shells)).reached == 4


async def test_what_lies_before_a_gap_is_judged_before_the_hold_begins(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both wait when the judge comes to them: from when on it holds is told by what it knows by then."""
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    said: list[str] = []
    apply, hold = ShardJudge.apply, ShardJudge.hold
    monkeypatch.setattr(ShardJudge, "apply", lambda judge, *record: (said.append("record"), apply(judge, *record))[1])
    monkeypatch.setattr(ShardJudge, "hold", lambda judge: (said.append("hold"), hold(judge))[1])
    log = shells.topics.read(PARTIALS, 0, 0)
    shells.topics.cut(PARTIALS, 0, 3)
    await partition.take(log[:2])
    await partition.take(log[3:])
    for _ in range(40):
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()
    assert shells.crashed == [] and said[:3] == ["record", "record", "hold"] and len(said) > 3


async def test_what_is_delivered_twice_is_judged_once(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await judged(shells, partition)
    once = len(shells.topics.read(DECISIONS, 0))
    await judged(shells, partition)
    assert len(shells.topics.read(DECISIONS, 0)) == once
    assert partition.judge is not None and partition.judge.offset == 3


async def test_a_successor_has_the_models_in_force_at_hand_before_it_judges(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What their scores mean is asked at the first tick, whether or not a text is scored for it."""
    shells.sender.at_once = True
    write_log(shells)
    await judged(shells, await started(shells))
    asked = []

    async def scorer(shelf: ModelShelf, revision: str) -> TextScorer:
        asked.append(revision)
        return shelf.own

    monkeypatch.setattr(ModelShelf, "scorer", scorer)
    await started(shells)
    assert asked == [SCORER.revision]
