"""Translation of redis-py's errors: the server is away, or it refuses TLS, the login or a command."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from hushtag_client.redis_servers import error_text
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    ClusterError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TryAgainError,
)

from streams.errors import FlagStoreRefuses, FlagStoreUnavailable

_SCRIPT_REFUSED = ("ACL failure in script", "can't run this command")
"""Texts of Redis and Valkey for a command that a script may not run as this user."""
_OWN_WORDS = ("NOREPLICAS", "MISCONF", "LOADING", "BUSY", "MASTERDOWN")
KINDS = (
    "away",
    "NOPERM",
    "NOAUTH",
    "TLS",
    "WRONGTYPE",
    "MOVED",
    "CLUSTERDOWN",
    "OOM",
    "READONLY",
    *_OWN_WORDS,
    "other",
)
"""Kinds of failures, the values of a metric label."""

_DEMOTED = "The previous master is now a slave"
"""Text of redis-py for a primary that became a replica, when Sentinels name the primary."""
_NO_NUMBER = ("value is not an integer", "would overflow")
"""Texts of the server for a number of writes that is none, or has no successor."""
_FIXES = {
    "away": "start Redis or Valkey there (hushtag up starts one), or correct HUSHTAG_REDIS_URL",
    "OOM": "raise maxmemory of the server: flags must not be evicted",
    "READONLY": "set HUSHTAG_REDIS_URL to the primary",
    "WRONGTYPE": "stop the other program that writes keys of hushtag",
    "MOVED": "set HUSHTAG_REDIS_URL to redis+cluster://host:6379,host:6379; if it is, the slot of the flags is moving",
    "CLUSTERDOWN": "repair the cluster: the node of the flags' slot is away",
    "NOREPLICAS": "start the server's replicas, or lower its min-replicas-to-write",
    "MISCONF": "see the server's log: it cannot save its data",
}


def store_error(error: BaseException, where: str) -> FlagStoreUnavailable:
    """Translate an error of redis-py. A refusal names the user and the command, as the server reports them.

    Args:
        error: error of redis-py, or of the connection.
        where: address of the server, without its login.
    """
    what = error_text(error)
    if isinstance(error, NoPermissionError) or any(text in what for text in _SCRIPT_REFUSED):
        return FlagStoreRefuses(
            f"{where} does not permit it: {what}",
            fix="grant it; `hushtag acls redis --role ROLE` prints the rights",
            kind="NOPERM",
        )
    if isinstance(error, AuthenticationError) or "AuthenticationError" in what:
        return FlagStoreRefuses(
            f"{where} refuses the login: {what}",
            fix="correct the user and password in HUSHTAG_REDIS_URL",
            kind="NOAUTH",
        )
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)) or "[SSL: " in what:
        return FlagStoreRefuses(
            f"TLS with {where} failed: {what}",
            fix="check ?ssl_ca_certs=FILE and the host in HUSHTAG_REDIS_URL",
            kind="TLS",
        )
    kind = _kind(error, what)
    return FlagStoreUnavailable(f"{where}: {what}", fix=_FIXES.get(kind, _FIXES["away"]), kind=kind)


def _kind(error: BaseException, what: str) -> str:
    if isinstance(error, OutOfMemoryError):
        return "OOM"
    if isinstance(error, ReadOnlyError) or _DEMOTED in what:
        return "READONLY"
    if isinstance(error, AskError | TryAgainError):
        return "MOVED"
    if what.startswith("WRONGTYPE") or any(text in what for text in _NO_NUMBER):
        return "WRONGTYPE"
    word = str(getattr(error, "status_code", None) or what.partition(" ")[0])
    if word in _OWN_WORDS:
        return word
    if isinstance(error, ClusterDownError | RedisClusterException):
        return "CLUSTERDOWN"
    if isinstance(error, ClusterError):  # a command was redirected too often
        return "MOVED"
    return "other" if isinstance(error, ResponseError) else "away"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(8):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
