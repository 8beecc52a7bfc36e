"""Connections of redis-py to the server that has the flags: given, named by Sentinels, or owner of their slot.

All keys of hushtag share one slot, so a reader of a cluster needs a connection to one node. It asks the cluster for
that node whenever it connects. A node that no longer owns the slot refuses the next command, which ends the connection.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import redis.exceptions
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from hushtag_client import keys
from hushtag_client.redis_url import Options, RedisAddress

SENTINEL_SECONDS = 1.0
"""Time limit for one Sentinel; the next one is asked after it."""
ASK_AGAIN_SECONDS = 5.0
"""Interval at which a connection asks the Sentinels again: a primary that is cut off from them may still answer us."""


_NO_CLIENT_INFO: dict[str, None] = (
    {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
)
"""Options that turn CLIENT SETINFO off: the rights need not include it, and Redis 7.0 does not know it."""


def redis_options(connect_seconds: float = 2.0, reply_seconds: float = 3.0) -> Options:
    """Return connection options: raw bytes, RESP2, and deadlines, for a reader above the longest wait for a change."""
    timeouts = {"socket_connect_timeout": connect_seconds, "socket_timeout": reply_seconds}
    return {"decode_responses": False, "protocol": 2, **timeouts, **_NO_CLIENT_INFO}


@contextlib.contextmanager
def connected(address: RedisAddress) -> Iterator[redis.Redis]:
    """Connect a reader, and close all connections at the end."""
    retry = Retry(NoBackoff(), 0)
    with contextlib.ExitStack() as closing:
        match address.kind:
            case "server":
                client = redis.Redis.from_url(address.url, retry=retry, **redis_options())
            case "sentinel":
                sentinel = redis.sentinel.Sentinel(  # type: ignore[no-untyped-call]
                    address.nodes, sentinel_kwargs=_to_sentinels(address) | {"retry": retry}
                )
                for sentinel_client in sentinel.sentinels:
                    closing.callback(sentinel_client.close)
                client = sentinel.master_for(  # type: ignore[no-untyped-call]
                    address.service, retry=retry, **redis_options() | address.options
                )
            case "cluster":
                client = redis.Redis(**_owner(address), retry=retry, **redis_options() | address.options)
        closing.callback(client.close)
        yield client


@contextlib.asynccontextmanager
async def connected_async(address: RedisAddress) -> AsyncIterator[redis.asyncio.Redis]:
    """Connect a reader on asyncio, and close all connections at the end."""
    if address.kind == "cluster":
        client = redis.asyncio.Redis(
            **await _owner_async(address), retry=AsyncRetry(NoBackoff(), 0), **redis_options() | address.options
        )
    else:
        client = connect_async(address, retries=0, **redis_options())
    try:
        yield client
    finally:
        await disconnect(client)


def connect_async(address: RedisAddress, *, retries: int, **options: Any) -> Any:
    """Make an asyncio client that connects at its first command: of one server, or of a whole cluster.

    Args:
        address: parsed URL.
        retries: how often a command is repeated after a broken connection.
        options: options of redis-py's connections.

    Returns:
        A `redis.asyncio.Redis` or `redis.asyncio.RedisCluster`; close it with `disconnect`.
    """
    retry = AsyncRetry(NoBackoff(), retries)
    match address.kind:
        case "server":
            return redis.asyncio.Redis.from_url(address.url, retry=retry, **options)
        case "sentinel":
            asking = _to_sentinels(address) | {"retry": AsyncRetry(NoBackoff(), 0)}
            sentinel: Any = redis.asyncio.sentinel.Sentinel(address.nodes, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
            return sentinel.master_for(address.service, retry=retry, **options | address.options)
        case "cluster":
            nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in address.nodes]
            return redis.asyncio.RedisCluster(
                startup_nodes=nodes, require_full_coverage=False, retry=retry, **options | address.options
            )


async def disconnect(client: Any) -> None:
    """Close a client of `connect_async`, with its connections to the Sentinels."""
    await client.aclose()
    for sentinel_client in _sentinels(client):
        await sentinel_client.aclose()


def ask_sentinels(client: Any) -> None:
    """Close the connection if the Sentinels name another primary; do nothing if they do not answer."""
    if _sentinels(client):
        with contextlib.suppress(redis.RedisError):
            client.connection_pool.get_master_address()


async def ask_sentinels_async(client: Any) -> None:
    """Close the connection if the Sentinels name another primary; do nothing if they do not answer."""
    if _sentinels(client):
        with contextlib.suppress(redis.RedisError):
            await client.connection_pool.get_master_address()


def error_text(error: BaseException) -> str:
    """Describe an error of redis-py in one line: that of Sentinels prints whole connections."""
    text = str(error)
    if isinstance(error, redis.sentinel.MasterNotFoundError | redis.asyncio.sentinel.MasterNotFoundError):
        why = sorted(set(re.findall(r"\b\w+Error\b", text)))
        return text.partition(" : ")[0] + (f" ({', '.join(why)})" if why else "")
    if isinstance(error, redis.exceptions.AskError):
        return f"slot {text} (the address is that of the slot's node)"
    return text or type(error).__name__


def _sentinels(client: Any) -> list[Any]:
    manager = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    return list(manager.sentinels) if manager is not None else []


def _to_sentinels(address: RedisAddress) -> Options:
    return redis_options(SENTINEL_SECONDS, SENTINEL_SECONDS) | {"decode_responses": True} | address.sentinel_options


def _owner(address: RedisAddress) -> Options:
    """Return host and port of the node that owns the slot of the flags."""
    untyped: Any = redis.cluster
    nodes = [untyped.ClusterNode(host, port) for host, port in address.nodes]
    cluster = untyped.RedisCluster(
        startup_nodes=nodes, require_full_coverage=False, **redis_options() | address.options
    )
    try:
        return _place(cluster.get_node_from_key(keys.REGISTERS))
    finally:
        cluster.close()


async def _owner_async(address: RedisAddress) -> Options:
    cluster = connect_async(address, retries=0, **redis_options())
    try:
        await cluster.initialize()
        return _place(cluster.get_node_from_key(keys.REGISTERS))
    finally:
        await cluster.aclose()


def _place(node: Any) -> Options:
    if node is None:
        raise redis.ConnectionError("no node of the cluster owns the slot of the flags")
    return {"host": node.host, "port": int(node.port)}
