"""Failures to write to Redis: log lines, counts by kind, and readiness."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from streams.errors import FlagStoreUnavailable, SettingsError
from streams.log.decisions import version_of
from streams.metrics import Metrics
from streams.pipeline.flag_writes import FlagWriteState


@pytest.fixture
def clock() -> ManualSeconds:
    return ManualSeconds()


@pytest.fixture
def state(clock: ManualSeconds) -> FlagWriteState:
    return FlagWriteState(Metrics(), shards=2, clock=clock)


class ManualSeconds:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def failure(kind: str) -> FlagStoreUnavailable:
    return FlagStoreUnavailable(f"host:1: {kind} ...", fix="do this", kind=kind)


def test_each_kind_is_logged_once_a_minute(state: FlagWriteState, clock: ManualSeconds) -> None:
    with capture_logs() as lines:
        for clock.seconds in range(121):
            state.failed("0", failure("OOM"))
            state.failed("heartbeat", failure("NOPERM"))
    assert [(line["kind"], line["writer"], line["fix"]) for line in lines] == [
        ("OOM", "0", "do this"), ("NOPERM", "heartbeat", "do this")
    ] * 3  # fmt: skip


def test_failures_are_counted_by_kind(state: FlagWriteState) -> None:
    for kind in ("OOM", "MOVED", "OOM"):
        state.failed("0", failure(kind))
    value = state._metrics.registry.get_sample_value
    assert value("hushtag_flag_write_failures_total", {"kind": "OOM"}) == 2
    assert value("hushtag_flag_write_failures_total", {"kind": "MOVED"}) == 1


def test_not_ready_until_every_writer_succeeds(state: FlagWriteState) -> None:
    assert state.why_not() == ""
    state.failed("0", failure("NOPERM"))
    state.failed("1", failure("away"))
    state.succeeded("heartbeat")
    assert state.why_not() == "Redis takes no writes (0, 1): NOPERM, away"
    assert state._metrics.registry.get_sample_value("hushtag_redis_up") == 0
    state.forget("1")
    assert state.why_not() == "Redis takes no writes (0): NOPERM"
    with capture_logs() as lines:
        state.succeeded("0")
    assert state.why_not() == "" and [line["event"] for line in lines] == ["Redis takes writes again"]
    assert state._metrics.registry.get_sample_value("hushtag_redis_up") == 1
    with capture_logs() as lines:
        state.failed("0", failure("NOPERM"))
    assert len(lines) == 1, "a failure after a success is logged at once"


def test_server_that_may_evict_makes_the_worker_unready(state: FlagWriteState) -> None:
    state.checked(SettingsError("its maxmemory-policy is allkeys-lru"))
    assert state.why_not() == "its maxmemory-policy is allkeys-lru"
    assert state._metrics.registry.get_sample_value("hushtag_redis_unsafe") == 1
    state.checked(None)
    assert state.why_not() == ""
    assert state._metrics.registry.get_sample_value("hushtag_redis_unsafe") == 0


def test_gauge_recovers_when_the_failing_partition_moves_away(state: FlagWriteState) -> None:
    state.failed("0", failure("away"))
    state.forget("0")
    assert state._metrics.registry.get_sample_value("hushtag_redis_up") == 1


@pytest.mark.parametrize(
    ("field", "version", "foreign"),
    [
        ("trends|*|automated|there", version_of(7, 20_000), False),
        ("trends|*|automated|there", version_of(8, 10_000), True),
        ("trends|*|automated|sometag", version_of(8, 10_000), False),  # its shard, 1, belongs to another worker
        ("trends|*|automated|sometag", "9.9", True),
        ("trends|*|human|sometag", version_of(2, 10**14), False),
        ("account|IN|legal|7", version_of(3, 0), True),
        ("not|a field", version_of(1, 0), True),
    ],
)
def test_version_above_end_of_log_is_foreign(state: FlagWriteState, field: str, version: str, foreign: bool) -> None:
    state.reach("0", version_of(7, 20_000))
    state.reach("1", "")
    state.reach("moderation", version_of(2, 10**15 - 1))
    assert state.is_foreign(field, version) is foreign
    for partition in ("0", "moderation"):
        state.forget(partition)
    assert state.is_foreign(field, version) is (version == "9.9" or field == "not|a field")
