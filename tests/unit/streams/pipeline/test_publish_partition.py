"""Publish: nothing is written before the fold is complete, and a store that lost its data is reconciled at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest
from hushtag_client.registers import decode
from msgspec.structs import replace
from structlog.testing import capture_logs

from streams.constants import PANE_MS
from streams.errors import FlagStoreUnavailable, SettingsError, TopicsError
from streams.flags.decision_fold import DecisionFold
from streams.flags.memory_store import MemoryFlagStore
from streams.log.decisions import Action, LanguageCoverage, Progress, StoppedShard, encode_record, version_of
from streams.pipeline.publish_partition import DecisionsPartition
from streams.pipeline.publish_stage import DecisionsStage, ModerationStage
from tests.support.decisions import decision
from tests.support.shells import NOW_MS, Shells, make_shells, settle_down

TOPIC = "suppression-decisions"
FAR_MS = 4_000_000_000_000


class Publishing:
    """One partition of decisions with its store and its log."""

    def __init__(self, shells: Shells, store: MemoryFlagStore) -> None:
        self.shells, self.store = shells, store
        shells.topics.now_ms = FAR_MS
        self.stage = DecisionsStage(shells.context, lambda: DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5))
        self.partition: DecisionsPartition | None = None
        self.read = 0

    def append(self, version: int, action: Action, tag: str = "tag", *, provisional: bool = False) -> None:
        expires = 0 if action == "clear" else FAR_MS
        record = decision(
            version, ("abuse", "trends", action, expires), tag=tag, at_ms=FAR_MS - 10_000_000 + 10_000 * version
        )
        if provisional:
            record = replace(record, rulings=tuple(replace(one, provisional=True) for one in record.rulings))
        self.shells.topics.append(TOPIC, 0, encode_record(record))

    def start(self) -> None:
        self.partition = self.stage.partition(0)
        self.partition.start_at(None, 0)

    def append_raw(self, value: bytes | None, key: bytes | None = None) -> None:
        self.shells.topics.append(TOPIC, 0, value, key=key)

    @property
    def letters(self) -> list[tuple[bytes | None, bytes | None, str]]:
        """Key, value and reason of each internal dead letter."""
        kept = self.shells.topics.read("internal-dead-letter", 0)
        return [(one.key, one.value, dict(one.headers)["reason"].decode()) for one in kept]

    async def deliver(self, count: int | None = None) -> None:
        assert self.partition is not None
        batch = self.shells.topics.read(TOPIC, 0, self.read)[:count]
        self.read += len(batch)
        await self.partition.process(batch)
        await settle_down()

    async def beat(self) -> None:
        """Run some heartbeats; a test sets `HEARTBEAT_SECONDS` to 0."""
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


async def test_no_write_before_the_end_at_assignment_is_read(publishing: Publishing) -> None:
    publishing.append(1, "suppress")
    publishing.append(2, "clear")
    publishing.start()
    await settle_down()
    await publishing.deliver(1)
    assert publishing.flags == {}, "an outdated suppression must not appear"
    await publishing.deliver()
    assert publishing.flags == {"tag": "clear"}
    publishing.append(3, "suppress")
    await publishing.deliver()
    assert publishing.flags == {"tag": "suppress"}


@pytest.mark.parametrize(("action", "counted"), [("suppress", 1), ("discount", 1), ("clear", 0)])
async def test_time_to_early_flag_is_measured(publishing: Publishing, action: Action, counted: int) -> None:
    publishing.start()
    await settle_down()
    publishing.append(1, action)
    publishing.append(2, action, "early", provisional=True)
    await publishing.deliver()
    assert publishing.flags == {"tag": action, "early": action}
    (family,) = publishing.shells.context.metrics.event_to_flag_seconds.collect()
    assert [one.value for one in family.samples if one.name.endswith("_count")] == [counted]


@pytest.mark.parametrize(("remembered", "ends"), [(1, False), (2, False), (3, True)])
async def test_log_shorter_than_redis_has_written_ends_the_worker(
    publishing: Publishing, remembered: int, ends: bool
) -> None:
    """Redis has higher versions, so it would refuse every register of the new log as stale."""
    server = publishing.store.server
    server.sentinels["0"] = ("the server before", remembered)
    publishing.append(1, "suppress")
    publishing.append(2, "clear")
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


async def test_unavailable_redis_delays_the_first_write(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "streams.flags.memory_store.FlagStoreUnavailable", partial(FlagStoreUnavailable, retry_after_seconds=0.0)
    )
    publishing.store.server.away = True
    publishing.append(1, "suppress")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    assert publishing.partition is not None and not publishing.partition.is_open
    publishing.store.server.away = False
    await settle_down()
    assert publishing.flags == {"tag": "suppress"}


async def test_repeated_delivery_is_ignored(publishing: Publishing) -> None:
    publishing.start()
    publishing.append(1, "suppress")
    await publishing.deliver()
    publishing.read = 0
    publishing.append(2, "clear")
    await publishing.deliver()
    assert publishing.flags == {"tag": "clear"}


@pytest.mark.parametrize("loss", ["flushall", "restart", "restart empty"])
async def test_refused_write_reconciles_all_flags(publishing: Publishing, loss: str) -> None:
    publishing.start()
    publishing.append(1, "suppress", "old")
    publishing.append(2, "suppress", "cleared")
    publishing.append(3, "clear", "cleared")
    await publishing.deliver()
    server = publishing.store.server
    if loss == "flushall":
        server.flushall()
    else:
        server.restart(with_data=loss == "restart")
    publishing.append(4, "suppress", "new")
    await publishing.deliver()
    assert publishing.flags == {"old": "suppress", "cleared": "clear", "new": "suppress"}
    assert server.sentinels == {"0": (server.run_id, 4)}


async def test_heartbeat_reconciles_after_a_loss(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    publishing.start()
    publishing.append(1, "suppress")
    await publishing.deliver()
    publishing.store.server.flushall()
    await publishing.beat()
    assert publishing.flags == {"tag": "suppress"}


async def test_unavailable_redis_keeps_one_pending_register_per_flag(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading continues meanwhile, and memory is bounded by the number of flags."""
    away = partial(FlagStoreUnavailable, retry_after_seconds=0.0)
    monkeypatch.setattr("streams.flags.memory_store.FlagStoreUnavailable", away)
    publishing.start()
    publishing.append(1, "suppress", "tag0")
    await publishing.deliver()
    publishing.store.server.away = True
    for version in range(2, 500):
        publishing.append(version, "suppress" if version % 2 else "clear", f"tag{version % 3}")
        await publishing.deliver()
    assert publishing.partition is not None
    assert publishing.partition.position == 499
    assert len(publishing.partition._changed) <= 3
    publishing.store.server.away = False
    await settle_down()
    assert publishing.flags == {"tag0": "clear", "tag1": "suppress", "tag2": "suppress"}


