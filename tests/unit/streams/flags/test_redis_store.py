"""Errors of the server and the connection are translated; bugs are not."""

from __future__ import annotations

import pytest
import redis
import redis.sentinel
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    ClusterError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)

from streams.errors import FlagStoreUnavailable, SettingsError
from streams.flags.redis_store import RedisFlagStore
from streams.flags.refusals import KINDS, store_error


@pytest.fixture
def store() -> RedisFlagStore:
    return RedisFlagStore("redis://127.0.0.1:1/0", partitions=2)


async def test_uvloop_closed_handler_means_store_unavailable(store):
    with pytest.raises(FlagStoreUnavailable):
        async with store.translated():
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


async def test_other_runtime_errors_are_raised(store):
    with pytest.raises(RuntimeError, match="no running event loop"):
        async with store.translated():
            raise RuntimeError("no running event loop")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionError("refused"), "away"),
        (TimeoutError(), "away"),
        (MovedError("12539 127.0.0.1:7001"), "MOVED"),
        (AskError("12539 127.0.0.1:7001"), "MOVED"),
        (TryAgainError("Multiple keys request during rehashing of slot"), "MOVED"),
        (ClusterError("TTL exhausted."), "MOVED"),
        (
            redis.sentinel.MasterNotFoundError("No master found for 'x' : <Redis(...)> - auth:AuthenticationError"),
            "NOAUTH",
        ),
        (ClusterDownError("The cluster is down"), "CLUSTERDOWN"),
        (SlotNotCoveredError("Slot 12539 is not covered"), "CLUSTERDOWN"),
        (OutOfMemoryError("command not allowed"), "OOM"),
        (ReadOnlyError("You can't write against a read only replica."), "READONLY"),
        (redis.ConnectionError("The previous master is now a slave"), "READONLY"),
        (NoPermissionError("User w has no permissions to run the 'xadd' command"), "NOPERM"),
        (AuthenticationError("invalid username-password pair"), "NOAUTH"),
        (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), "WRONGTYPE"),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "NOREPLICAS"),
        (ResponseError("ERR unknown"), "other"),
    ],
)
def test_error_of_server_has_kind_and_fix(error: Exception, kind: str) -> None:
    translated = store_error(error, "host:6379")
    assert translated.kind == kind and kind in KINDS
    assert translated.fix and "host:6379" in str(translated)


@pytest.mark.parametrize(
    "url", ["http://host", "redis+sentinel://host:1", "redis+cluster://host:1/3", "redis://h:port"]
)
def test_wrong_url_names_all_forms(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        RedisFlagStore(url, partitions=1)
    assert all(form in refused.value.fix for form in ("redis://", "rediss://", "redis+sentinel://", "redis+cluster://"))
