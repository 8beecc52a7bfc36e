"""Servers with the registers of a test vector of the flags contract, as another writer may have stored them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hushtag_client import MemoryServer
from hushtag_client.wire import Heartbeat


def server_with(registers: Iterable[Mapping[str, Any]], at_ms: int) -> MemoryServer:
    """Return a healthy server, settled at a time, that stores registers with members and actions of any kind."""
    server = MemoryServer()
    server.seed([], settled_ms=at_ms)
    fields = [("|".join(one[name] for name in ("surface", "country", "source", "hashtag")), one) for one in registers]
    server.put("0", [(field, json.dumps(one).encode()) for field, one in fields])
    return server


def server_with_heartbeats(
    registers: Iterable[Mapping[str, Any]], heartbeats: Mapping[str, Mapping[str, int]], reconciled: Iterable[str]
) -> MemoryServer:
    """Return a server that stores registers, the heartbeats of its shards, and its reconciled partitions."""
    server = server_with(registers, 0)
    server.heartbeats = {int(shard): Heartbeat(**beat) for shard, beat in heartbeats.items()}
    server.reconciled = dict.fromkeys(reconciled, server.incarnation)
    return server
