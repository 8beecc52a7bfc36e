"""The follower of the moderation topic: its marks, and judges that wait until it has read up to a mark."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from streams.constants import PANE_MS
from streams.errors import DependencyAway, TopicsError
from streams.log.account_facts import AppliedMark, FactsMark
from streams.log.decisions import Progress, decode_record
from streams.log.partials import decode_partial, encode_partial
from streams.pipeline.account_facts import AccountFactsFollower
from tests.support.judge_harness import SUPPRESS, activation
from tests.support.judge_shell import DECISIONS, PARTIALS, append_counts, deliver, in_flight, keep_policies, started
from tests.support.orders_world import OrdersWorld, accounts
from tests.support.shells import NOW_MS, Shells, make_shells

MODERATION = "moderation"
LOG = SimpleNamespace(warning=lambda *_, **__: None)


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch, shards=3)

    keep_policies(monkeypatch)
    monkeypatch.setattr("streams.pipeline.account_facts.POLL_SECONDS", 0.01)
    monkeypatch.setattr("streams.pipeline.account_facts.topic_id_of", lambda *_: "t")
    yield made
    made.context.executor.shutdown()


def moderation(shells: Shells) -> OrdersWorld:
    """Return a moderation service whose records `publish` moves to the topic."""
    shells.topics.logs.setdefault((MODERATION, 0), [])
    return OrdersWorld()


def publish(shells: Shells, world: OrdersWorld) -> int:
    """Append the new records to the topic; return its end."""
    for value, key in world.log.records[shells.topics.end(MODERATION, 0) :]:
        shells.topics.append(MODERATION, 0, value, key=key)
    return shells.topics.end(MODERATION, 0)


def marks(shells: Shells) -> list[tuple[int, int]]:
    """Return (shard, upto) of every mark sent."""
    found = [(one.partition, decode_partial(one.value or b"")) for one in shells.sender.in_flight]
    for (topic, shard), log in shells.topics.logs.items():
        found += [(shard, decode_partial(one.value or b"")) for one in log] if topic == PARTIALS else []
    return sorted((shard, mark.upto) for shard, mark in found if isinstance(mark, FactsMark))


async def eventually(wanted: object, look: object) -> None:
    async with asyncio.timeout(60):
        while look() != wanted:  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_marks_reach_every_shard_before_counting(shells: Shells) -> None:
    world = moderation(shells)
    world.protect("7")
    end = publish(shells, world)
    follower = AccountFactsFollower(shells.context, LOG, marks=True)
    beginning = asyncio.ensure_future(follower.begin())
    await eventually([(shard, end) for shard in range(3)], lambda: marks(shells))
    assert not beginning.done()
    shells.sender.deliver()
    await beginning
    assert (follower.store.upto, follower.store.count_unended()) == (end, {"hidden": 0, "protected": 1})


async def test_topic_without_account_facts_sends_no_mark(shells: Shells) -> None:
    world = moderation(shells)
    world.review(world.intake(accounts(1)))
    publish(shells, world)
    await AccountFactsFollower(shells.context, LOG, marks=True).begin()
    assert shells.sender.in_flight == []


async def test_ingest_workers_send_one_mark_per_change(shells: Shells) -> None:
    shells.sender.at_once = True
    world = moderation(shells)
    for sends in (True, False):
        follower = AccountFactsFollower(shells.context, LOG, marks=sends)
        await follower.begin()
        running = asyncio.ensure_future(follower.run())
        world.protect("7" if sends else "8")
        end = publish(shells, world)
        await eventually(end, lambda follower=follower: follower.store.upto)
        await asyncio.sleep(0.05)
        assert marks(shells) == [(shard, 2) for shard in range(3)]
        running.cancel()


async def test_follower_waits_for_a_silent_broker(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    shells.sender.at_once = True
    world = moderation(shells)
    follower = AccountFactsFollower(shells.context, LOG, marks=True)
    await follower.begin()
    away = [DependencyAway("no broker", fix="wait")] * 2

    def asked() -> None:
        if away:
            raise away.pop()

    shells.topics.asked = asked
    world.protect("7")
    end = publish(shells, world)
    running = asyncio.ensure_future(follower.run())
    await asyncio.wait_for(follower.read_up_to(FactsMark("t", end)), 60)
    assert away == []
    running.cancel()


async def test_topic_shorter_than_a_mark_ends_the_worker(shells: Shells) -> None:
    world = moderation(shells)
    world.protect("7")
    end = publish(shells, world)
    follower = AccountFactsFollower(shells.context, LOG, marks=False)
    await follower.begin()
    waiting = asyncio.ensure_future(follower.read_up_to(FactsMark("t", end + 1)))
    with pytest.raises(TopicsError, match="cut short, or created again"):
        await asyncio.wait_for(follower.run(), 60)
    waiting.cancel()


async def test_marks_of_a_deleted_topic_are_ignored(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.pipeline.account_facts.topic_id_of", lambda *_: "new")
    moderation(shells)
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    shells.topics.append(PARTIALS, 0, encode_partial(FactsMark("t", 500)))
    append_counts(shells, 0, bad=20)
    follower = AccountFactsFollower(shells.context, LOG, marks=False)
    await follower.begin()
    partition = await started(shells, facts=follower)
    await deliver(shells, partition)
    assert partition.judge is not None and partition.judge.state.position.offset == 2
    partition.judge.state.facts.load([AppliedMark("t", 500, 0), AppliedMark("new", 0, 10)])
    assert partition.judge.state.facts.progress() == {"facts": [AppliedMark("new", 0, 10)]}
    assert shells.crashed == []


async def test_judge_waits_for_facts_and_next_owner_recovers_marks(shells: Shells) -> None:
    shells.sender.at_once = True
    world = moderation(shells)
    world.now_ms = NOW_MS - PANE_MS
    world.protect("7")
    world.protect("8")
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, 0, bad=20)
    shells.topics.append(PARTIALS, 0, encode_partial(FactsMark("t", 4)))
    append_counts(shells, 1, bad=20, settled=1)
    append_counts(shells, 2, bad=1, settled=2)
    follower = AccountFactsFollower(shells.context, LOG, marks=False)
    follower.store.topic_id = "t"
    publish(shells, world)
    first = await started(shells, facts=follower)
    await deliver(shells, first)
    assert first.judge is not None and first.judge.state.position.offset == 1, "the judge waits"
    await follower.begin()
    await deliver(shells, first)
    assert first.judge.state.settled_ms == NOW_MS // PANE_MS * PANE_MS + 2 * PANE_MS
    progress = [one for value in shells.topics.read(DECISIONS, 0) if isinstance(
        one := decode_record(value.value or b""), Progress)][-1]  # fmt: skip
    passed_ms = NOW_MS // PANE_MS * PANE_MS
    assert progress.facts == [AppliedMark("t", 4, passed_ms)] and progress.passed_ms == passed_ms + 2 * PANE_MS

    successor = AccountFactsFollower(shells.context, LOG, marks=False)
    successor.store.topic_id = "t"
    second = await started(shells, committed=first.replay_point, facts=successor)
    assert second.judge is None, "its store is not read up to the mark"
    await successor.begin()
    while second.judge is None:  # a thread recovers the judge
        await asyncio.sleep(0.01)
    assert second.judge.state.facts.progress() == {"facts": progress.facts}
    assert second.judge.state.position.passed_ms == progress.passed_ms
    assert shells.crashed == [] and in_flight(shells) == []
