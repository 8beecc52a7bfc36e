"""The store and the clients in a cluster: the slot of the flags moves to another node, at once and in parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hushtag_client import Register, keys

from streams.errors import FlagStoreUnavailable
from streams.flags.lookup import FlagLookup
from streams.flags.redis_store import RedisFlagStore
from tests.support.flag_watching import Watcher, written
from tests.support.paths import ROOT
from tests.support.redis_topologies import ServerCluster
from tests.support.worlds import PARTITIONS, FlagClusterWorld, eventually, register

pytestmark = [pytest.mark.integration, pytest.mark.long]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ServerCluster]:
    made = ServerCluster(tmp_path)
    yield made
    made.close()


@pytest.fixture
def world(cluster: ServerCluster) -> Iterator[FlagClusterWorld]:
    made = FlagClusterWorld(cluster)
    yield made
    made.close()


def test_moved_slot_is_followed_by_writer_and_readers(world: FlagClusterWorld, cluster: ServerCluster) -> None:
    world.run(world.store.check_server())
    world.open([register("old")])
    watchers = [Watcher(world, kind) for kind in ("threaded", "asyncio")]
    try:
        for number in range(2):  # there and back
            source, target = cluster.begin_move()
            cluster.move_keys(source, target)
            cluster.end_move(source, target)
            assert cluster.owner() is target
            flags = [register("old"), register(f"new{number}")]
            eventually(lambda flags=flags: written(world, flags))
            for watcher in watchers:
                eventually(lambda w=watcher, n=number: w.reader.check(f"new{n}", "trends").why == "flagged")
    finally:
        for watcher in watchers:
            watcher.stop()
    assert [watcher.shown for watcher in watchers] == [0, 0]


def test_half_moved_slot_refuses_writes_until_moved(world: FlagClusterWorld, cluster: ServerCluster) -> None:
    world.open([register("old")])
    watcher = Watcher(world, "threaded")
    source, target = cluster.begin_move()
    cluster.move_keys(source, target, keys.REGISTERS)
    with pytest.raises(FlagStoreUnavailable) as refused:
        world.run(world.store.apply("0", [register("new")]))
    assert refused.value.kind == "MOVED"
    assert watcher.reader.check("old", "trends").why == "flagged", "the last known flags are served"
    cluster.move_keys(source, target)
    cluster.end_move(source, target)
    eventually(lambda: written(world, [register("old"), register("new")]))
    eventually(lambda: watcher.reader.check("new", "trends").why == "flagged")
    watcher.stop()
    assert watcher.shown == 0


def test_single_server_url_of_wrong_node_is_reported(world: FlagClusterWorld, cluster: ServerCluster) -> None:
    other = next(node for node in cluster.nodes if node is not cluster.owner())
    store = RedisFlagStore(other.url, partitions=PARTITIONS)
    for attempt in (store.check_server(), store.heartbeat({0: 1}, 1)):
        with pytest.raises(FlagStoreUnavailable) as refused:
            world.run(attempt)
        assert refused.value.kind == "MOVED"
        assert "redis+cluster://" in refused.value.fix
    world.run(store.close())


async def look_up(url: str) -> list[Register]:
    async with FlagLookup(url) as lookup:
        assert await lookup.for_scope("sometag", ["trends"], "IN") == await lookup.for_hashtag("sometag")
        assert await lookup.heartbeats()
        return await lookup.for_hashtag("sometag")


def test_users_of_the_docs_have_enough_rights_in_a_cluster(world: FlagClusterWorld, cluster: ServerCluster) -> None:
    text = (ROOT / "docs/security.md").read_text("utf-8")
    for line in (line.split() for line in text.splitlines() if line.startswith("ACL SETUSER")):
        for node in cluster.nodes:
            with cluster.client(node) as client:
                client.execute_command(*line)
    as_user = cluster.url.replace("redis+cluster://", "redis+cluster://{}:CHANGE-ME@")
    store = RedisFlagStore(as_user.format("hushtag-publish"), partitions=PARTITIONS)
    world.run(store.check_server())
    for partition in (*map(str, range(PARTITIONS)), keys.MODERATION):
        assert not world.run(store.reconcile(partition, [])).refused
    assert world.run(store.apply("0", [register()])).applied == 1
    world.beat(world.clock.now_ms)
    assert world.run(store.sweep(world.clock.now_ms)) == 0
    world.run(store.close())
    assert world.run(look_up(as_user.format("hushtag-reader"))) == [register()]
    world.url = as_user.format("hushtag-reader")
    for kind in ("threaded", "asyncio"):
        reader = world.reader(kind)
        eventually(lambda reader=reader: reader.check("sometag", "trends").why == "flagged")
