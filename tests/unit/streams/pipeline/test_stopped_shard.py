"""A shard that stops at a record that cannot be read: what it has written, its flags, and how it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.log.decisions import Decision, Progress, StoppedShard, decode_record, renewal_version
from streams.log.panes import encode_pane
from streams.log.skips import Skip, encode_skip
from streams.log.topic_specs import MODERATION, PANES, SHORT_PANES
from streams.log.unreadable import sha256_of
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.backlog import work_of
from streams.pipeline.judge_partition import PROGRESS_KEY, JudgePartition
from tests.support.block_counts import Entry
from tests.support.judge_shell import (
    DECISIONS,
    FIRST_PANE,
    PARTIALS,
    append_counts,
    deliver,
    keep_policies,
    settled_states,
    started,
    write_log,
)
from tests.support.panes import build
from tests.support.shells import NOW_MS, Shells, make_shells, settle_down

WINDOW_MS = 30_000
BAD = 4
"""Offset of the record that cannot be read, behind those of `write_log`."""


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch, at_once=True)
    keep_policies(monkeypatch)
    monkeypatch.setattr("streams.pipeline.stopped_shard.now_ms", lambda: NOW_MS + 40_000)
    yield made
    made.context.executor.shutdown()
    assert made.crashed == []


def skip_record(shells: Shells, topic: str, offset: int, value: bytes | None) -> None:
    """Append a skip to the moderation topic."""
    skip = Skip(
        id="1", topic=topic, partition=0, offset=offset, sha256=sha256_of(value), actor="ann", reason="a test", at_ms=1
    )  # type: ignore[arg-type]
    value, key = encode_skip(skip)
    shells.topics.append(MODERATION, 0, value, key=key)


async def read_moderation(shells: Shells, partition: JudgePartition) -> None:
    """Let the worker read the moderation topic, as its task does twice a second."""
    await partition._stage.facts._read(shells.topics.reader({}, MODERATION))  # type: ignore[arg-type]
    await wait_until(shells, lambda: partition.stopped_at is None)


async def wait_until(shells: Shells, happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await settle_down(2)
            shells.context.executor.submit(lambda: None).result()
            await asyncio.sleep(0.001)  # a thread recovers the judge
    for _ in range(20):
        await settle_down(2)
        shells.context.executor.submit(lambda: None).result()


def written(shells: Shells) -> list[Decision | Progress | StoppedShard]:
    return [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0) if one.value]


def stopped_metric(shells: Shells) -> float:
    return shells.context.metrics.shard_stopped.labels(shard="0")._value.get()


async def stopped_at_partial(shells: Shells, value: bytes | None = b"") -> JudgePartition:
    """Start a shard whose log has a record that cannot be read between two good ones, and let it stop there."""
    write_log(shells)
    shells.topics.append(PARTIALS, 0, value)
    append_counts(shells, 3, bad=20, settled=3)
    partition = await started(shells)
    await deliver(shells, partition)
    return partition


@pytest.mark.parametrize("value", [None, b"", b"torn", b"f\xc1"])
async def test_shard_stops_after_committing_what_comes_before(shells: Shells, value: bytes | None) -> None:
    partition = await stopped_at_partial(shells, value)
    assert partition.stopped_at is not None and str(partition.stopped_at).startswith("hashtag-partials[0] at 4 cannot")
    assert partition.replay_point == 3, "the record in which the open pane begins"
    (progress,) = [one for one in written(shells) if isinstance(one, Progress)]
    assert progress.settled_ms == (FIRST_PANE + 2) * PANE_MS and settled_states(partition)
    assert stopped_metric(shells) == 1 and partition._stage.stopped() == {0: partition.stopped_at}
    (sign,) = [one for one in written(shells) if isinstance(one, StoppedShard)]
    assert (sign.topic, sign.partition, sign.offset) == (PARTIALS, 0, BAD)


async def test_stopped_shard_counts_neither_as_stuck_nor_as_catching_up(shells: Shells) -> None:
    """Neither the watchdog nor readiness ends the worker, and its sources do not wait for the shard."""
    partition = await stopped_at_partial(shells)
    assert partition.position is None and partition.is_ready
    assert work_of({(PARTIALS, 0): partition}, [lambda _: 99]) == {}  # type: ignore[dict-item]
    assert partition._stage.watermark_ms() == -1
    partition.drop()
    assert partition._stage.stopped() == {} and partition.stopped_at is None


async def test_flags_of_a_stopped_shard_are_renewed(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    partition = await stopped_at_partial(shells)
    decisions = [one for one in written(shells) if isinstance(one, Decision)]
    renewals = [one for one in decisions if one.is_renewal]
    (flag,) = [one for one in decisions if not one.is_renewal and one.country == "*"]
    assert {(one.hashtag, one.country) for one in renewals} == {(one.hashtag, one.country) for one in decisions}
    assert all(one.rulings[0].expires_at_ms > flag.rulings[0].expires_at_ms for one in renewals)
    assert shells.context.metrics.flags_renewed._value.get() == len(renewals)
    before = settled_states(partition)
    partition.drop()
    owner = await started(shells, committed=3)
    assert settled_states(owner) == before, "no judge recovers from a renewal"


async def test_skip_lets_the_shard_go_on(shells: Shells) -> None:
    partition = await stopped_at_partial(shells)
    signs = len(written(shells))
    skip_record(shells, PARTIALS, BAD, b"")
    await read_moderation(shells, partition)
    assert partition.judge is not None and partition.judged_offset == 6 and stopped_metric(shells) == 0
    assert partition.judge.state.settled_ms == (FIRST_PANE + 3) * PANE_MS
    newest_ms = (FIRST_PANE + 3) * PANE_MS
    assert partition.judge.state.pause.until_ms == max(newest_ms, (FIRST_PANE + 2) * PANE_MS + 60_000) + WINDOW_MS
    later = written(shells)[signs:]
    assert [one.hold_until_ms for one in later if isinstance(one, Progress)] == [partition.judge.state.pause.until_ms]
    assert [one for one in later if isinstance(one, StoppedShard)] == []


async def test_flag_stands_while_the_shard_catches_up(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge renews it by a tick half a minute ago; a renewal goes before that decision."""
    partition = await stopped_at_partial(shells)
    for pane in range(4, 8):
        append_counts(shells, pane, bad=20, settled=pane)
    await partition.process(shells.topics.read(PARTIALS, 0, 6))
    before = len(written(shells))
    monkeypatch.setattr("streams.pipeline.stopped_shard.now_ms", lambda: NOW_MS + 101_000)
    skip_record(shells, PARTIALS, BAD, b"")
    await read_moderation(shells, partition)
    later = [one for one in written(shells)[before:] if isinstance(one, Decision) and one.country == "*"]
    renewal, decision = later[:2]
    assert renewal.version == renewal_version(decision.version)
    assert decision.rulings[0].expires_at_ms == NOW_MS + 100_000 and decision.tick_ms == NOW_MS + 40_000
    assert renewal.rulings[0].expires_at_ms == NOW_MS + 161_000
    assert partition._stop._renewing is not None, "it lags by more than 30 s"
    monkeypatch.setattr("streams.pipeline.stopped_shard.now_ms", lambda: NOW_MS + 90_000)
    append_counts(shells, 8, bad=20, settled=8)
    await deliver(shells, partition, partition.judged_offset)
    assert partition._stop._renewing is None


