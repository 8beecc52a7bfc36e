"""What the server, or the line to it, does to us is translated; a bug is not."""

from __future__ import annotations

import pytest

from streams.errors import FlagStoreUnavailable
from streams.flags.redis_store import RedisFlagStore


@pytest.fixture
def store() -> RedisFlagStore:
    return RedisFlagStore("redis://127.0.0.1:1/0", partitions=2)


def test_a_connection_that_uvloop_calls_closed_is_a_server_that_is_away(store):
    with pytest.raises(FlagStoreUnavailable), store._translated():
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


def test_a_bug_is_not(store):
    with pytest.raises(RuntimeError, match="no running event loop"), store._translated():
        raise RuntimeError("no running event loop")
