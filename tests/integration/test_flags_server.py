"""The store and the clients on a real Valkey: what is refused, memory that runs out, a server asleep, replicas."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hushtag_client import FlagsClient, keys

from devkit.stack.valkey_server import ValkeyServer
from streams.errors import FlagStoreUnavailable, SettingsError
from streams.flags.redis_store import RedisFlagStore
from tests.support.worlds import NOW_MS, ServerWorld, eventually, register

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


async def test_a_server_that_may_evict_is_refused(server: ValkeyServer) -> None:
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


async def test_what_is_said_names_no_password() -> None:
    store = RedisFlagStore("redis://user:secret@127.0.0.1:1/0", partitions=1)
    with pytest.raises(FlagStoreUnavailable) as away:
        await store.check_server()
    assert "127.0.0.1:1" in str(away.value)
    assert "secret" not in str(away.value) + away.value.fix
    with pytest.raises(SettingsError):
        RedisFlagStore("http://x", partitions=1)
    await store.close()


def test_a_full_server_takes_nothing_and_loses_nothing(world: ServerWorld) -> None:
    world.open([register("before")])
    world.redis.config_set("maxmemory", world.redis.info("memory")["used_memory"] - 1)
    with pytest.raises(FlagStoreUnavailable) as full:
        world.run(world.store.apply("0", [register(f"tag{n}") for n in range(100)]))
    assert "maxmemory" in full.value.fix
    assert [one.hashtag for one in world.registers().values()] == ["before"], "a script is refused whole"
    world.redis.config_set("maxmemory", 0)
    assert world.run(world.store.apply("0", [register("after")])).applied == 1


def test_no_question_waits_for_a_server_asleep(world: ServerWorld) -> None:
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


def test_a_reader_of_a_read_replica(world: ServerWorld, tmp_path: Path) -> None:
    """Readers need no writes; a change reaches them by way of the replica."""
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


def test_a_promoted_replica_is_written_to_only_after_a_reconcile(world: ServerWorld, tmp_path: Path) -> None:
    """The sentinels came over by replication; the run id did not."""
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


def test_many_registers_never_hold_the_server_up(world: ServerWorld) -> None:
    """20,000 registers with evidence: no call longer than 100 ms, and a reader has them all."""
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


def test_a_sweep_looks_again(world: ServerWorld) -> None:
    """A register may have changed between being found and being forgotten."""
    world.open([register("kept", keep_until_ms=NOW_MS + 1), register("ever", source="human")])
    store: Any = world.store
    found = [one.field for one in world.registers().values()]
    assert world.run(store._sweep(keys=[keys.REGISTERS], args=[NOW_MS, *found, "never|*|automated|there"])) == 0
    assert len(world.registers()) == 2


def test_a_stream_that_is_cut_is_read_from_the_registers(world: ServerWorld) -> None:
    """The stream keeps about 10 changes; a reader that slept through 1,000 takes a new snapshot."""
    short = RedisFlagStore(world.server.url, partitions=2, changes_kept=10)
    world.open()
    reader = world.reader()
    world.run(short.apply("0", [register(f"tag{n}") for n in range(1000)]))
    assert world.redis.xlen(keys.CHANGES) < 1000
    eventually(lambda: reader.status().registers == 1000)
    world.run(short.close())


def test_the_users_that_the_contract_names_are_enough(world: ServerWorld) -> None:
    text = (Path(__file__).parents[2] / "docs/flags-contract.md").read_text("utf-8")
    lines = [line.split() for line in text.splitlines() if line.startswith("ACL SETUSER")]
    assert [line[2] for line in lines] == ["hushtag-reader", "hushtag-writer"]
    for line in lines:
        world.redis.execute_command(*line)
    as_user = world.server.url.replace("redis://", "redis://{}:change-me@")
    store = RedisFlagStore(as_user.format("hushtag-writer"), partitions=2)
    world.run(store.check_server())
    for partition in ("0", "1", keys.MODERATION):
        assert not world.run(store.reconcile(partition, [])).refused
    assert world.run(store.apply("0", [register(), register("over", keep_until_ms=1)])).applied == 2
    world.run(store.heartbeat({0: NOW_MS, 1: NOW_MS}, NOW_MS))
    assert world.run(store.sweep(NOW_MS)) == 1
    assert world.run(store.closed({"0": 0, "1": 0})) == []
    world.run(store.close())
    with FlagsClient(as_user.format("hushtag-reader"), clock=world.clock) as reader:
        eventually(lambda: reader.check("sometag", "trends").why == "flagged")
    with redis.Redis.from_url(as_user.format("hushtag-reader")) as intruder, pytest.raises(redis.ResponseError):
        intruder.hset(keys.REGISTERS, "a", "b")