async def test_renewals_are_no_foreign_decisions(shells: Shells) -> None:
    partition = await stopped_at_partial(shells)
    skip_record(shells, PARTIALS, BAD, b"")
    await read_moderation(shells, partition)
    assert shells.context.metrics.foreign_decisions._value.get() == 0


async def test_skip_of_other_bytes_does_not_end_the_stop(shells: Shells) -> None:
    partition = await stopped_at_partial(shells, b"torn")
    skip_record(shells, PARTIALS, BAD, b"other")
    await partition._stage.facts._read(shells.topics.reader({}, MODERATION))  # type: ignore[arg-type]
    await settle_down()
    assert partition.stopped_at is not None and partition.judged_offset == BAD


async def test_next_owner_passes_over_a_skipped_record_at_once(shells: Shells) -> None:
    first = await stopped_at_partial(shells)
    first.drop()
    skip_record(shells, PARTIALS, BAD, b"")
    facts = AccountFactsFollower(shells.context, None, marks=False)
    await facts._read(shells.topics.reader({}, MODERATION))  # type: ignore[arg-type]
    signs = sum(isinstance(one, StoppedShard) for one in written(shells))
    owner = await started(shells, committed=3, facts=facts)
    await deliver(shells, owner, 3)
    assert owner.judged_offset >= 6 and owner.stopped_at is None
    assert sum(isinstance(one, StoppedShard) for one in written(shells)) == signs


async def settled_once(shells: Shells) -> JudgePartition:
    """Start a shard, let it settle two ticks and a flag, and drop it."""
    write_log(shells)
    first = await started(shells)
    await deliver(shells, first)
    assert settled_states(first)
    first.drop()
    return first


