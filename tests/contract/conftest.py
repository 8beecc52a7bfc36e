"""Fixtures: every contract test runs in memory, on Valkey, and on redis-server if installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.stack.valkey_server import ValkeyServer
from tests.support.worlds import MemoryWorld, ServerWorld, StoreWorld

_SERVERS = ("valkey", "redis")


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


@pytest.fixture(params=["memory", *(pytest.param(name, marks=pytest.mark.integration) for name in _SERVERS)])
def world(request: pytest.FixtureRequest) -> Iterator[StoreWorld]:
    """Empty server with a store."""
    if request.param == "memory":
        made: StoreWorld = MemoryWorld()
    else:
        servers: dict[str, ValkeyServer] = request.getfixturevalue("servers")
        if request.param not in servers:
            pytest.skip(f"{request.param}-server is not on PATH")
        made = ServerWorld(servers[request.param])
    yield made
    made.close()
