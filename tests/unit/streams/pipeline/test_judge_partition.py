"""One shard of the judge: the commit order, recovery by the next owner, and gaps in its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
import numpy as np
import pytest

from streams.constants import PANE_MS
from streams.counting.retractions import OpenRetractions
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.stage_2_candidates import Candidate
from streams.judging.ticks import TickJob
from streams.log.corrections import are_corrections, decode_corrections
from streams.log.decisions import Decision, Progress, ScopeDecision, decode_record, encode_record, version_of
from streams.log.evidence import decode_evidence_record
from streams.log.panes import pane_records
from streams.log.partials import encode_partial
from streams.log.retractions import are_retractions, decode_retractions
from streams.pipeline.gaps import LostRecords
from streams.pipeline.judge_partition import JudgePartition
from streams.pipeline.model_cache import ModelCache
from streams.pipeline.stage_2_texts import KEPT_PANES, RecentTexts
from streams.scoring import TextScorer
from streams.windows.corrections import Corrections
from streams.windows.open_panes import RETURN_MS
from tests.support.block_counts import NEW_TOPIC_ID, BlockCount, Entry, flush
from tests.support.judge_harness import SCORER, SUPPRESS, JudgeHarness, activation
from tests.support.judge_shell import (
    DECISIONS,
    FIRST_PANE,
    PARTIALS,
    append_counts,
    deliver,
    in_flight,
    judge_stage,
    keep_policies,
    settled_states,
    started,
    write_log,
)
from tests.support.shells import Shells, make_shells, settle_down
from tests.support.windows import counts_of


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch)

    keep_policies(monkeypatch)
    yield made
    made.context.executor.shutdown()


async def test_recovering_shard_queues_batches_and_reports_full(shells: Shells) -> None:
    """`process` never waits: it would block the worker's other partitions during the recovery."""
    for pane in range(6):
        append_counts(shells, pane, bad=1)
    partition = await started(shells)
    full = []
    for record in shells.topics.read(PARTIALS, 0, 0):
        async with asyncio.timeout(60):
            await partition.process([record])
        full.append(partition.is_full)
    assert full == [False] * 3 + [True] * 3
    for _ in range(200):
        shells.sender.deliver()
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()
    assert not partition.is_full and partition.position == 6


