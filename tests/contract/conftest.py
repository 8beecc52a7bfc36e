"""Fixtures: each test runs in memory, on Valkey, on redis-server if installed, and in long suites on a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.stack.valkey_server import ValkeyServer
from tests.support.redis_topologies import ServerCluster
from tests.support.worlds import FlagClusterWorld, MemoryWorld, ServerWorld, StoreWorld

_WORLDS = (
    "memory",
    pytest.param("valkey", marks=pytest.mark.integration),
    pytest.param("redis", marks=pytest.mark.integration),
    pytest.param("cluster", marks=(pytest.mark.integration, pytest.mark.long)),
)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ValkeyServer]]:
    """Servers by name, started by the first test that needs one and stopped at the end."""
    found: dict[str, ValkeyServer] = {"valkey": ValkeyServer(tmp_path_factory.mktemp("valkey"))}
    redis_server = shutil.which("redis-server")
    if redis_server is not None:
        found["redis"] = ValkeyServer(tmp_path_factory.mktemp("redis"), binary=Path(redis_server))
    yield found
    for server in found.values():
        server.kill()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerCluster]:
    made = ServerCluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture(params=_WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[StoreWorld]:
    """Empty server with a store."""
    if request.param == "memory":
        made: StoreWorld = MemoryWorld()
    elif request.param == "cluster":
        made = FlagClusterWorld(request.getfixturevalue("cluster"))
    else:
        servers: dict[str, ValkeyServer] = request.getfixturevalue("servers")
        if request.param not in servers:
            pytest.skip(f"{request.param}-server is not on PATH")
        made = ServerWorld(servers[request.param])
    yield made
    made.close()
