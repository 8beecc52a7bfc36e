"""The store and the clients on a primary that Sentinels watch: a failover, and a primary that comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hushtag_client import keys

from streams.errors import FlagStoreUnavailable
from tests.support.flag_watching import Watcher, written
from tests.support.redis_topologies import WatchedServers, wait_for
from tests.support.worlds import ServerWorld, eventually, register

pytestmark = pytest.mark.integration


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedServers]:
    made = WatchedServers(tmp_path)
    yield made
    made.close()


@pytest.fixture
def world(watched: WatchedServers) -> Iterator[ServerWorld]:
    made = ServerWorld(watched.primary, url=watched.url)
    yield made
    made.close()


def test_failover_moves_writer_and_readers_to_new_primary(world: ServerWorld, watched: WatchedServers) -> None:
    world.run(world.store.check_server())
    world.open([register("old")])
    watchers = [Watcher(world, kind) for kind in ("threaded", "asyncio")]
    try:
        watched.primary.kill()
        eventually(lambda: written(world, [register("old"), register("new")]))
        assert watched.primary_port() == watched.replica.port
        for watcher in watchers:
            eventually(lambda watcher=watcher: watcher.reader.check("new", "trends").why == "flagged")
    finally:
        for watcher in watchers:
            watcher.stop()
    assert all(watcher.checks > 100 for watcher in watchers)
    assert [watcher.shown for watcher in watchers] == [0, 0], "the failover shows no hidden hashtag"


@pytest.mark.long
def test_former_primary_that_hung_gets_no_more_writes(world: ServerWorld, watched: WatchedServers) -> None:
    world.open([register("old")])
    readers = [world.reader(kind) for kind in ("threaded", "asyncio")]
    watched.primary.pause()
    try:
        eventually(lambda: written(world, [register("old"), register("new")]))
    finally:
        watched.primary.resume()
    with redis.Redis.from_url(watched.primary.url) as former:
        wait_for("the former primary is a replica", lambda: former.info("replication")["role"] == "slave")
        eventually(lambda: written(world, [register("old"), register("new"), register("last")]))
        wait_for("the replica has caught up", lambda: former.hexists(keys.REGISTERS, register("last").field))
    for reader in readers:
        eventually(lambda reader=reader: reader.check("last", "trends").why == "flagged")
        assert reader.check("old", "trends").why == "flagged"


@pytest.mark.long
def test_flags_are_served_while_all_sentinels_are_away(world: ServerWorld, watched: WatchedServers) -> None:
    world.open([register("old")])
    readers = [world.reader(kind) for kind in ("threaded", "asyncio")]
    for sentinel in watched.sentinels:
        sentinel.kill()
    assert written(world, [register("old"), register("new")])
    for reader in readers:
        eventually(lambda reader=reader: reader.check("new", "trends").why == "flagged")


@pytest.mark.long
def test_wrong_service_or_login_of_sentinels_is_reported(watched: WatchedServers) -> None:
    for url, kind in (
        (watched.url.replace("/flags/", "/other/"), "away"),
        (watched.url.replace("the%20sentinels", "others"), "NOAUTH"),
    ):
        world = ServerWorld(watched.primary, url=url)
        with pytest.raises(FlagStoreUnavailable) as refused:
            world.run(world.store.check_server())
        assert refused.value.kind == kind, refused.value
        world.close()