@pytest.mark.parametrize(
    ("topic", "value"), [(DECISIONS, b"{"), (DECISIONS, None), (PANES, b""), (SHORT_PANES, b"torn")]
)
async def test_shard_does_not_recover_past_a_bad_record(shells: Shells, topic: str, value: bytes | None) -> None:
    await settled_once(shells)
    bad = shells.topics.append(topic, 0, value, key=b"a|IN")
    owner = await started(shells, committed=3)
    assert owner.stopped_at is not None and owner.judge is None
    assert str(owner.stopped_at).startswith(f"{topic}[0] at {bad.offset} cannot be read")
    await wait_until(shells, lambda: any(isinstance(one, StoppedShard) for one in readable(shells)))
    assert any(isinstance(one, Decision) and one.is_renewal for one in readable(shells)), "its flags stand"
    skip_record(shells, topic, bad.offset, value)
    await read_moderation(shells, owner)
    await wait_until(shells, lambda: owner.judge is not None)
    assert settled_states(owner)


async def test_shard_does_not_recover_panes_of_other_score_columns(shells: Shells) -> None:
    await settled_once(shells)
    tags = Tags()
    entries = [Entry(1, 1, 1, 0, "", "text 1")]
    pane = build({("a", "IN"): (1, entries)}, tags, FIRST_PANE)
    (value,) = encode_pane(pane, 0, tags)
    bad = shells.topics.append(PANES, 0, value)
    owner = await started(shells, committed=3)
    assert owner.judge is None
    assert str(owner.stopped_at).startswith(f"{PANES}[0] at {bad.offset} cannot be read: unreadable: 'a pane with 3")


def readable(shells: Shells) -> list[object]:
    found = []
    for one in shells.topics.read(DECISIONS, 0):
        try:
            found.append(decode_record(one.value or b""))
        except msgspec.MsgspecError:
            continue
    return found


async def recovered_past(shells: Shells, topic: str, value: bytes | None, key: bytes | None) -> JudgePartition:
    await settled_once(shells)
    bad = shells.topics.append(topic, 0, value, key=key)
    skip_record(shells, topic, bad.offset, value)
    facts = AccountFactsFollower(shells.context, None, marks=False)
    await facts._read(shells.topics.reader({}, MODERATION))  # type: ignore[arg-type]
    return await started(shells, committed=3, facts=facts)


async def test_skipped_pane_pauses_clearing_for_a_window(shells: Shells) -> None:
    owner = await recovered_past(shells, PANES, b"torn", None)
    assert owner.judge is not None
    assert (
        owner.judge.state.pause.until_ms
        == min(owner.judge.state.settled_ms, NOW_MS + shells.context.settings.max_broker_skew_ms) + WINDOW_MS
    )


async def test_skipped_decision_is_written_again(shells: Shells) -> None:
    owner = await recovered_past(shells, DECISIONS, b"{", b"lost|IN")
    assert owner.judge is not None
    end = shells.topics.end(PARTIALS, 0)
    append_counts(shells, 3, bad=20, settled=3)
    await deliver(shells, owner, 3)
    (again,) = [one for one in readable(shells) if isinstance(one, Decision) and one.hashtag == "lost"]
    assert int(again.version.split(".")[1]) >= end and again.country == "IN"
    assert {one.action for one in again.rulings} == {"clear"}


@pytest.mark.parametrize("key", [None, b"progress", b"|IN", b"a|India", b"Not Normal|IN", b"\xff|IN"])
async def test_skipped_record_without_a_key_is_not_written_again(shells: Shells, key: bytes | None) -> None:
    owner = await recovered_past(shells, DECISIONS, b"{", key)
    assert owner.judge is not None and owner.judge.state.decisions._lost == set()


async def test_lost_progress_is_replaced_by_the_one_before(shells: Shells) -> None:
    """The committed offset lies behind what the older record needs, so the shard reads the log back."""
    write_log(shells)
    first = await started(shells)
    await deliver(shells, first)
    for pane in (3, 4, 5):
        append_counts(shells, pane, bad=20, settled=pane)
        await deliver(shells, first, first.judged_offset)
    expected, committed = settled_states(first), first.replay_point
    assert first.judge is not None and committed is not None
    settled_ms = first.judge.state.settled_ms
    first.drop()
    log = shells.topics.logs[DECISIONS, 0]
    (last,) = [one for one in log if one.key == PROGRESS_KEY][-1:]
    log[log.index(last)] = type(last)(last.offset, last.timestamp, last.key, b"{")
    skip_record(shells, DECISIONS, last.offset, b"{")
    facts = AccountFactsFollower(shells.context, None, marks=False)
    await facts._read(shells.topics.reader({}, MODERATION))  # type: ignore[arg-type]
    owner = await started(shells, committed=committed, facts=facts)
    assert owner.judge is not None and owner.judge.state.settled_ms < settled_ms
    await deliver(shells, owner, committed)
    assert owner.judge.state.settled_ms == settled_ms and settled_states(owner) == expected
