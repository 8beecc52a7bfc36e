"""The publish shell: nothing is written before the fold is whole; a store that lost its data is put right at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest
from hushtag_client.registers import decode

from streams.errors import FlagStoreUnavailable, TopicsError
from streams.flags.decision_fold import DecisionFold
from streams.flags.memory_store import MemoryFlagStore
from streams.log.decisions import Action, encode_record
from streams.pipeline.publish import DecisionsPartition, DecisionsStage
from tests.support.shells import Shells, make_shells, settle_down
from tests.unit.streams.flags.test_folds import decision

TOPIC = "suppression-decisions"
FAR_MS = 4_000_000_000_000


class Publishing:
    """One partition of decisions, its store, and a hand that writes its log."""

    def __init__(self, shells: Shells, store: MemoryFlagStore) -> None:
        self.shells, self.store = shells, store
        self.stage = DecisionsStage(shells.context, lambda: DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5))
        self.partition: DecisionsPartition | None = None
        self.read = 0

    def say(self, version: int, action: Action, tag: str = "tag") -> None:
        expires = 0 if action == "clear" else FAR_MS
        said = decision(version, ("abuse", "trends", action, expires), tag=tag, at_ms=FAR_MS - 1_000 + version)
        self.shells.topics.append(TOPIC, 0, encode_record(said))

    def start(self) -> None:
        self.partition = self.stage.partition(0)
        self.partition.start(None, 0)

    async def deliver(self, count: int | None = None) -> None:
        assert self.partition is not None
        batch = self.shells.topics.read(TOPIC, 0, self.read)[:count]
        self.read += len(batch)
        await self.partition.take(batch)
        await settle_down()

    async def beat(self) -> None:
        """Some heartbeats, `HEARTBEAT_SECONDS` being none."""
        beating = asyncio.create_task(self.stage.run())
        await settle_down()
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating

    @property
    def flags(self) -> dict[str, str]:
        registers = map(decode, self.store.server.registers.values())
        return {register.hashtag: register.action for register in registers}


@pytest.fixture
async def publishing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Publishing]:
    store = MemoryFlagStore(partitions=1)
    shells = make_shells(monkeypatch, store=store)
    made = Publishing(shells, store)
    yield made
    if made.partition is not None:
        made.partition.drop()
    await settle_down()
    shells.context.executor.shutdown()
    assert shells.crashed == []


async def test_nothing_is_written_before_the_log_was_read_to_the_end_it_had(publishing: Publishing) -> None:
    publishing.say(1, "suppress")
    publishing.say(2, "clear")
    publishing.start()
    await settle_down()
    await publishing.deliver(1)
    assert publishing.flags == {}, "an old suppression must not flash up"
    await publishing.deliver()
    assert publishing.flags == {"tag": "clear"}
    publishing.say(3, "suppress")
    await publishing.deliver()
    assert publishing.flags == {"tag": "suppress"}


@pytest.mark.parametrize(("remembered", "ends"), [(1, False), (2, False), (3, True)])
async def test_a_server_that_knows_more_than_the_log_is_not_written_to(
    publishing: Publishing, remembered: int, ends: bool
) -> None:
    """Its versions are higher: what the new log says would be refused, register by register, in silence."""
    server = publishing.store.server
    server.sentinels["0"] = ("the server before", remembered)
    publishing.say(1, "suppress")
    publishing.say(2, "clear")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    if not ends:
        assert publishing.flags == {"tag": "clear"}
        return
    (error,) = publishing.shells.crashed
    assert isinstance(error, TopicsError) and "suppression-decisions[0] ends at 2, before 3" in str(error)
    assert "redis-cli" in error.fix
    assert (publishing.flags, server.sentinels) == ({}, {"0": ("the server before", 3)})
    publishing.shells.crashed.clear()


async def test_a_server_that_is_away_is_asked_again_what_it_knows(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "streams.flags.memory_store.FlagStoreUnavailable", partial(FlagStoreUnavailable, retry_after_seconds=0.0)
    )
    publishing.store.server.away = True
    publishing.say(1, "suppress")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    assert publishing.partition is not None and not publishing.partition.ready
    publishing.store.server.away = False
    await settle_down()
    assert publishing.flags == {"tag": "suppress"}


async def test_a_record_that_is_delivered_again_does_not_count(publishing: Publishing) -> None:
    publishing.start()
    publishing.say(1, "suppress")
    await publishing.deliver()
    publishing.read = 0
    publishing.say(2, "clear")
    await publishing.deliver()
    assert publishing.flags == {"tag": "clear"}


@pytest.mark.parametrize("loss", ["flushall", "restart", "restart empty"])
async def test_a_write_after_a_loss_brings_everything_back(publishing: Publishing, loss: str) -> None:
    publishing.start()
    publishing.say(1, "suppress", "old")
    publishing.say(2, "suppress", "cleared")
    publishing.say(3, "clear", "cleared")
    await publishing.deliver()
    server = publishing.store.server
    if loss == "flushall":
        server.flushall()
    else:
        server.restart(with_data=loss == "restart")
    publishing.say(4, "suppress", "new")
    await publishing.deliver()
    assert publishing.flags == {"old": "suppress", "cleared": "clear", "new": "suppress"}
    assert server.sentinels == {"0": (server.run_id, 4)}


async def test_a_loss_is_mended_though_nothing_is_said(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.pipeline.publish.HEARTBEAT_SECONDS", 0)
    publishing.start()
    publishing.say(1, "suppress")
    await publishing.deliver()
    publishing.store.server.flushall()
    await publishing.beat()
    assert publishing.flags == {"tag": "suppress"}


async def test_what_waits_for_a_store_that_is_away_is_the_last_word_on_each_flag(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is decided meanwhile, memory holds a register each; reading goes on, since the log is the truth."""
    away = partial(FlagStoreUnavailable, retry_after_seconds=0.0)
    monkeypatch.setattr("streams.flags.memory_store.FlagStoreUnavailable", away)
    publishing.start()
    publishing.say(1, "suppress", "tag0")
    await publishing.deliver()
    publishing.store.server.away = True
    for version in range(2, 500):
        publishing.say(version, "suppress" if version % 2 else "clear", f"tag{version % 3}")
        await publishing.deliver()
    assert publishing.partition is not None
    assert publishing.partition.position == 499
    assert len(publishing.partition._changed) <= 3
    publishing.store.server.away = False
    await settle_down()
    assert publishing.flags == {"tag0": "clear", "tag1": "suppress", "tag2": "suppress"}