async def test_shards_recover_two_at_a_time(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = judge_stage(shells)
    released = {shard: asyncio.Event() for shard in range(7)}
    reading: list[int] = []

    async def decisions(*_: object) -> tuple[RecoveredState, int]:
        return RecoveredState(), 0

    async def panes(_: object, shard: int, *__: object, columns: int) -> None:
        reading.append(shard)
        try:
            await released[shard].wait()
        finally:
            reading.remove(shard)

    monkeypatch.setattr("streams.pipeline.recovery.read_decisions", decisions)
    monkeypatch.setattr("streams.pipeline.recovery.read_panes", panes)
    partitions = [stage.partition(shard) for shard in released]
    await settle_down()
    partitions[6].drop()  # dropped while it waits
    for shard in range(6):
        assert reading == list(range(6))[shard : shard + 2]
        if shard == 2:  # dropped while it reads
            partitions[shard].drop()
        released[shard].set()
        async with asyncio.timeout(60):
            while shard in reading or (partitions[shard].judge is None and not partitions[shard].dropped):
                await asyncio.sleep(0.001)
        await settle_down()
    assert [one.is_ready for one in partitions] == [True, True, False, True, True, True, False] and shells.crashed == []


async def test_sources_do_not_wait_for_a_lagging_shard(shells: Shells) -> None:
    """A lagging shard counts its log later; only reading beyond the slowest source fills memory."""
    stage = judge_stage(shells)
    partitions = [stage.partition(shard) for shard in range(3)]
    assert stage.watermark_ms() == -1, "no shard has recovered"
    async with asyncio.timeout(60):
        while any(one.judge is None for one in partitions):
            await asyncio.sleep(0.001)
    assert stage.watermark_ms() == -1, "no shard has received a marker"
    for partition, watermark_ms in zip(partitions, (5_000, 90_000), strict=False):
        assert partition.judge is not None
        partition.judge.state.open.apply_all([flush([], watermark_ms=watermark_ms)])
    assert stage.watermark_ms() == 90_000
    partitions[1].drop()
    assert stage.watermark_ms() == 5_000


async def test_commit_order_panes_sketches_decisions_progress_replay_point(shells: Shells) -> None:
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    assert set(in_flight(shells)) == {"hashtag-short-panes", "hashtag-evidence", PARTIALS}
    shells.sender.deliver()
    await settle_down()
    assert DECISIONS in in_flight(shells) and PARTIALS not in in_flight(shells)
    while "progress" not in in_flight(shells):
        shells.sender.deliver(len(shells.sender.in_flight) - 1)
        await settle_down()
        assert "progress" not in in_flight(shells), "a record is not acknowledged"
        shells.sender.deliver()
        await settle_down(5)
        shells.context.executor.submit(lambda: None).result()
    assert in_flight(shells) == ["progress"] and partition.replay_point is None
    shells.sender.deliver()
    await settle_down()
    assert partition.replay_point == 3, "the record in which the open pane begins"
    assert shells.crashed == []


async def test_early_decision_does_not_wait_for_a_due_tick(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.pipeline.judge_stage.now_ms", lambda: 0)  # every record is recent
    steps: list[str] = []
    for name in ("settle", "decide_early"):
        original = getattr(ShardJudge, name)
        monkeypatch.setattr(
            ShardJudge, name, lambda *given, original=original, name=name: (steps.append(name), original(*given))[1]
        )
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=1)
    append_counts(shells, 1, settled=1)
    append_counts(shells, 2, bad=20, settled=2)
    shells.sender.at_once = True
    await deliver(shells, await started(shells))
    assert steps[-2:] == ["decide_early", "settle"]


async def test_waiting_pane_is_scored_between_batches(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[int] = []
    score = TextScorer.__call__
    monkeypatch.setattr(TextScorer, "__call__", lambda *given: (scored.append(given[1].count(b"\n")), score(*given))[1])
    shells.sender.at_once = True
    write_log(shells)
    append_counts(shells, 3, settled=2, newest_ms=2_000)
    partition = await started(shells)
    await deliver(shells, partition)
    assert scored[-3:] == [20, 20, 1], "two ticks, and the pane that waits"
    append_counts(shells, 4, settled=3)
    await deliver(shells, partition, 5)
    assert sum(scored) == 41 and partition.judge is not None, "the tick has nothing more to score"
    assert partition.judge.state.settled_ms == (FIRST_PANE + 3) * PANE_MS


@pytest.mark.parametrize(("name", "expected"), [("required_end", 0), ("is_ready", True)])
async def test_shard_may_be_dropped_while_it_is_asked(
    shells: Shells, monkeypatch: pytest.MonkeyPatch, name: str, expected: object
) -> None:
    """Threads of the health server and of the metrics ask; the judge is there, and then no more."""
    partition = await started(shells)
    answers = iter([partition.judge])
    with monkeypatch.context() as patched:
        patched.setattr(JudgePartition, "judge", property(lambda _: next(answers, None)), raising=False)
        assert getattr(partition, name) == expected


async def test_tick_reports_its_busy_hashtags(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    await deliver(shells, await started(shells))
    gauge = shells.context.metrics.candidate_tags.labels(shard="0")
    assert gauge._value.get() == 1, "the world's key of the one hashtag"


async def test_silent_broker_stops_judging(shells: Shells) -> None:
    """One batch is judged and a few are queued; then fetching pauses."""
    write_log(shells)
    for pane in range(3, 40):
        append_counts(shells, pane, bad=20, settled=pane)
    partition = await started(shells)
    taken = 0

    async def read() -> None:
        nonlocal taken
        for one in shells.topics.read(PARTIALS, 0):
            while partition.is_full:  # the transport does not fetch a full partition
                await asyncio.sleep(0)
            await partition.process([one])
            taken += 1

    reading = asyncio.create_task(read())
    for _ in range(20):
        await settle_down(5)
        shells.context.executor.submit(lambda: None).result()
    assert taken <= 3 + 1 + 4, "the records up to the first that settles, and a queue of four"
    open_panes = partition.judge.state.open.panes if partition.judge is not None else {}
    assert len(open_panes) <= 2
    for _ in range(2_000):
        shells.sender.deliver()
        await settle_down(5)
        shells.context.executor.submit(lambda: None).result()
        if reading.done() and not shells.sender.in_flight:
            break
    assert reading.done() and taken == 41


async def test_dropped_partition_sends_and_commits_nothing(shells: Shells) -> None:
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    partition.drop()
    shells.sender.deliver()
    await settle_down()
    assert shells.sender.in_flight == [] and partition.replay_point is None


async def test_retractions_are_published_and_recovered(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=20)
    pending = OpenRetractions(1_000)
    for tweet, pane in ((1, 0), (2, 0), (3, 2)):
        pending.add(0, "a", "", FIRST_PANE, tweet, FIRST_PANE + pane)
    record = flush(watermark_ms=-1, newest_ms=(FIRST_PANE + 2) * PANE_MS)
    (record.retractions,) = pending.flush(1)[0]
    shells.topics.append(PARTIALS, 0, encode_partial(record))
    append_counts(shells, 1, bad=20, settled=1)
    first = await started(shells)
    await deliver(shells, first)
    values = [one.value or b"" for one in shells.topics.read("hashtag-panes", 0)]
    (written,) = [decode_retractions(value) for value in values if are_retractions(value)]
    assert np.frombuffer(written.tweets, "<i8").tolist() == [1, 2], "the third is not applied yet"
    assert len(list(pane_records(values))) == len(values) - 1
    after = await started(shells, committed=first.replay_point)
    assert first.replay_point == 2, "the record with the third"
    assert after.judge is not None
    (key,) = [after.judge.state.tags.key("a", "*")]
    pane_ms = FIRST_PANE * PANE_MS
    assert after.judge.state.retractions.count_removed(np.array([key]), pane_ms, pane_ms + 5 * PANE_MS).tolist() == [2]
    await deliver(shells, after, first.replay_point)
    assert after.judge.state.retractions.count_removed(np.array([key]), pane_ms, pane_ms + 5 * PANE_MS).tolist() == [3]
    assert after.judge.state.take_counts()["retractions_late"] == 0, "the repeated ones were known"
    assert shells.context.metrics.retracted_uses._value.get() == 2


def append_corrections(shells: Shells, tweets: list[int], *, model: str = SCORER.revision) -> None:
    differences = np.full((len(tweets), 1 + len(SCORER.categories)), -0.5, "<f4")
    record = Corrections("new", model, ["a"] * len(tweets), np.array(tweets, "<i8").tobytes(), differences.tobytes())
    shells.topics.append(PARTIALS, 0, encode_partial(record))


async def test_corrections_are_published_and_recovered(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=20)
    append_counts(shells, 1, bad=20, settled=1)
    append_corrections(shells, list(range(20)))
    append_counts(shells, 2, bad=20, settled=2)
    append_corrections(shells, [1_000])
    first = await started(shells)
    await deliver(shells, first)
    values = [one.value or b"" for one in shells.topics.read("hashtag-panes", 0)]
    (written,) = [decode_corrections(value) for value in values if are_corrections(value)]
    assert np.frombuffer(written.tweets, "<i8").tolist() == list(range(20)), "the last is not applied yet"
    assert set(np.frombuffer(written.received, "<i8").tolist()) == {FIRST_PANE + 1}
    assert len(list(pane_records(values))) == len(values) - 1
    last = max(
        (decode_evidence_record(one.value or b"") for one in shells.topics.read("hashtag-evidence", 0)),
        key=lambda record: record.tick_ms,
    )
    assert last.everyone.looked and last.everyone.stage_2[0] == "new"
    assert value_of(shells, "corrections") == 20
    after = await started(shells, committed=first.replay_point)
    assert after.judge is not None
    (tag,) = after.judge.state.tags.of(["a"]).tolist()
    known = after.judge.state.corrections.known(np.full(3, tag), np.array([0, 19, 1_000]))
    assert known.tolist() == [True, True, False]
    await deliver(shells, after, first.replay_point or 0)
    assert after.judge.state.corrections.known(np.array([tag]), np.array([1_000])).all(), "it was replayed"


def value_of(shells: Shells, name: str) -> float:
    return getattr(shells.context.metrics, name)._value.get()


async def test_unreadable_corrections_become_dead_letters(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=20)
    shells.topics.append(PARTIALS, 0, b"c\xc1 malformed")
    append_corrections(shells, [1, 2], model="another")
    append_counts(shells, 1, bad=20, settled=1)
    partition = await started(shells)
    await deliver(shells, partition)
    assert shells.crashed == [] and settled_states(partition)
    (letter,) = shells.topics.read("internal-dead-letter", 0)
    assert (letter.key, letter.value) == (b"hashtag-partials/0/2", b"c\xc1 malformed")
    refused = shells.context.metrics.corrections_refused
    assert refused.labels(reason="bad_correction")._value.get() == 1


class FakeStage2:
    """In place of `Stage2`: collects what it is offered."""

    is_up = True

    def __init__(self) -> None:
        self.offered: list[tuple[int, str, list[bytes | None]]] = []
        self.removed: list[int] = []

    def offer(self, shard: int, chosen: Sequence[Candidate], text_of: Callable[[int], bytes | None]) -> None:
        self.offered += [(shard, one.hashtag, [text_of(tweet) for tweet in one.tweets]) for one in chosen]

    def remove(self, shard: int) -> None:
        self.removed.append(shard)


async def test_settled_tick_offers_texts_to_stage_2(shells: Shells) -> None:
    """The offer includes texts of the previous pane, which the judge no longer has."""
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=9)
    append_counts(shells, 1, bad=9, settled=1)
    append_counts(shells, 2, settled=2)
    stage_2 = FakeStage2()
    partition = await started(shells, stage_2=stage_2)
    await deliver(shells, partition)
    assert [(shard, tag, len(texts)) for shard, tag, texts in stage_2.offered] == [(0, "a", 9), (0, "a", 18)]
    assert all(text and text.startswith(b"bad ") for _, _, texts in stage_2.offered for text in texts)
    stage_2.is_up = False
    append_counts(shells, 3, bad=9, settled=3)
    await deliver(shells, partition, 4)
    assert len(stage_2.offered) == 2, "stage 2 is down"
    partition.drop()
    assert stage_2.removed == [0]


def job_of(pane: int) -> TickJob:
    """Return a settling pane of ten authors; their tweet ids begin at 100 * pane + 1."""
    harness = JudgeHarness()
    entries = [Entry(n, 100 * pane + n, 100, 0, "", f"text {pane} {n}") for n in range(1, 11)]
    end_ms = (pane + 1) * PANE_MS
    harness.judge.apply(1, flush([BlockCount("a", "", pane, 10, entries)], watermark_ms=end_ms))
    (job,) = [harness.judge.next_tick()]
    assert job is not None and job.closed.number == pane
    return job


@pytest.mark.parametrize(("room", "later", "gone"), [(10_000, 1, False), (10_000, KEPT_PANES, True), (1_500, 1, True)])
def test_recent_texts_are_bounded_by_age_and_size(room: int, later: int, gone: bool) -> None:
    texts = RecentTexts(room)
    texts.keep(job_of(5))
    assert texts.find(501) == b"text 5 1"
    texts.keep(job_of(5 + later))
    assert texts.find(100 * (5 + later) + 10) == f"text {5 + later} 10".encode()
    assert (texts.find(501) is None) == gone
    assert texts.find(511) is None


async def test_next_owner_recovers_before_it_applies_records(shells: Shells) -> None:
    """An older progress record of a zombie follows the previous owner's last one."""
    shells.sender.at_once = True
    write_log(shells)
    first = await started(shells)
    await deliver(shells, first)
    assert settled_states(first) and first.judge is not None
    records = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    (progress,) = [one for one in records if isinstance(one, Progress)]
    zombie = Progress(
        shard=0, settled_ms=progress.settled_ms - PANE_MS, position=1, replay_offset=0, activations=[],
        blocks=progress.blocks,
    )  # fmt: skip
    shells.topics.append(DECISIONS, 0, encode_record(zombie))
    after = await started(shells, committed=first.replay_point)
    assert after.judge is not None
    assert settled_states(after) == settled_states(first)
    assert after.judge.state.settled_ms == first.judge.state.settled_ms == progress.settled_ms
    assert after.judge.state.timeline.policy is not None
    for judge in (first.judge, after.judge):
        assert judge.state.store.shortest is not None
        counts = counts_of(judge.state.store.shortest.counts)
        assert {judge.state.tags.name(key): n for key, n in counts.items()} == {"a": 40}
    before = len(records)
    await deliver(shells, after, 3)
    more = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)][before:]
    assert [one for one in more if isinstance(one, Decision)] == [], "all decisions are already published"
    assert shells.crashed == []