@pytest.mark.parametrize("noticed", ["by heartbeat", "by write"])
async def test_loss_reconciled_by_a_zombie_is_reconciled_again(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch, noticed: str
) -> None:
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    publishing.start()
    publishing.append(1, "suppress")
    await publishing.deliver()
    assert publishing.partition is not None
    registers_of_zombie = publishing.partition.fold.registers()
    publishing.append(2, "clear")
    await publishing.deliver()
    publishing.store.server.flushall()
    await publishing.store.reconcile("0", registers_of_zombie, upto=1)
    assert publishing.flags == {"tag": "suppress"}
    if noticed == "by write":
        publishing.append(3, "suppress", "other")
        await publishing.deliver()
    else:
        await publishing.beat()
    assert publishing.flags == {"tag": "clear"} | ({"other": "suppress"} if noticed == "by write" else {})


async def test_unavailable_redis_receives_all_changes_afterwards(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = partial(FlagStoreUnavailable, retry_after_seconds=0.0)
    monkeypatch.setattr("streams.flags.memory_store.FlagStoreUnavailable", away)
    publishing.start()
    publishing.append(1, "suppress", "one")
    await publishing.deliver()
    publishing.store.server.away = True
    publishing.append(2, "suppress", "two")
    await publishing.deliver()
    publishing.append(3, "clear", "one")
    await publishing.deliver()
    assert publishing.flags == {"one": "suppress"}
    publishing.store.server.away = False
    await settle_down()
    assert publishing.flags == {"one": "clear", "two": "suppress"}


async def test_action_of_a_later_version_is_counted_and_logged_once(publishing: Publishing) -> None:
    with capture_logs() as logs:
        publishing.append(1, "blur")
        publishing.append(2, "blur", tag="other")
        publishing.start()
        await settle_down()
        await publishing.deliver()
    assert publishing.flags == {"tag": "blur", "other": "blur"} and publishing.letters == []
    assert publishing.shells.context.metrics.unknown_actions._value.get() == 2
    assert [one["action"] for one in logs if "later version" in one["event"]] == ["blur"]


async def test_unreadable_decisions_become_dead_letters(publishing: Publishing) -> None:
    publishing.shells.sender.at_once = True
    publishing.append(1, "suppress")
    for value in (None, b"", b"{", b'{"kind": "decision"}'):
        publishing.append_raw(value)
    publishing.append(2, "clear")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    assert publishing.flags == {"tag": "clear"}, "its neighbours count"
    assert publishing.letters == [
        (b"suppression-decisions/0/1", None, "empty"),
        (b"suppression-decisions/0/2", b"", "empty"),
        (b"suppression-decisions/0/3", b"{", "unreadable"),
        (b"suppression-decisions/0/4", b'{"kind": "decision"}', "unreadable"),
    ]
    counted = publishing.shells.context.metrics.internal_dead_letters.labels(topic="suppression-decisions")
    assert counted._value.get() == 4


async def test_next_owner_sends_no_dead_letter_again(publishing: Publishing) -> None:
    publishing.shells.sender.at_once = True
    publishing.append_raw(b"{")
    publishing.append(1, "suppress")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    assert publishing.partition is not None and len(publishing.letters) == 1
    publishing.partition.drop()
    publishing.append_raw(b"[")
    publishing.start()
    publishing.read = 0
    await settle_down()
    await publishing.deliver()
    assert [value for _, value, _ in publishing.letters] == [b"{", b"["]


async def test_next_owner_sends_a_dead_letter_that_was_lost(publishing: Publishing) -> None:
    publishing.append(1, "suppress")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    publishing.append_raw(b"{")
    await publishing.deliver()
    sender = publishing.shells.sender
    assert publishing.partition is not None and publishing.partition.is_open and len(sender.in_flight) == 1
    await publishing.partition.reconcile()
    publishing.partition.drop()
    sender.in_flight.clear()  # the letter is lost with its owner
    sender.at_once = True
    publishing.start()
    publishing.read = 0
    await settle_down()
    await publishing.deliver()
    assert [value for _, value, _ in publishing.letters] == [b"{"]


async def test_unreadable_moderation_record_becomes_dead_letter(publishing: Publishing) -> None:
    shells = publishing.shells
    shells.sender.at_once = True
    for key, value in (
        (b"k", None),
        (b"k", b""),
        (b"k", b"{}"),
        (b"k", b'{"kind": "skip"}'),
        (b"k", b'{"kind": "x"}'),
        (b"filler", None),
    ):
        shells.topics.append("moderation", 0, value, key=key)
    stage = ModerationStage(shells.context)
    partition = stage.partition(0)
    partition.start_at(None, 0)
    await settle_down()
    await partition.process(shells.topics.read("moderation", 0))
    await settle_down()
    partition.drop()
    assert [(key, reason) for key, _, reason in publishing.letters] == [
        (b"moderation/0/0", "empty"), (b"moderation/0/1", "empty"), (b"moderation/0/2", "bad_record"),
        (b"moderation/0/3", "bad_record"),
    ]  # fmt: skip
    assert shells.context.metrics.moderation_refused._value.get() == 4


async def test_sign_of_a_stopped_judge_reaches_the_heartbeat(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    beats: list[dict[int, int]] = []
    real = publishing.store.heartbeat

    async def heartbeat(
        settled_ms: dict[int, int], at_ms: int, renewed_ms: dict[int, int], surfaces: dict[int, tuple[str, ...]]
    ) -> None:
        beats.append(renewed_ms)
        await real(settled_ms, at_ms, renewed_ms, surfaces)

    monkeypatch.setattr(publishing.store, "heartbeat", heartbeat)
    sign = StoppedShard(shard=0, topic="hashtag-partials", partition=0, offset=7, reason="empty")
    publishing.append(1, "suppress")
    publishing.append_raw(encode_record(sign))
    publishing.start()
    await settle_down()
    await publishing.deliver()
    await publishing.beat()
    assert beats[-1] == {0: FAR_MS} and publishing.letters == []
    for settled_ms, renewed_ms in ((FAR_MS - PANE_MS, {0: FAR_MS}), (FAR_MS, {})):
        done = Progress(shard=0, settled_ms=settled_ms, position=9, replay_offset=9, activations=[])
        publishing.append_raw(encode_record(done))
        await publishing.deliver()
        await publishing.beat()
        assert beats[-1] == renewed_ms, "until its ticks have caught up"


async def test_texts_by_language_are_no_sign_of_a_stopped_judge(publishing: Publishing) -> None:
    publishing.append_raw(encode_record(LanguageCoverage(shard=0, from_ms=0, to_ms=1, languages=())))
    publishing.append(1, "suppress")
    publishing.start()
    await settle_down()
    await publishing.deliver()
    assert publishing.partition is not None and publishing.partition.renewed_ms == 0
    assert publishing.letters == []


async def test_surfaces_of_newest_progress_reach_the_heartbeat(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    publishing.append(1, "suppress")
    publishing.start()
    await settle_down()
    for settled_ms, surfaces in ((NOW_MS, ("search", "trends")), (NOW_MS - 10_000, ("old",))):
        done = Progress(
            shard=0, settled_ms=settled_ms, position=9, replay_offset=9, activations=[], surfaces=surfaces
        )  # fmt: skip
        publishing.append_raw(encode_record(done))
        await publishing.deliver()
        await publishing.beat()
        assert publishing.store.server.heartbeats[0].surfaces == ("search", "trends")


async def test_failing_writes_make_worker_not_ready(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    full = partial(FlagStoreUnavailable, retry_after_seconds=0.0, kind="OOM")
    monkeypatch.setattr("streams.flags.memory_store.FlagStoreUnavailable", full)
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    publishing.start()
    publishing.append(1, "suppress")
    await publishing.deliver()
    writes = publishing.shells.context.writes
    assert writes.why_not() == ""
    publishing.store.server.away = True
    publishing.append(2, "clear")
    await publishing.deliver()
    await publishing.beat()
    assert writes.why_not() == "Redis takes no writes (0, heartbeat): OOM"
    counted = publishing.shells.context.metrics.registry.get_sample_value
    assert (counted("hushtag_flag_write_failures_total", {"kind": "OOM"}) or 0) >= 2
    publishing.store.server.away = False
    await publishing.beat()
    await settle_down()
    assert writes.why_not() == ""
    publishing.store.server.away = True
    await publishing.beat()
    assert publishing.partition is not None
    publishing.partition.drop()
    await publishing.beat()
    assert writes.why_not() == "", "another worker owns the partition"


async def test_foreign_register_is_reported_and_kept(publishing: Publishing) -> None:
    publishing.start()
    publishing.append(1, "suppress")
    await publishing.deliver()
    server = publishing.store.server
    (field,) = server.registers
    foreign = replace_version(server.registers[field], "9999.9")
    server.registers[field] = foreign
    assert publishing.partition is not None

    def reported() -> float | None:
        value = publishing.shells.context.metrics.registry.get_sample_value
        return value("hushtag_foreign_registers", {"partition": "0"})

    with capture_logs() as lines:
        await publishing.partition.reconcile()
        assert reported() == 0, "a publisher with another clock may have written an expiry"
        await publishing.partition.reconcile()
    assert reported() == 1 and server.registers[field] == foreign
    assert [(line["field"], line["version"]) for line in lines if "field" in line] == [(field, "9999.9")]
    del server.registers[field]
    await publishing.partition.reconcile()
    assert reported() == 0 and publishing.flags == {"tag": "suppress"}


async def test_sweep_reports_register_above_end_of_log(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    """No decision was ever taken on its hashtag, so no reconcile looks at it."""
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    monkeypatch.setattr("streams.pipeline.publish_stage.RECONCILE_SECONDS", 0)
    publishing.start()
    publishing.append(1, "suppress")
    await publishing.deliver()
    server = publishing.store.server
    (field,) = server.registers
    value = publishing.shells.context.metrics.registry.get_sample_value
    await publishing.beat()
    assert value("hushtag_foreign_registers", {"partition": "sweep"}) == 0
    foreign = json.loads(server.registers[field]) | {"hashtag": "other", "version": version_of(10**9, 0)}
    server.registers[field.replace("tag", "other")] = json.dumps(foreign).encode()
    await publishing.beat()
    assert value("hushtag_foreign_registers", {"partition": "sweep"}) == 1
    assert len(server.registers) == 2, "it is not replaced"


def replace_version(value: bytes, version: str) -> bytes:
    return json.dumps(json.loads(value) | {"version": version}).encode()


async def test_changed_settings_of_the_server_are_noticed(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.pipeline.publish_stage.HEARTBEAT_SECONDS", 0)
    monkeypatch.setattr("streams.pipeline.publish_stage.RECONCILE_SECONDS", 0)
    writes = publishing.shells.context.writes

    async def refuse() -> None:
        raise SettingsError("its maxmemory-policy is allkeys-lru")

    with monkeypatch.context() as changed:
        changed.setattr(publishing.store, "check_server", refuse)
        await publishing.beat()
        assert writes.why_not() == "its maxmemory-policy is allkeys-lru"
    await publishing.beat()
    assert writes.why_not() == ""
