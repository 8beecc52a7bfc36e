"""What follows the moderation topic for the judges: when shards are told, and that no judge runs ahead of the book."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from streams.counting.block_counts import PANE_MS
from streams.errors import DependencyAway, TopicsError
from streams.log.account_facts import FactsMark, HeardFacts
from streams.log.decisions import Progress, decode_record
from streams.log.partials import decode_partial, encode_partial
from streams.pipeline.account_facts import FactsFollower
from tests.support.orders_world import World, accounts
from tests.support.shells import NOW_MS, Shells, make_shells
from tests.unit.streams.judging.test_shard_judge import SUPPRESS, activation
from tests.unit.streams.pipeline.test_judge import DECISIONS, PARTIALS, judged, say, started, under_way

MODERATION = "moderation"
LOG = SimpleNamespace(warning=lambda *_, **__: None)


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch, shards=3)

    async def policies(_: object) -> dict[str, object]:
        return {SUPPRESS.revision: activation(SUPPRESS)}

    monkeypatch.setattr("streams.pipeline.recovery.read_policies", policies)
    monkeypatch.setattr("streams.pipeline.account_facts.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("streams.pipeline.account_facts.topic_id_of", lambda *_: "t")
    yield made
    made.context.executor.shutdown()


def people(shells: Shells) -> World:
    """A desk whose records go to the moderation topic by `publish`."""
    shells.topics.logs.setdefault((MODERATION, 0), [])
    return World()


def publish(shells: Shells, world: World) -> int:
    """What was written and is not in the topic yet; its end."""
    for value, key in world.log.records[shells.topics.end(MODERATION, 0) :]:
        shells.topics.append(MODERATION, 0, value, key=key)
    return shells.topics.end(MODERATION, 0)


def marks(shells: Shells) -> list[tuple[int, int]]:
    """(shard, upto) of what is under way, or has arrived."""
    found = [(one.partition, decode_partial(one.value or b"")) for one in shells.sender.under_way]
    for (topic, shard), log in shells.topics.logs.items():
        found += [(shard, decode_partial(one.value or b"")) for one in log] if topic == PARTIALS else []
    return sorted((shard, mark.upto) for shard, mark in found if isinstance(mark, FactsMark))


async def eventually(wanted: object, look: object) -> None:
    async with asyncio.timeout(60):
        while look() != wanted:  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_every_shard_is_told_before_anything_is_counted(shells: Shells) -> None:
    world = people(shells)
    world.protect("7")
    end = publish(shells, world)
    follower = FactsFollower(shells.context, LOG, marks=True)
    beginning = asyncio.ensure_future(follower.begin())
    await eventually([(shard, end) for shard in range(3)], lambda: marks(shells))
    assert not beginning.done()
    shells.sender.deliver()
    await beginning
    assert (follower.book.upto, follower.book.running()) == (end, {"hidden": 0, "protected": 1})


async def test_where_nothing_is_said_of_accounts_no_shard_hears_of_it(shells: Shells) -> None:
    world = people(shells)
    world.review(world.intake(accounts(1)))
    publish(shells, world)
    await FactsFollower(shells.context, LOG, marks=True).begin()
    assert shells.sender.under_way == []


async def test_each_change_is_told_once_and_by_those_who_ingest(shells: Shells) -> None:
    shells.sender.at_once = True
    world = people(shells)
    for told in (True, False):
        follower = FactsFollower(shells.context, LOG, marks=told)
        await follower.begin()
        running = asyncio.ensure_future(follower.run())
        world.protect("7" if told else "8")
        end = publish(shells, world)
        await eventually(end, lambda follower=follower: follower.book.upto)
        await asyncio.sleep(0.05)
        assert marks(shells) == [(shard, 2) for shard in range(3)]
        running.cancel()


async def test_a_broker_that_is_away_is_waited_for(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    shells.sender.at_once = True
    world = people(shells)
    follower = FactsFollower(shells.context, LOG, marks=True)
    await follower.begin()
    away = [DependencyAway("no broker", fix="wait")] * 2

    def asked() -> None:
        if away:
            raise away.pop()

    shells.topics.asked = asked
    world.protect("7")
    end = publish(shells, world)
    running = asyncio.ensure_future(follower.run())
    await asyncio.wait_for(follower.reached(FactsMark("t", end)), 60)
    assert away == []
    running.cancel()


async def test_a_topic_that_is_shorter_than_what_shards_have_heard_ends_the_worker(shells: Shells) -> None:
    world = people(shells)
    world.protect("7")
    end = publish(shells, world)
    follower = FactsFollower(shells.context, LOG, marks=False)
    await follower.begin()
    waiting = asyncio.ensure_future(follower.reached(FactsMark("t", end + 1)))
    with pytest.raises(TopicsError, match="cut short, or made anew"):
        await asyncio.wait_for(follower.run(), 60)
    waiting.cancel()


async def test_marks_of_a_topic_that_was_made_anew_since_mean_nothing(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.pipeline.account_facts.topic_id_of", lambda *_: "anew")
    people(shells)
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    shells.topics.append(PARTIALS, 0, encode_partial(FactsMark("t", 500)))
    say(shells, 0, bad=20)
    follower = FactsFollower(shells.context, LOG, marks=False)
    await follower.begin()
    partition = await started(shells, facts=follower)
    await judged(shells, partition)
    assert partition.judge is not None and partition.judge.offset == 2
    partition.judge.facts.recover([HeardFacts("t", 500, 0), HeardFacts("anew", 0, 10)], 20)
    assert partition.judge.facts.to_list() == [HeardFacts("anew", 0, 10)]
    assert shells.crashed == []


async def test_a_judge_waits_for_the_book_and_its_successor_knows_what_it_had_heard(shells: Shells) -> None:
    shells.sender.at_once = True
    world = people(shells)
    world.now_ms = NOW_MS - PANE_MS
    world.protect("7")
    world.protect("8")
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    say(shells, 0, bad=20)
    shells.topics.append(PARTIALS, 0, encode_partial(FactsMark("t", 4)))
    say(shells, 1, bad=20, settled=1)
    say(shells, 2, bad=1, settled=2)
    follower = FactsFollower(shells.context, LOG, marks=False)
    follower.book.topic_id = "t"
    publish(shells, world)
    first = await started(shells, facts=follower)
    await judged(shells, first)
    assert first.judge is not None and first.judge.offset == 1, "it waits"
    await follower.begin()
    await judged(shells, first)
    assert first.judge.settled_ms == NOW_MS // PANE_MS * PANE_MS + 2 * PANE_MS
    progress = [one for value in shells.topics.read(DECISIONS, 0) if isinstance(
        one := decode_record(value.value or b""), Progress)][-1]  # fmt: skip
    passed_ms = NOW_MS // PANE_MS * PANE_MS
    assert progress.facts == [HeardFacts("t", 4, passed_ms)] and progress.passed_ms == passed_ms + 2 * PANE_MS

    heir = FactsFollower(shells.context, LOG, marks=False)
    heir.book.topic_id = "t"
    second = await started(shells, committed=first.replay_point, facts=heir)
    assert second.judge is None, "it has not read so far"
    await heir.begin()
    while second.judge is None:  # a thread takes over what its predecessor kept
        await asyncio.sleep(0.01)
    assert second.judge.facts.to_list() == progress.facts
    assert second.judge.facts.passed_ms == progress.passed_ms
    assert shells.crashed == [] and under_way(shells) == []