async def test_foreign_early_decisions_are_adopted(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    tick_ms = (FIRST_PANE + 4) * PANE_MS
    ruling = ScopeDecision(
        category="hateful_conduct", surface="trends", action="suppress", since_ms=tick_ms,
        expires_at_ms=tick_ms + 60_000, provisional=True,
    )  # fmt: skip
    zombie = Decision(
        hashtag="b", display="b", country="*", rulings=(ruling,), version=version_of(3, tick_ms), tick_ms=tick_ms,
        settled_ms=0, decided_at_ms=tick_ms, policy_revision="p", model_revision="m", provisional=True,
    )  # fmt: skip
    shells.topics.append(DECISIONS, 0, encode_record(zombie))
    for pane in (3, 4, 5):
        append_counts(shells, pane, bad=1, settled=pane)
        await deliver(shells, partition, pane + 1)
    records = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    (withdrawn,) = [one for one in records if isinstance(one, Decision) and one.hashtag == "b" and one != zombie]
    assert [(one.action, one.provisional, one.since_ms) for one in withdrawn.rulings] == [("clear", True, tick_ms)]
    assert withdrawn.version > zombie.version and shells.crashed == []


async def test_own_renewal_is_no_foreign_decision(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    published = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    own = next(one for one in published if isinstance(one, Decision))
    shells.topics.append(DECISIONS, 0, encode_record(msgspec.structs.replace(own, version=version_of(3, PANE_MS + 1))))
    for pane in (3, 4, 5):
        append_counts(shells, pane, bad=1, settled=pane)
        await deliver(shells, partition, pane + 1)
    assert shells.context.metrics.foreign_decisions._value.get() == 0


async def test_undelivered_records_end_the_worker(shells: Shells) -> None:
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition, 2)
    assert [type(error) for error in shells.crashed] == [LostRecords]
    assert shells.sender.in_flight == [] and partition.judged_offset == 0


@pytest.mark.parametrize("when", ["at its start", "while running"])
async def test_retention_loss_pauses_clearing(shells: Shells, when: str) -> None:
    write_log(shells)
    committed = 1 if when == "at its start" else None
    if when == "at its start":
        shells.topics.cut(PARTIALS, 0, 2)
    partition = await started(shells, committed=committed, first=2 if committed else 0)
    if when == "while running":
        shells.topics.cut(PARTIALS, 0, 2)
    await deliver(shells, partition, 2)
    assert shells.crashed == [] and partition.judge is not None
    after_ms = (FIRST_PANE + 1) * PANE_MS
    assert partition.judge.state.pause.until_ms == after_ms + 3_600_000, (
        "from the first record after the gap; no policy is known"
    )
    assert shells.context.metrics.gaps.labels(kind="retention")._value.get() == 1


async def test_recreated_source_is_counted_once(shells: Shells) -> None:
    gaps = shells.context.metrics.gaps.labels(kind="recreated")
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    assert gaps._value.get() == 0
    for number in range(2):
        record = flush(source_id=NEW_TOPIC_ID, source=number, sources=2, watermark_ms=(FIRST_PANE + 2) * PANE_MS)
        shells.topics.append(PARTIALS, 0, encode_partial(record))
        await deliver(shells, partition, 4 + number)
    assert gaps._value.get() == 1


async def test_return_of_the_former_source_is_logged_once(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    assert partition.judge is not None
    marks = [flush(source_id=NEW_TOPIC_ID)]
    for at_ms in (0, RETURN_MS + PANE_MS, RETURN_MS + 2 * PANE_MS):
        at_ms += (FIRST_PANE + 2) * PANE_MS
        marks += [flush(source=number, sources=2, watermark_ms=at_ms, newest_ms=at_ms) for number in range(2)]
    warnings: list[str] = []
    partition._stage.log.warning = lambda text, **_: warnings.append(text)
    for number, record in enumerate(marks):
        shells.topics.append(PARTIALS, 0, encode_partial(record))
        await deliver(shells, partition, 4 + number)
    assert warnings == [
        "tweets was created again: its unread records were not counted",
        "a new id of tweets sent nothing more: its former id counts",
    ]
    assert partition.judge.state.settled_ms == (FIRST_PANE + 2) * PANE_MS + RETURN_MS + 2 * PANE_MS


async def test_required_end_covers_previous_and_own_reads(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    first = await started(shells)
    assert first.required_end == 0, "nothing is judged yet"
    await deliver(shells, first)
    assert first.required_end == 4
    assert len(shells.topics.read(PARTIALS, 0)) == 5, "it has sent the authors of the tag that it hides"
    assert (await started(shells)).required_end == 4


async def test_records_before_a_gap_are_judged_first(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both batches are queued: the pause must begin at what is known after the first."""
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    calls: list[str] = []
    pause = ShardState.pause_clearing
    for name in ("apply", "apply_flushes"):
        apply = getattr(ShardJudge, name)
        monkeypatch.setattr(
            ShardJudge, name, lambda judge, *given, apply=apply: (calls.append("record"), apply(judge, *given))[1]
        )
    monkeypatch.setattr(ShardState, "pause_clearing", lambda state: (calls.append("pause"), pause(state))[1])
    log = shells.topics.read(PARTIALS, 0, 0)
    shells.topics.cut(PARTIALS, 0, 3)
    await partition.process(log[:2])
    await partition.process(log[3:])
    for _ in range(40):
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()
    assert shells.crashed == [] and calls[:3] == ["record", "record", "pause"] and len(calls) > 3


async def test_repeated_delivery_is_judged_once(shells: Shells) -> None:
    shells.sender.at_once = True
    write_log(shells)
    partition = await started(shells)
    await deliver(shells, partition)
    once = len(shells.topics.read(DECISIONS, 0))
    await deliver(shells, partition)
    assert len(shells.topics.read(DECISIONS, 0)) == once
    assert partition.judge is not None
    assert partition.judge.state.position.offset == 4, "the second delivery has the sketch that the judge has sent"


async def test_next_owner_loads_active_models_before_judging(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tick needs the scale of their scores, even if it scores no text."""
    shells.sender.at_once = True
    write_log(shells)
    await deliver(shells, await started(shells))
    asked = []

    async def scorer(cache: ModelCache, revision: str) -> TextScorer:
        asked.append(revision)
        return cache.own

    monkeypatch.setattr(ModelCache, "scorer", scorer)
    await started(shells)
    assert asked == [SCORER.revision]
