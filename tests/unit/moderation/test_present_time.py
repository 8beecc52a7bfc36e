"""The log's time in a process that has read no recent record: that of a running publisher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from moderation.cli.terminal import end_option
from moderation.log import present_time
from streams.errors import CallerMistake, FlagStoreUnavailable
from streams.explain import sources
from streams.flags import lookup, publish_time
from streams.flags.overrides import OverrideHistory
from streams.flags.publish_time import AGREES_MS, adopt_publish_time, present_ms
from streams.log.log_clock import LogClock
from streams.settings import Settings
from tests.support.in_memory_log import InMemoryLog, in_memory_service
from tests.support.wrong_clocks import ERRORS_MS, HOUR_MS, MINUTE_MS

TRUE_MS = 1_611_600_000_000


class Heartbeats:
    """Redis with the heartbeats of publishers, read by a host whose clock is wrong."""

    def __init__(self, error_ms: int) -> None:
        self.error_ms = error_ms
        self.live, self.dead = {b"0": TRUE_MS - 700}, {}
        self.now_ms, self.reads = TRUE_MS, 0
        self.fault: Exception | None = None

    async def heartbeats(self) -> dict[bytes, int]:
        if self.fault is not None:
            raise self.fault
        self.reads += 1
        self.now_ms += 250
        if self.reads % 4 == 0:
            self.live = dict.fromkeys(self.live, self.now_ms)
        return self.live | self.dead

    def host_ms(self) -> int:
        return self.now_ms + self.error_ms

    async def __aenter__(self) -> Heartbeats:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None


Make = Callable[[int], Heartbeats]


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(publish_time, "POLL_SECONDS", 0.0)

    def made(error_ms: int) -> Heartbeats:
        fake = Heartbeats(error_ms)
        monkeypatch.setattr(lookup, "FlagLookup", lambda *_, **__: fake)
        monkeypatch.setattr(publish_time, "steady_ms", fake.host_ms)
        return fake

    return made


def opened(fake: Heartbeats) -> type:
    """Return a service class on a host with the clock of `fake`."""

    class Opened:
        def __init__(self, settings: Settings) -> None:
            self.service = in_memory_service(InMemoryLog(), fake.host_ms)

        async def __aenter__(self) -> Any:
            return self.service

        async def __aexit__(self, *exception: object) -> None:
            return None

    return Opened


def adopted_ms(fake: Heartbeats) -> int:
    """Return the present time after the adoption, less the true time."""
    clock = LogClock()
    asyncio.run(adopt_publish_time(clock, "redis://fake", fake.host_ms))
    return clock.present_ms(fake.host_ms()) - fake.now_ms


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_new_process_takes_the_time_of_a_running_publisher(redis: Make, error_ms: int) -> None:
    fake = redis(error_ms)
    assert abs(adopted_ms(fake)) <= 500
    assert fake.reads <= 6


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_heartbeat_that_does_not_advance_is_not_believed(
    redis: Make, monkeypatch: pytest.MonkeyPatch, error_ms: int
) -> None:
    fake = redis(error_ms)
    monkeypatch.setattr(publish_time, "NEXT_HEARTBEAT_SECONDS", 0.2)
    fake.live, fake.dead = {}, {b"0": TRUE_MS - 700}
    assert adopted_ms(fake) == error_ms


def test_what_a_dead_publisher_left_hides_no_running_one(redis: Make) -> None:
    fake = redis(HOUR_MS)
    fake.dead = {b"1": TRUE_MS + 10 * MINUTE_MS}
    assert abs(adopted_ms(fake)) <= 500


@pytest.mark.parametrize("error_ms", [AGREES_MS - 2_000, 2_000 - AGREES_MS, 0])
def test_small_error_needs_no_second_heartbeat(redis: Make, error_ms: int) -> None:
    fake = redis(error_ms)
    assert (adopted_ms(fake), fake.reads) == (error_ms, 1)


@pytest.mark.parametrize("fault", [FlagStoreUnavailable("Redis is away"), TimeoutError()])
def test_process_goes_on_by_its_own_clock_without_redis(redis: Make, fault: Exception) -> None:
    fake = redis(HOUR_MS)
    fake.fault = fault
    assert adopted_ms(fake) == HOUR_MS


def test_process_waits_no_longer_than_for_the_next_heartbeat(redis: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, went_on = redis(HOUR_MS), list[bool]()
    monkeypatch.setattr(publish_time, "NEXT_HEARTBEAT_SECONDS", 0.2)

    async def hangs() -> dict[bytes, int]:
        await asyncio.sleep(60)
        went_on.append(True)
        return {}

    monkeypatch.setattr(fake, "heartbeats", hangs)
    assert adopted_ms(fake) == HOUR_MS and not went_on


def test_jump_of_one_workers_clock_is_not_taken_over(redis: Make) -> None:
    fake = redis(HOUR_MS)
    fake.live = dict.fromkeys((b"0", b"1", b"2"), TRUE_MS - 700)
    monotonic = fake.heartbeats

    async def jumped() -> dict[bytes, int]:
        beats = await monotonic()
        return beats | {b"2": beats[b"2"] + (10 * HOUR_MS if fake.reads >= 4 else 0)}

    fake.heartbeats = jumped  # type: ignore[method-assign]
    assert abs(adopted_ms(fake)) <= 500


@pytest.mark.parametrize("error_ms", ERRORS_MS)
async def test_process_that_starts_before_a_publisher_takes_its_time_later(
    redis: Make, monkeypatch: pytest.MonkeyPatch, error_ms: int
) -> None:
    fake = redis(error_ms)
    monkeypatch.setattr(present_time, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(present_time, "ModerationService", opened(fake))
    running, fake.live = fake.live, {}
    async with present_time.open_moderation(Settings(), renews=True) as service:
        assert service.now_ms() - fake.now_ms == error_ms
        fake.live = running
        async with asyncio.timeout(60):
            while abs(service.now_ms() - fake.now_ms) > 500:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_adopted_time_outlasts_the_reading_of_old_records(redis: Make, error_ms: int) -> None:
    fake, clock = redis(error_ms), LogClock()
    asyncio.run(adopt_publish_time(clock, "redis://fake", fake.host_ms))
    clock.compare(fake.now_ms - HOUR_MS, after_ms=0, before_ms=fake.host_ms())
    assert abs(clock.present_ms(fake.host_ms()) - fake.now_ms) <= 500


@pytest.mark.parametrize("error_ms", ERRORS_MS)
async def test_opened_service_has_the_time_at_once(redis: Make, monkeypatch: pytest.MonkeyPatch, error_ms: int) -> None:
    fake = redis(error_ms)
    monkeypatch.setattr(present_time, "ModerationService", opened(fake))
    async with present_time.open_moderation(Settings()) as service:
        assert abs(service.now_ms() - fake.now_ms) <= 500


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_end_of_a_command_must_lie_ahead_of_the_logs_time(redis: Make, error_ms: int) -> None:
    redis(error_ms)
    assert end_option(None, "2021-01-25T18:45:00Z", "7d").expires_at_ms == TRUE_MS + 5 * MINUTE_MS
    redis(error_ms)
    with pytest.raises(CallerMistake):
        end_option(None, "2021-01-25T18:35:00Z", "7d")


def test_duration_of_a_command_reads_no_time(redis: Make) -> None:
    fake = redis(HOUR_MS)
    assert end_option("5m", None, "7d").lasts_ms == 5 * MINUTE_MS
    assert fake.reads == 0


@pytest.mark.parametrize("error_ms", ERRORS_MS)
async def test_statements_of_a_hashtag_go_by_the_logs_time(
    redis: Make, monkeypatch: pytest.MonkeyPatch, error_ms: int
) -> None:
    fake = redis(error_ms)

    async def nothing(*_: object) -> list[Any]:
        return []

    async def people(*_: object) -> OverrideHistory:
        return OverrideHistory()

    async def registers(*_: object) -> tuple[None, str]:
        return None, ""

    for name, answer in (("read_decisions", nothing), ("read_overrides", people), ("_registers", registers)):
        monkeypatch.setattr(sources, name, answer)
    report, _ = await sources.gather_report(Settings(), "rumour")
    assert abs(report.now_ms - fake.now_ms) <= 500


async def test_present_time_is_the_hosts_where_no_publisher_has_run(redis: Make) -> None:
    fake = redis(0)
    fake.live = {}
    assert await present_ms("redis://fake") == fake.host_ms()
