"""People's decisions under wrong clocks: of the host where publish runs, and of the host where a person writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hushtag_client.registers import Register, decode

from streams.flags.decision_fold import DecisionFold
from streams.flags.memory_store import MemoryFlagStore
from streams.log.decisions import Progress, encode_record
from streams.log.moderation import Override, Verb, encode_moderation
from streams.pipeline.publish_partition import DecisionsPartition, ModerationPartition
from streams.pipeline.publish_stage import DecisionsStage, ModerationStage
from tests.support.judge_shell import judge_stage
from tests.support.orders_world import OrdersWorld, accounts
from tests.support.shells import NOW_MS, Shells, make_shells, settle_down
from tests.support.wrong_clocks import ERRORS_MS, HOUR_MS, MINUTE_MS, WRONG_CLOCKS, WrongClock

LASTS_MS = 5 * MINUTE_MS
STEP_MS = 30_000
"""Time between two ticks, each of which a judge writes to the log."""


class WrongHost:
    """Publish on a host with a wrong clock, a broker and a reader with right ones."""

    def __init__(self, shells: Shells, store: MemoryFlagStore, clock: WrongClock) -> None:
        self.shells, self.store = shells, store
        self.writer_ms = clock.reading(lambda: shells.topics.now_ms)
        self.people_stage = ModerationStage(shells.context)
        self.stage = DecisionsStage(shells.context, lambda: DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5))
        self.people: ModerationPartition = self.people_stage.partition(0)
        self.decisions: DecisionsPartition = self.stage.partition(0)
        self.people.start_at(None, 0)
        self.decisions.start_at(None, 0)
        self._read = {"moderation": 0, "suppression-decisions": 0}
        self._number = 0

    def decide(self, action: Verb, lasts_ms: int, tag: str = "tag") -> None:
        self._number += 1
        record = Override(
            id=f"id{self._number}", hashtag=tag, display=tag, country="*", surfaces=("trends",), actor="ann",
            reason="seen", at_ms=self.writer_ms(), edits=self.people.fold.version([(tag, "trends", "*", "human")]),
            action=action, lasts_ms=lasts_ms,
        )  # fmt: skip
        value, key = encode_moderation(record)
        self.shells.topics.append("moderation", 0, value, key=key)

    def order_for_a_time(self, account: int) -> None:
        """Write an order on an account, with an interim decision."""
        orders = OrdersWorld()
        orders.now_ms = self.writer_ms()
        order = orders.intake(accounts(account))
        orders.review(order)
        orders.rule(order, "withheld", str(account))
        orders.step_for(order, "interim", lasts_ms=LASTS_MS)
        for value, key in orders.log.records:
            self.shells.topics.append("moderation", 0, value, key=key)

    async def run_idle_for(self, ms: int) -> None:
        """Let time pass while no judge writes."""
        self.shells.topics.now_ms += ms
        await self._publish()

    async def run_for(self, ms: int) -> None:
        """Let time pass: every tick is written and read, and publish does its periodic work."""
        until_ms = self.shells.topics.now_ms + ms
        while True:
            now_ms = self.shells.topics.now_ms
            tick = Progress(shard=0, settled_ms=now_ms, position=now_ms, replay_offset=0, activations=[])
            self.shells.topics.append("suppression-decisions", 0, encode_record(tick))
            await self._publish()
            if now_ms >= until_ms:
                return
            self.shells.topics.now_ms = min(now_ms + STEP_MS, until_ms)

    async def _publish(self) -> None:
        for topic, partition in (("moderation", self.people), ("suppression-decisions", self.decisions)):
            batch = self.shells.topics.read(topic, 0, self._read[topic])
            self._read[topic] += len(batch)
            await partition.process(batch)
        await settle_down()
        running = [asyncio.create_task(stage.run()) for stage in (self.people_stage, self.stage)]
        await settle_down()
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def register(self, target: str = "tag") -> Register | None:
        registers = [decode(value) for value in self.store.server.registers.values()]
        return next((one for one in registers if one.hashtag == target), None)

    def shown(self, target: str = "tag") -> str:
        """Return the action that a reader with a right clock applies."""
        found = self.register(target)
        return found.action if found is not None and found.in_force(self.shells.topics.now_ms) else "clear"


Begin = Callable[[WrongClock], WrongHost]


@pytest.fixture
async def begin(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Begin]:
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    monkeypatch.setattr("streams.pipeline.publish_stage.RECONCILE_SECONDS", 0)
    worlds: list[WrongHost] = []

    def make(clock: WrongClock) -> WrongHost:
        store = MemoryFlagStore(partitions=1)
        shells = make_shells(monkeypatch, store=store)
        shells.topics.now_ms = NOW_MS
        host_ms = clock.reading(lambda: shells.topics.now_ms)
        monkeypatch.setattr("streams.log.log_clock.monotonic_seconds", lambda: shells.topics.now_ms / 1000)
        for module in ("publish_partition", "publish_stage"):
            monkeypatch.setattr(f"streams.pipeline.{module}.now_ms", host_ms)
        worlds.append(WrongHost(shells, store, clock))
        return worlds[-1]

    yield make
    for world in worlds:
        world.people.drop()
        world.decisions.drop()
        await settle_down()
        world.shells.context.executor.shutdown()
        assert world.shells.crashed == []


@pytest.mark.parametrize("clock", WRONG_CLOCKS)
async def test_decision_lasts_its_duration_whatever_the_clocks_show(begin: Begin, clock: WrongClock) -> None:
    await lasts_its_duration(begin(clock), "block", "tag", "suppress")


@pytest.mark.parametrize("error_ms", [HOUR_MS, -HOUR_MS])
@pytest.mark.parametrize(
    ("action", "tag", "shown"),
    [("hold", "tag", "hold"), ("allow", "tag", "allow"), ("allow", "*", "allow")],
    ids=["hold", "allow", "pause"],
)
async def test_decision_of_each_kind_lasts_its_duration(
    begin: Begin, error_ms: int, action: Verb, tag: str, shown: str
) -> None:
    await lasts_its_duration(begin(WrongClock(error_ms)), action, tag, shown)


async def lasts_its_duration(world: WrongHost, action: Verb, tag: str, shown: str) -> None:
    await world.run_for(0)
    world.decide(action, LASTS_MS, tag)
    decided_ms = world.shells.topics.now_ms
    await world.run_for(LASTS_MS - 1)
    assert world.shown(tag) == shown
    register = world.register(tag)
    assert register is not None and register.expires_at_ms == decided_ms + LASTS_MS
    await world.run_for(1)
    assert world.shown(tag) == "clear"


@pytest.mark.parametrize("clock", WRONG_CLOCKS)
async def test_interim_order_lasts_its_duration_whatever_the_clocks_show(begin: Begin, clock: WrongClock) -> None:
    world = begin(clock)
    await world.run_for(0)
    world.order_for_a_time(7)
    await world.run_for(LASTS_MS - 1)
    assert world.shown("7") == "suppress"
    await world.run_for(1)
    assert world.shown("7") == "clear"


@pytest.mark.parametrize("clock", WRONG_CLOCKS)
async def test_short_decision_gives_way_to_the_one_below_it(begin: Begin, clock: WrongClock) -> None:
    world = begin(clock)
    await world.run_for(0)
    world.decide("block", 20 * MINUTE_MS)
    await world.run_for(MINUTE_MS)
    world.decide("allow", LASTS_MS)
    await world.run_for(LASTS_MS - 1)
    assert world.shown() == "allow"
    await world.run_for(STEP_MS)
    assert world.shown() == "suppress"


@pytest.mark.parametrize("clock", WRONG_CLOCKS)
@pytest.mark.parametrize(("lower", "upper", "shown"), [("allow", "block", "allow"), ("block", "allow", "suppress")])
async def test_short_decision_gives_way_while_nothing_is_appended(
    begin: Begin, clock: WrongClock, lower: Verb, upper: Verb, shown: str
) -> None:
    world = begin(clock)
    await world.run_for(0)
    world.decide(lower, 20 * MINUTE_MS)
    await world.run_idle_for(MINUTE_MS)
    world.decide(upper, LASTS_MS)
    await world.run_idle_for(0)
    await world.run_idle_for(LASTS_MS - 1_000)
    assert world.shown() != shown
    await world.run_idle_for(1_000)
    assert world.shown() == shown


@pytest.mark.parametrize("clock", WRONG_CLOCKS)
async def test_wrong_clock_deletes_no_register_that_is_needed(begin: Begin, clock: WrongClock) -> None:
    world = begin(clock)
    await world.run_for(0)
    world.decide("block", 30 * MINUTE_MS)
    await world.run_for(4 * MINUTE_MS)
    assert world.shown() == "suppress"
    await world.run_for(27 * MINUTE_MS)
    assert world.register() is None, "the log has passed its end, so the sweep takes it"


@pytest.mark.parametrize("error_ms", ERRORS_MS)
async def test_worker_that_only_publishes_notices_its_wrong_clock(begin: Begin, error_ms: int) -> None:
    world = begin(WrongClock(error_ms))
    clock = world.shells.context.log_clock
    await world.run_for(4 * STEP_MS)
    assert abs(clock.host_ahead_ms - error_ms) <= STEP_MS
    assert clock.why_wrong()


async def test_worker_that_reads_a_long_log_has_no_wrong_clock(begin: Begin) -> None:
    world = begin(WrongClock(0))
    for _ in range(3):
        world.decide("block", LASTS_MS)
        world.shells.topics.now_ms += HOUR_MS
    await world.run_for(4 * STEP_MS)
    assert world.shells.context.log_clock.host_ahead_ms == 0


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_early_decisions_go_by_the_brokers_time(monkeypatch: pytest.MonkeyPatch, error_ms: int) -> None:
    shells = make_shells(monkeypatch)
    monkeypatch.setattr("streams.pipeline.judge_stage.now_ms", lambda: NOW_MS + error_ms)
    shells.context.log_clock.compare(NOW_MS, after_ms=NOW_MS + error_ms, before_ms=NOW_MS + error_ms)
    stage = judge_stage(shells)
    timely_ms = shells.context.settings.timely_ms
    flushes = [SimpleNamespace(newest_ms=NOW_MS - age_ms) for age_ms in (timely_ms, timely_ms + 1)]
    assert [stage.is_timely(one) for one in flushes] == [True, False]
