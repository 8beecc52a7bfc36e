"""Errors of the server and the connection are translated; bugs are not."""

from __future__ import annotations

import pytest

from streams.errors import FlagStoreUnavailable
from streams.flags.redis_store import RedisFlagStore


@pytest.fixture
def store() -> RedisFlagStore:
    return RedisFlagStore("redis://127.0.0.1:1/0", partitions=2)


def test_uvloop_closed_handler_means_store_unavailable(store):
    with pytest.raises(FlagStoreUnavailable), store._translated():
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


def test_other_runtime_errors_are_raised(store):
    with pytest.raises(RuntimeError, match="no running event loop"), store._translated():
        raise RuntimeError("no running event loop")