@pytest.mark.parametrize("noticed", ["by the heartbeat", "by a write"])
async def test_a_loss_that_a_zombie_mended_with_less_is_mended_again(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch, noticed: str
) -> None:
    monkeypatch.setattr("streams.pipeline.publish.HEARTBEAT_SECONDS", 0)
    publishing.start()
    publishing.say(1, "suppress")
    await publishing.deliver()
    assert publishing.partition is not None
    known_to_it = publishing.partition.fold.registers()
    publishing.say(2, "clear")
    await publishing.deliver()
    publishing.store.server.flushall()
    await publishing.store.reconcile("0", known_to_it, upto=1)
    assert publishing.flags == {"tag": "suppress"}
    if noticed == "by a write":
        publishing.say(3, "suppress", "other")
        await publishing.deliver()
    else:
        await publishing.beat()
    assert publishing.flags == {"tag": "clear"} | ({"other": "suppress"} if noticed == "by a write" else {})


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = partial(FlagStoreUnavailable, retry_after_seconds=0.0)
    monkeypatch.setattr("streams.flags.memory_store.FlagStoreUnavailable", away)
    publishing.start()
    publishing.say(1, "suppress", "one")
    await publishing.deliver()
    publishing.store.server.away = True
    publishing.say(2, "suppress", "two")
    await publishing.deliver()
    publishing.say(3, "clear", "one")
    await publishing.deliver()
    assert publishing.flags == {"one": "suppress"}
    publishing.store.server.away = False
    await settle_down()
    assert publishing.flags == {"one": "clear", "two": "suppress"}
