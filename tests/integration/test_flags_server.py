"""The store and the clients on a real Valkey: refusals, full memory, a paused server, and replicas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from hushtag_client import FlagsClient, keys

from devkit.stack.valkey_server import ValkeyServer
from streams.errors import FlagStoreUnavailable, SettingsError
from streams.flags.redis_store import RedisFlagStore
from tests.support.paths import ROOT
from tests.support.worlds import NOW_MS, PARTITIONS, ServerWorld, eventually, register

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    made = ValkeyServer(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def world(server: ValkeyServer) -> Iterator[ServerWorld]:
    made = ServerWorld(server)
    yield made
    made.close()


async def test_evicting_server_is_refused(server: ValkeyServer) -> None:
    with redis.Redis.from_url(server.url) as admin:
        store = RedisFlagStore(server.url, partitions=1)
        await store.check_server()
        admin.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(SettingsError, match="allkeys-lru") as refused:
            await store.check_server()
        assert "noeviction" in refused.value.fix
        admin.config_set("maxmemory-policy", "noeviction")
        admin.replicaof("127.0.0.1", 1)
        with pytest.raises(FlagStoreUnavailable, match="read replica"):  # it may be promoted a moment later
            await store.check_server()
        with pytest.raises(FlagStoreUnavailable) as away:
            await store.reconcile("0", [])
        assert "primary" in away.value.fix
        await store.close()


async def test_errors_hide_the_password() -> None:
    store = RedisFlagStore("redis://user:secret@127.0.0.1:1/0", partitions=1)
    with pytest.raises(FlagStoreUnavailable) as away:
        await store.check_server()
    assert "127.0.0.1:1" in str(away.value)
    assert "secret" not in str(away.value) + away.value.fix
    with pytest.raises(SettingsError):
        RedisFlagStore("http://x", partitions=1)
    await store.close()


def test_full_server_refuses_writes_and_loses_nothing(world: ServerWorld) -> None:
    world.open([register("before")])
    world.redis.config_set("maxmemory", world.redis.info("memory")["used_memory"] - 1)
    with pytest.raises(FlagStoreUnavailable) as full:
        world.run(world.store.apply("0", [register(f"tag{n}") for n in range(100)]))
    assert full.value.kind == "OOM" and "maxmemory" in full.value.fix
    assert [one.hashtag for one in world.registers().values()] == ["before"], "a script is refused whole"
    world.redis.config_set("maxmemory", 0)
    assert world.run(world.store.apply("0", [register("after")])).applied == 1


ALL_KEYS = (
    keys.REGISTERS, keys.SEQ, keys.CHANGES, keys.INCARNATION, keys.HEARTBEATS, keys.RECONCILED, keys.sentinel("0"),
    keys.sentinel("1"), keys.sentinel(keys.MODERATION),
)  # fmt: skip


@pytest.mark.parametrize("key", ALL_KEYS)
def test_key_of_wrong_type_is_replaced(world: ServerWorld, key: str) -> None:
    world.open([register(), register("person", source="human")])
    reader = world.reader()
    world.redis.delete(key)
    world.redis.sadd(key, "another program")
    names = (*map(str, range(PARTITIONS)), keys.MODERATION)
    work: list[Callable[[], Any]] = [
        lambda: world.store.apply("0", [register("new")]),
        lambda: world.store.heartbeat({0: NOW_MS, 1: NOW_MS}, NOW_MS),
        lambda: world.store.needing_reconcile(dict.fromkeys(names, 0)),
        lambda: world.store.reconcile("0", []),
    ]
    kinds = set()
    for attempt in work:
        try:
            world.run(attempt())
        except FlagStoreUnavailable as error:
            kinds.add(error.kind)
    assert kinds == {"WRONGTYPE"}
    world.open([register(), register("new"), register("person", source="human")])
    assert world.run(world.store.needing_reconcile(dict.fromkeys(names, 0))) == []
    assert set(world.registers()) >= {register("new").field, register("person", source="human").field}
    eventually(
        lambda: reader.check("new", "trends").why == "flagged" and reader.check("person", "trends").why == "flagged"
    )


@pytest.mark.parametrize("number", ["many", "007", "9" * 18 + "x", "9223372036854775807", "9" * 23])
def test_number_of_writes_that_is_none_is_replaced(world: ServerWorld, number: str) -> None:
    world.open([register()])
    world.redis.set(keys.SEQ, number)
    with pytest.raises(FlagStoreUnavailable) as refused:
        world.run(world.store.apply("0", [register("new")]))
    assert refused.value.kind == "WRONGTYPE"
    assert register("new").field not in world.registers(), "nothing is written without its number"
    world.open([register(), register("new")])
    assert world.run(world.store.apply("0", [register("last")])).applied == 1


@pytest.mark.parametrize(("key", "value"), [(keys.SEQ, "many"), (keys.SEQ, "-3"), (keys.CHANGES, "text")])
def test_reconcile_that_writes_nothing_repairs_what_readers_need(world: ServerWorld, key: str, value: str) -> None:
    world.open([register()])
    world.redis.set(key, value)
    with pytest.raises(FlagStoreUnavailable) as refused:
        world.run(world.store.reconcile("0", [register()]))
    assert refused.value.kind == "WRONGTYPE"
    world.open([register()])
    assert world.run(world.store.reconcile("0", [register()])).stale == 1


def test_missing_right_is_a_failure_of_its_kind(world: ServerWorld) -> None:
    world.open([register()])
    world.redis.execute_command("ACL SETUSER", "few", "on", ">secret", "~*", "+@all", "-xadd")
    store = RedisFlagStore(world.server.url.replace("redis://", "redis://few:secret@"), partitions=PARTITIONS)
    with pytest.raises(FlagStoreUnavailable) as refused:
        world.run(store.apply("0", [register("new")]))
    assert refused.value.kind == "NOPERM"
    world.run(store.close())
    world.redis.execute_command("ACL DELUSER", "few")


def test_repair_lets_readers_give_up_a_foreign_register(world: ServerWorld) -> None:
    ours = register("tag", 5, "clear")
    foreign = replace(register("tag"), version="9999.9")
    world.open([ours])
    readers = [world.reader(kind) for kind in ("threaded", "asyncio")]
    world.run(world.store.apply("0", [foreign]))
    for reader in readers:
        eventually(lambda reader=reader: not reader.check("tag", "trends").shown)
    found = world.run(world.store.reconcile("0", [ours]))
    assert found.foreign == ((foreign.field, "9999.9"),)
    store: Any = world.store
    value = world.run(store.stored(foreign.field))
    assert not world.run(store.repair(foreign.field, value + b" ")), "another value than the one that was seen"
    assert world.run(store.repair(foreign.field, value))
    assert world.run(store.needing_reconcile({"0": 0, "1": 0, keys.MODERATION: 0})) == ["0", "1", keys.MODERATION]
    world.open([ours])
    assert world.registers() == {ours.field: ours}
    for reader in readers:
        eventually(lambda reader=reader: reader.check("tag", "trends").shown)


def test_check_does_not_wait_for_a_paused_server(world: ServerWorld) -> None:
    world.open([register()])
    reader = world.reader()
    world.server.pause()
    try:
        worst = 0.0
        end = time.monotonic() + 3
        while time.monotonic() < end:
            begun = time.monotonic()
            assert not reader.check("sometag", "trends").shown
            worst = max(worst, time.monotonic() - begun)
        assert worst < 0.5, "the sockets' deadlines are seconds"
    finally:
        world.server.resume()
    world.run(world.store.apply("0", [register("new")]))
    eventually(lambda: not reader.check("new", "trends").shown)


def test_client_reads_from_a_read_replica(world: ServerWorld, tmp_path: Path) -> None:
    """Readers need no writes; changes reach them through the replica."""
    world.open([register("old")])
    copy = ValkeyServer(tmp_path / "copy", config={"replicaof": f"127.0.0.1 {world.server.port}"})
    copy.start()
    try:
        with FlagsClient(copy.url, clock=world.clock) as reader:
            eventually(lambda: not reader.check("old", "trends").shown)
            world.run(world.store.apply("0", [register("new")]))
            eventually(lambda: not reader.check("new", "trends").shown)
    finally:
        copy.kill()


def test_promoted_replica_accepts_writes_after_reconcile(world: ServerWorld, tmp_path: Path) -> None:
    """The sentinels are replicated; the run id is not."""
    world.open([register("flag", 5)])
    copy = ValkeyServer(tmp_path / "copy", config={"replicaof": f"127.0.0.1 {world.server.port}"})
    copy.start()
    try:
        with redis.Redis.from_url(copy.url) as promoted:
            eventually(lambda: promoted.hlen(keys.REGISTERS) == 1)
            world.server.kill()
            promoted.replicaof("NO", "ONE")
            store = RedisFlagStore(copy.url, partitions=2)
            assert world.run(store.apply("0", [register("flag", 6)])).refused
            assert not world.run(store.reconcile("0", [register("flag", 5)])).refused
            assert world.run(store.apply("0", [register("flag", 6)])).applied == 1
            world.run(store.close())
    finally:
        copy.kill()


def test_many_registers_do_not_block_the_server(world: ServerWorld) -> None:
    """With 20,000 registers no call takes longer than 100 ms, and a reader receives them all."""
    evidence = {"sampled": [str(10**18 + n) for n in range(10)], "tweets": 1234, "authors": 321, "lower": 0.41}
    many = [register(f"tag{n}", evidence=evidence) for n in range(20_000)]
    world.open()
    world.redis.config_set("slowlog-log-slower-than", 100_000)
    reader = world.reader()
    assert world.run(world.store.apply("0", many)).applied == len(many)
    eventually(lambda: reader.status().registers == len(many))
    late = world.reader()
    assert late.status().registers == len(many)
    assert world.run(world.store.sweep(NOW_MS)) == 0
    assert world.redis.slowlog_get() == []


def test_numbers_of_another_program_end_no_publisher(world: ServerWorld) -> None:
    world.open([register()])
    world.redis.hset(keys.HEARTBEATS, "9" * 5_000, "{}")
    world.redis.set(keys.sentinel("0"), "x " + "9" * 5_000)
    world.run(world.store.sweep(NOW_MS))
    assert not world.redis.hexists(keys.HEARTBEATS, "9" * 5_000)
    assert world.run(world.store.written_offset("0")) == 0


def test_sweep_keeps_a_register_changed_meanwhile(world: ServerWorld) -> None:
    """A register may change between being found and being deleted."""
    world.open([register("kept", keep_until_ms=NOW_MS + 1), register("ever", source="human")])
    store: Any = world.store
    found = [one.field for one in world.registers().values()]
    assert world.run(store._sweep(keys=[keys.REGISTERS], args=[NOW_MS, *found, "never|*|automated|there"])) == 0
    assert len(world.registers()) == 2


def test_trimmed_stream_leads_to_a_new_snapshot(world: ServerWorld) -> None:
    """The stream keeps about 10 changes; a reader that missed 1,000 takes a new snapshot."""
    short = RedisFlagStore(world.server.url, partitions=2, changes_kept=10)
    world.open()
    reader = world.reader()
    world.run(short.apply("0", [register(f"tag{n}") for n in range(1000)]))
    assert world.redis.xlen(keys.CHANGES) < 1000
    eventually(lambda: reader.status().registers == 1000)
    world.run(short.close())


def test_users_of_the_contract_have_enough_rights(world: ServerWorld) -> None:
    text = (ROOT / "docs/security.md").read_text("utf-8")
    lines = [line.split() for line in text.splitlines() if line.startswith("ACL SETUSER")]
    assert [line[2] for line in lines] == ["hushtag-reader", "hushtag-publish"]
    for line in lines:
        world.redis.execute_command(*line)
    as_user = world.server.url.replace("redis://", "redis://{}:CHANGE-ME@")
    store = RedisFlagStore(as_user.format("hushtag-publish"), partitions=2)
    world.run(store.check_server())
    for partition in ("0", "1", keys.MODERATION):
        assert not world.run(store.reconcile(partition, [])).refused
    assert world.run(store.apply("0", [register(), register("over", keep_until_ms=1)])).applied == 2
    world.run(store.heartbeat({0: NOW_MS, 1: NOW_MS}, NOW_MS))
    assert world.run(store.sweep(NOW_MS)) == 1
    assert world.run(store.needing_reconcile({"0": 0, "1": 0})) == []
    world.redis.delete(keys.HEARTBEATS)
    world.redis.set(keys.HEARTBEATS, "another program")
    with pytest.raises(FlagStoreUnavailable, match="WRONGTYPE"):
        world.run(store.heartbeat({0: NOW_MS, 1: NOW_MS}, NOW_MS))
    for partition in ("0", "1", keys.MODERATION):
        assert not world.run(store.reconcile(partition, [])).refused
    world.run(store.heartbeat({0: NOW_MS, 1: NOW_MS}, NOW_MS))
    value = world.run(store.stored(register().field))
    assert value is not None and world.run(store.repair(register().field, value))
    for partition in ("0", "1", keys.MODERATION):
        assert not world.run(store.reconcile(partition, [register()] if partition == "0" else [])).refused
    world.run(store.close())
    with FlagsClient(as_user.format("hushtag-reader"), clock=world.clock) as reader:
        eventually(lambda: reader.check("sometag", "trends").why == "flagged")
    with redis.Redis.from_url(as_user.format("hushtag-reader")) as intruder, pytest.raises(redis.ResponseError):
        intruder.hset(keys.REGISTERS, "a", "b")
